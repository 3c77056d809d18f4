// Products with a matrix that belongs to no cell: y = x W^T + bias. A thread takes some columns of W^T and all rows.
// One row is then enough work for many threads, and as no sum is divided, no result depends on their number.
#pragma once
#include "panels.h"
#include "share.h"
#include "tiles.h"

namespace anaphora::ISA {

constexpr int64_t CODED_ROWS = 64;  // rows that are encoded at a time

template <typename P>
struct MatrixScratch {
    int64_t x_words;     // stride of coded rows
    Word* x;             // [CODED_ROWS, x_words], where rows are coded
    const Word** from;   // [CODED_ROWS]
    float** to;          // [CODED_ROWS]
    float* scores;       // [score_floats] and
    const Word** lines;  // [line_count] for cross_entropy.h
    int64_t bytes;

    MatrixScratch(int64_t K, void* scratch, int thread, int64_t score_floats = 0, int64_t line_count = 0)
        : x_words(coded_stride<P>(K)) {
        Arena arena{0};
        for (int pass = 0; pass < (scratch ? 2 : 1); ++pass) {  // the first pass counts the bytes of one thread
            if (pass) arena = {reinterpret_cast<uintptr_t>(scratch) + uintptr_t(thread * arena.bytes)};
            x = arena.allocate<Word>(P::PER > 1 ? CODED_ROWS * x_words : 0);
            from = arena.allocate<const Word*>(CODED_ROWS);
            to = arena.allocate<float*>(CODED_ROWS);
            scores = arena.allocate<float>(score_floats);
            lines = arena.allocate<const Word*>(line_count);
        }
        bytes = arena.bytes;
    }

    // Points `from` at rows of x, encoded if the precision needs it.
    void read(const float* x_rows, int64_t count, int64_t K) const {
        for (int64_t i = 0; i < count; ++i) {
            from[i] = reinterpret_cast<const Word*>(x_rows + i * K);
            if constexpr (P::PER > 1) {
                P::encode(x_rows + i * K, K, x + i * x_words);
                from[i] = x + i * x_words;
            }
        }
    }
};

template <typename P>
int64_t matrix_words(int64_t K, int64_t columns) {
    return panel_words<P>(K, Panels(columns).vectors);
}

template <typename P>
int64_t matrix_scratch(int64_t K) {
    return MatrixScratch<P>(K, nullptr, 0).bytes;
}

template <typename P>
void pack_matrix(int64_t K, int64_t columns, const float* w, Word* packed, int thread, int threads) {
    const Panels panels(columns);
    for (int64_t p = thread; p < panels.count; p += threads) {
        const int64_t first = panels.first(p);
        pack_columns<P>(packed + panel_words<P>(K, first), panels.width(p), K, [&](int v, int lane) {
            const int64_t j = (first + v) * LANES + lane;
            return j < columns ? w + j * K : nullptr;
        });
    }
}

template <typename P>
void matrix_product(const MatrixProduct& f, int thread, int threads) {
    const Tiles tiles(f.rows);
    const MatrixScratch<P> scratch(f.K, f.scratch, thread);
    for (int64_t first = 0; first < f.rows; first += CODED_ROWS) {
        const int64_t count = f.rows - first < CODED_ROWS ? f.rows - first : CODED_ROWS;
        scratch.read(f.x + first * f.K, count, f.K);
        for (int64_t i = 0; i < count; ++i) scratch.to[i] = f.y + (first + i) * f.columns;
        Product<P> product;
        product.x = scratch.from, product.y = scratch.to;
        product.count = count, product.K = f.K, product.columns = f.columns;
        product.panels = f.matrix, product.bias = f.bias;
        product.run(thread, threads);
    }
}

}  // namespace anaphora::ISA
