// The cross-entropy of a linear layer: -log softmax(x W^T + bias)[target], and its gradients. The scores of all rows
// never exist at once: a thread computes those of a few rows and turns them into d, the loss's derivative with respect
// to each score, which is stored for a chunk of rows. Threads first share the rows (d -> dx), then the columns (d -> dW
// and dbias). No sum depends on the number of threads.
#pragma once
#include "matrix.h"
#include "packing.h"

namespace anaphora::ISA {

constexpr int64_t BACK_BLOCK = 2048;  // columns of d in one product: their rows of W stay in cache
constexpr int64_t LOSS_BLOCK = 240;   // columns that are contiguous in a chunk; an odd number of cache lines
static_assert(LOSS_BLOCK % LANES == 0 && LOSS_BLOCK % ROWS_AT_ONCE == 0 && BACK_BLOCK % (4 * WORDS_AT_ONCE) == 0,
              "blocks hold whole vectors and words");

// d of a chunk of rows, in the layout that the products of columns read: a word holds the numbers of PER rows.
template <typename P>
struct LossChunk {
    static constexpr int64_t GRAIN = P::PER * WORDS_AT_ONCE;  // rows that are written together
    int64_t stride;  // words from those of one k to the next; if TRANSPOSED, from one column to the next
    int64_t block;   // words of a block of columns
    Word* d;         // [blocks, words of the rows, LOSS_BLOCK]; if TRANSPOSED, [blocks * LOSS_BLOCK, stride]
    Word* x;         // the rows of x in panels
    int64_t bytes;

    explicit LossChunk(const CrossEntropy& f) {
        const int64_t words = words_of<P>(f.rows), blocks = (f.columns + LOSS_BLOCK - 1) / LOSS_BLOCK;
        stride = TRANSPOSED ? odd_lines(words * 4) * 16 : LOSS_BLOCK;
        block = TRANSPOSED ? LOSS_BLOCK * stride : words * LOSS_BLOCK;
        Arena arena{reinterpret_cast<uintptr_t>(f.chunk)};
        d = arena.allocate<Word>(blocks * block);
        x = arena.allocate<Word>(panel_words<P>(f.rows, Panels(f.K).vectors));
        bytes = arena.bytes;
    }

