// Forward. x W_ih is computed for a few steps at a time (a chunk), then those steps run one after another.
#pragma once
#include "packing.h"
#include "share.h"
#include "tiles.h"

namespace anaphora::ISA {

constexpr int64_t CHUNK_FLOATS = 1 << 17;  // of x W_ih: a chunk stays in cache until its steps have run

template <typename C, typename P>
struct ForwardScratch {
    static constexpr bool CODED = P::PER > 1;  // rows are rounded into words before they are multiplied
    int64_t max_rows;                          // rows of one chunk
    int64_t x_words, h_words;                  // strides of coded rows
    int64_t x_floats;                          // stride of the chunk's rows
    float* chunk;                              // [max_rows, x_floats] x W_ih
    Word* x;                                   // [max_rows, x_words] coded rows of x
    Word* h[2];                                // [rows of the thread, h_words] coded states before and after a step
    const Word** from;                         // [max_rows] rows of x
    float** to;                                // [max_rows] rows for their products
    Step<typename P::Kept>* steps;             // [rows of the thread]
    const Word** before;                       // [rows of the thread]
    int64_t bytes;

    ForwardScratch(const Forward& f, int thread, int threads, bool real = true) {
        const int64_t rows = (f.batch.B + threads - 1) / threads;
        x_floats = odd_lines(gate_floats<C>(f.weights.H) * 4) * 16;
        max_rows = CHUNK_FLOATS / x_floats > rows ? CHUNK_FLOATS / x_floats : rows;
        if (f.batch.T * rows < max_rows) max_rows = f.batch.T * rows;
        const int64_t coded = CODED ? up(rows, ROWS_AT_ONCE) : 0;
        x_words = coded_stride<P>(f.weights.D), h_words = coded_stride<P>(f.weights.H);
        Arena arena{0};
        for (int pass = 0; pass < (real ? 2 : 1); ++pass) {  // the first pass counts the bytes of one thread
            if (pass) arena = {reinterpret_cast<uintptr_t>(f.scratch) + uintptr_t(thread * arena.bytes)};
            chunk = arena.allocate<float>(f.table ? 0 : max_rows * x_floats);
            x = arena.allocate<Word>(CODED && !f.table ? up(max_rows, ROWS_AT_ONCE) * x_words : 0);
            h[0] = arena.allocate<Word>(coded * h_words), h[1] = arena.allocate<Word>(coded * h_words);
            from = arena.allocate<const Word*>(max_rows);
            to = arena.allocate<float*>(max_rows);
            steps = arena.allocate<Step<typename P::Kept>>(rows);
            before = arena.allocate<const Word*>(rows);
        }
        bytes = arena.bytes;
    }
};

template <typename C, typename P>
int64_t forward_scratch(const Forward& f, int threads) {
    return ForwardScratch<C, P>(f, 0, threads, false).bytes;
}

template <typename C, typename P, bool KEEP>
struct ForwardTile {
    const Step<typename P::Kept>* steps;
    const Word* const* h_before;
    const Word* panel;
    int64_t H, first_vector;
    const Panels& units;

    using Kept = Record<C, typename P::Kept>;

    template <int R, int N>
    void run(int64_t first, Rows<R> tile = {}) const {
        if (KEEP)  // needed last, and the hardware prefetcher does not see them coming
            for (int r = 0; r < tile.count; ++r)
                for (int64_t byte = 0; byte < N / C::GATES * Kept::BYTES; byte += 64)
                    __builtin_prefetch(steps[first + r].kept + first_vector * Kept::BYTES + byte, 1);
        Vec sum[R][N];
        multiply<P, R, N>(h_before + first, tile, panel, H, sum);
        for (int r = 0; r < tile.count; ++r)
            for (int u = 0; u < N / C::GATES; ++u) {
                const int64_t vector = first_vector + u;
                const int n = units.lanes(vector);
                if (n == LANES) C::template forward<P, KEEP>(sum[r] + u, steps[first + r], vector, LANES);
                else C::template forward<P, KEEP>(sum[r] + u, steps[first + r], vector, n);
            }
    }
};

template <typename C, typename P, bool KEEP>
void forward_rows(const Forward& f, int thread, int threads) {
    const Batch& batch = f.batch;
    const int64_t H = f.weights.H, D = f.weights.D, G = gate_floats<C>(H), kept = kept_floats<C, P>(H) * 4;
    const Panels units(H);
    const Share share{thread, threads};
    ForwardScratch<C, P> scratch(f, thread, threads);
    constexpr bool CODED = ForwardScratch<C, P>::CODED;
    const Word **const from = scratch.from, **const h_before = scratch.before;
    float** const to = scratch.to;
    Step<typename P::Kept>* const steps = scratch.steps;

    for (int64_t i = 0; i < share.of(batch.B); ++i) {
        const int64_t row = batch.row[share.rank(i)];
        if (batch.length[share.rank(i)] == 0)  // an empty row ends in its initial state
            for (int64_t j = 0; j < H; ++j) f.h_n[row * H + j] = f.h0[row * H + j];
        else if constexpr (CODED) P::encode(f.h0 + row * H, H, scratch.h[0] + i * scratch.h_words);
    }
    for (int64_t t0 = 0, t1; t0 < batch.T; t0 = t1) {
        int64_t count = 0;
        for (t1 = t0; t1 < batch.T; ++t1) {  // as many steps as fit in a chunk
            const int64_t alive = share.of(batch.alive[t1]);
            if (alive == 0 || (count && count + alive > scratch.max_rows)) break;
            for (int64_t i = 0; i < alive; ++i, ++count) {
                const int64_t rank = share.rank(i), at = position(batch, f.x_at, rank, t1);
                if (f.table) {
                    to[count] = const_cast<float*>(f.table) + f.ids[at] * G;
                    continue;
                }
                from[count] = reinterpret_cast<const Word*>(f.x + at * D);
                if constexpr (CODED) {
                    P::encode(f.x + at * D, D, scratch.x + count * scratch.x_words);
                    from[count] = scratch.x + count * scratch.x_words;
                }
                to[count] = scratch.chunk + count * scratch.x_floats;
            }
        }
        if (t1 == t0) return;
        if (!f.table) {
            Product<P> product;
            product.x = from, product.y = to;
            product.count = count, product.K = D, product.columns = G;
            product.panels = f.weights.ih, product.bias = f.weights.bias;
            product.run();
        }
        float** x = to;
        for (int64_t t = t0; t < t1; ++t) {
            const int64_t alive = share.of(batch.alive[t]);
            for (int64_t i = 0; i < alive; ++i) {
                const int64_t rank = share.rank(i), row = batch.row[rank];
                const float* before = t ? f.y + position(batch, f.y_at, rank, t - 1) * H : f.h0 + row * H;
                h_before[i] = CODED ? scratch.h[0] + i * scratch.h_words : reinterpret_cast<const Word*>(before);
                Step<typename P::Kept>& step = steps[i];
                step.relu = f.relu;
                step.bias_h = f.weights.bias + G;
                step.h_before = before;
                step.h = f.y + position(batch, f.y_at, rank, t) * H;
                step.c = C::HAS_C ? f.c_n + row * H : nullptr;
                step.x = x[i];
                step.kept = KEEP ? static_cast<char*>(f.kept) + (batch.kept[t] + rank) * kept : nullptr;
            }
            x += alive;
            if constexpr (C::GATES > 1) {
                for (int64_t u = 0; u < units.vectors; ++u) {
                    const Word* panel = f.weights.hh + panel_words<P>(H, u * C::GATES);
                    in_tiles<C::GATES>(alive, ForwardTile<C, P, KEEP>{steps, h_before, panel, H, u, units});
                }
            } else {
                for (int64_t p = 0; p < units.count; ++p) {
                    const Word* panel = f.weights.hh + panel_words<P>(H, units.first(p));
                    in_tiles(units.width(p), alive,
                             ForwardTile<C, P, KEEP>{steps, h_before, panel, H, units.first(p), units});
                }
            }
            const int64_t going_on = t + 1 < batch.T ? share.of(batch.alive[t + 1]) : 0;
            for (int64_t i = going_on; i < alive; ++i) {
                const int64_t row = batch.row[share.rank(i)];
                for (int64_t j = 0; j < H; ++j) f.h_n[row * H + j] = steps[i].h[j];
            }
            if constexpr (CODED) {
                for (int64_t i = 0; i < going_on; ++i) P::encode(steps[i].h, H, scratch.h[1] + i * scratch.h_words);
                Word* const old = scratch.h[0];
                scratch.h[0] = scratch.h[1], scratch.h[1] = old;
            }
        }
    }
}

template <typename C, typename P>
void forward(const Forward& f, int thread, int threads) {
    const Tiles tiles(f.batch.B * f.batch.T);
    constexpr bool KEEP = P::LEARNS && C::KEEPS;
    if (f.kept) return forward_rows<C, P, KEEP>(f, thread, threads);
    forward_rows<C, P, false>(f, thread, threads);
}

}  // namespace anaphora::ISA