    // Writes GRAIN rows from row k * PER on: one vector of d from column j on.
    void write(int64_t k, int64_t j, Ints (&words)[LANES]) const {
        Word* const to = d + j / LOSS_BLOCK * block;
        if constexpr (TRANSPOSED) {
            transpose(words);
            for (int i = 0; i < LANES; ++i) store(to + (j % LOSS_BLOCK + i) * stride + k, words[i]);
        } else store(to + k * stride + j % LOSS_BLOCK, words[0]);
    }
};

template <typename P>
int64_t loss_chunk(const CrossEntropy& f) {
    return LossChunk<P>(f).bytes;
}

// Floats of a row of scores: whole words of d, and zeros past the last column.
INLINE int64_t score_floats(int64_t columns) { return odd_lines(up(columns, 2 * LANES) * 4) * 16; }

// Rows of a block of columns in the chunk.
template <typename P>
int64_t chunk_lines(const CrossEntropy& f) {
    return TRANSPOSED ? LOSS_BLOCK : words_of<P>(f.rows);
}

template <typename P>
MatrixScratch<P> loss_scratch_of(const CrossEntropy& f, int thread) {
    const int64_t grain = LossChunk<P>::GRAIN > ROWS_AT_ONCE ? LossChunk<P>::GRAIN : ROWS_AT_ONCE;
    const int64_t rows = f.rows < CODED_ROWS ? up(f.rows, grain) : CODED_ROWS;
    return {f.K, f.scratch, thread, rows * score_floats(f.columns), f.dx ? chunk_lines<P>(f) : 0};
}

template <typename P>
int64_t loss_scratch(const CrossEntropy& f) {
    return loss_scratch_of<P>(f, 0).bytes;
}

// W [columns, K] for d -> dx, one block of its rows after another.
template <typename P>
int64_t back_words(int64_t K, int64_t columns) {
    const int64_t vectors = Panels(K).vectors, last = columns % BACK_BLOCK;
    return columns / BACK_BLOCK * panel_words<P>(BACK_BLOCK, vectors) + (last ? panel_words<P>(last, vectors) : 0);
}

template <typename P>
void pack_back(int64_t K, int64_t columns, const float* w, Word* packed, int thread, int threads) {
    const Panels panels(K);
    for (int64_t first = 0; first < columns; first += BACK_BLOCK) {
        const int64_t count = columns - first < BACK_BLOCK ? columns - first : BACK_BLOCK;
        Word* const block = packed + first / BACK_BLOCK * panel_words<P>(BACK_BLOCK, panels.vectors);
        for (int64_t p = thread; p < panels.count; p += threads)
            pack_lines<P>(block + panel_words<P>(count, panels.first(p)), panels, p, count,
                          [&](int64_t k) { return w + (first + k) * K; });
    }
}

// Replaces a row of scores by e^(score - highest), and by zeros past the last column. Returns the sum, and writes the
// target's result.
INLINE float exponentials(float* scores, int64_t columns, int64_t floats, int64_t target, float* result) {
    for (int64_t j = columns; j < floats; ++j) scores[j] = -__builtin_inff();
    Vec highest = load(scores), sum{};
    for (int64_t j = LANES; j < columns; j += LANES) {
        const Vec x = load(scores + j);
        highest = x > highest ? x : highest;
    }
    float most = highest[0], total = 0;
    for (int lane = 1; lane < LANES; ++lane) most = highest[lane] > most ? highest[lane] : most;
    result[0] = scores[target] - most;
    result[1] = scores[target] >= most;
    for (int64_t j = 0; j < columns; j += LANES) {
        const Vec x = load(scores + j) - broadcast(most);
        const Power p = power(x);
        const Vec e = x < broadcast(-80.0f) ? Vec{} : p.scale + p.rest;  // products of denormal numbers would be slow
        store(scores + j, e);
        sum += e;
    }
    for (int64_t j = columns; j < floats; ++j) scores[j] = 0;
    for (int lane = 0; lane < LANES; ++lane) total += sum[lane];
    result[0] -= float(__builtin_log(double(total)));
    return total;
}

// A thread's share of the rows.
template <typename P>
void loss_rows(const CrossEntropy& f, int thread, int threads) {
    const Tiles tiles(f.rows);
    const LossChunk<P> chunk(f);
    const MatrixScratch<P> scratch = loss_scratch_of<P>(f, thread);
    constexpr int64_t GRAIN = LossChunk<P>::GRAIN;
    const int64_t grains = (f.rows + GRAIN - 1) / GRAIN;
    const int64_t begin = grains * thread / threads, end = grains * (thread + 1) / threads;
    const int64_t turns = ((end - begin) * GRAIN + CODED_ROWS - 1) / CODED_ROWS, floats = score_floats(f.columns);
    for (int64_t turn = 0; turn < turns; ++turn) {
        const int64_t first = (begin + (end - begin) * turn / turns) * GRAIN;
        const int64_t past_grain = (begin + (end - begin) * (turn + 1) / turns) * GRAIN;
        const int64_t count = (past_grain < f.rows ? past_grain : f.rows) - first;
        scratch.read(f.x + first * f.K, count, f.K);
        for (int64_t i = 0; i < count; ++i) scratch.to[i] = scratch.scores + i * floats;
        Product<P> scores;
        scores.x = scratch.from, scores.y = scratch.to;
        scores.count = count, scores.K = f.K, scores.columns = f.columns;
        scores.panels = f.matrix, scores.bias = f.bias;
        scores.run();
        float share[CODED_ROWS] = {};
        for (int64_t i = 0; i < count; ++i) {
            const int64_t target = f.targets[first + i];
            const float sum = exponentials(scratch.to[i], f.columns, floats, target, f.result + 2 * (first + i));
            scratch.to[i][target] -= sum;
            share[i] = f.share / sum;
        }
        if constexpr (P::LEARNS) {
            if (!f.dx) continue;
            for (int64_t group = 0; group < count; group += GRAIN)
                for (int64_t j = 0; j < up(f.columns, 2 * LANES); j += LANES) {
                    Ints words[LANES] = {};
                    for (int word = 0; word < WORDS_AT_ONCE; ++word) {
                        Vec d[P::PER] = {};
                        for (int i = 0; i < P::PER; ++i) {
                            const int64_t row = group + word * P::PER + i;
                            if (row >= count) continue;
                            d[i] = load(scratch.to[row] + j) * broadcast(share[row]);
                            // Overwrites the scores; bfloat16 numbers never reach scores that are still to be read.
                            store(reinterpret_cast<typename P::Kept*>(scratch.to[row]) + j, d[i], LANES);
                        }
                        words[word] = P::join(d);
                    }
                    if (j < f.columns) chunk.write((first + group) / P::PER, j, words);
                }
            for (int64_t block = 0; block < f.columns; block += BACK_BLOCK) {
                for (int64_t i = 0; i < count; ++i) {
                    scratch.from[i] = reinterpret_cast<const Word*>(scratch.scores + i * floats) + block / P::PER;
                    scratch.to[i] = f.dx + (first + i) * f.K;
                }
                Product<P> dx;
                dx.x = scratch.from, dx.y = scratch.to;
                dx.count = count, dx.columns = f.K;
                dx.K = f.columns - block < BACK_BLOCK ? f.columns - block : BACK_BLOCK;
                dx.panels = f.back + block / BACK_BLOCK * panel_words<P>(BACK_BLOCK, Panels(f.K).vectors);
                dx.add = block > 0;
                dx.run();
            }
        }
    }
    if constexpr (P::LEARNS) {
        if (!f.dx) return;
        const Panels layout(f.K);
        for (int64_t p = thread; p < layout.count; p += threads)
            pack_lines<P>(chunk.x + panel_words<P>(f.rows, layout.first(p)), layout, p, f.rows,
                          [&](int64_t k) { return f.x + k * f.K; });
    }
}

// A thread's share of the columns, one panel of dW after another, after all rows are done.
template <typename P>
void loss_columns(const CrossEntropy& f, int thread, int threads) {
    const Tiles tiles(f.rows);
    const LossChunk<P> chunk(f);
    const int64_t words = words_of<P>(f.rows), blocks = (f.columns + LOSS_BLOCK - 1) / LOSS_BLOCK;
    const Panels layout(f.K);
    const Word** const a = loss_scratch_of<P>(f, thread).lines;
    const int64_t lines = chunk_lines<P>(f), work = blocks * layout.count;
    int64_t current = -1;
    for (int64_t item = work * thread / threads; item < work * (thread + 1) / threads; ++item) {
        const int64_t b = item / layout.count, p = item % layout.count;
        const int64_t first = b * LOSS_BLOCK, left = f.columns - first;
        const int64_t width = left < LOSS_BLOCK ? left : LOSS_BLOCK;
        if (b != current)
            for (int64_t i = 0; i < lines; ++i) a[i] = chunk.d + b * chunk.block + i * chunk.stride;
        current = b;
        Outer<P> dw;
        dw.a = a;
        dw.K = f.rows, dw.rows = width, dw.columns = f.K;
        dw.target = f.dw + first * f.K, dw.add = f.add;
        dw.run(layout, p, chunk.x + panel_words<P>(f.rows, layout.first(p)));
        if (p) continue;
        float* const db = f.db + first;
        for (int64_t j = 0; j < width; j += TRANSPOSED ? 1 : LANES) {
            Vec sum{};
            if constexpr (TRANSPOSED) {
                for (int64_t k = 0; k < words; k += LANES) sum += P::total(load(a[j] + k));
                float total = 0;
                for (int lane = 0; lane < LANES; ++lane) total += sum[lane];
                db[j] = f.add ? db[j] + total : total;
            } else {
                const int n = width - j < LANES ? int(width - j) : LANES;
                for (int64_t k = 0; k < words; ++k) sum += P::total(load(a[k] + j));
                store(db + j, f.add ? load(db + j, n) + sum : sum, n);
            }
        }
    }
}

}  // namespace anaphora::ISA
