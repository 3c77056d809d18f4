// Backward. A thread goes back through its rows a few steps at a time. When a chunk of dgates is full, its products are
// added to the thread's own sums while the chunk is in cache. The chunk before is kept for the following step.
#pragma once
#include "packing.h"
#include "share.h"
#include "tiles.h"

namespace anaphora::ISA {

constexpr int64_t CHUNK_ROWS = 384;

// The stride of a chunk's rows is never a power of two: otherwise one column of all rows would fall into one set of the
// cache.
template <typename C, typename P>
struct BackwardScratch {
    typedef typename P::Kept Number;
    static constexpr bool PAIRED = P::PER > 1;
    int64_t max_rows;         // rows of one chunk
    int64_t stride;           // of a chunk's rows, in numbers
    Number* chunks[2];        // [max_rows, stride] dgates: of the current steps, and of those after them
    Word* pairs;              // [max_rows / 2, stride] the current chunk, two rows interleaved; if TRANSPOSED:
                              // [DGATES * H, pair_stride]
    int64_t pair_stride;      // of its rows, in words
    Word* panel;              // [max_rows, 4 vectors]
    Number** dgates;          // [max_rows] the rows of the current chunk, and what belongs to each:
    const Word** columns;     // [max_rows] the rows of the chunk, or of `pairs`
    const float** x;          // [max_rows]
    const float** h_before;   // [max_rows]
    float** dx;               // [max_rows]
    StepBack<Number>* steps;  // [rows of the thread]
    const Word** after;       // [rows of the thread] dgates of the following step
    const float** dy;         // [rows of the thread]
    float** dh;               // [rows of the thread]
    int64_t bytes;

    BackwardScratch(const Backward& f, int thread, int threads, bool real = true) {
        const int64_t rows = (f.batch.B + threads - 1) / threads, positions = f.batch.T * rows;
        max_rows = rows > CHUNK_ROWS ? rows : CHUNK_ROWS;
        if (positions < max_rows) max_rows = positions;
        stride = up(C::DGATES * f.weights.H, 32) + (PAIRED ? 32 : 16);
        const int64_t lines = up(max_rows + ROWS_AT_ONCE - 1, PAIRED ? 2 : 1);  // a tile may begin at the last row
        const int64_t transposed = TRANSPOSED ? C::DGATES * f.weights.H + ROWS_AT_ONCE - 1 : 0;
        pair_stride = TRANSPOSED ? odd_lines(words_of<P>(max_rows) * 4) * 16 : stride;
        Arena arena{0};
        for (int pass = 0; pass < (real ? 2 : 1); ++pass) {  // the first pass counts the bytes of one thread
            if (pass) arena = {reinterpret_cast<uintptr_t>(f.scratch) + uintptr_t(thread * arena.bytes)};
            chunks[0] = arena.allocate<Number>(lines * stride);
            chunks[1] = arena.allocate<Number>(lines * stride);
            pairs = arena.allocate<Word>(PAIRED ? (TRANSPOSED ? transposed : lines / 2) * pair_stride : 0);
            panel = arena.allocate<Word>(up(max_rows, 2 * WORDS_AT_ONCE) * 4 * LANES);
            dgates = arena.allocate<Number*>(max_rows);
            columns = arena.allocate<const Word*>(transposed > max_rows ? transposed : max_rows);
            x = arena.allocate<const float*>(max_rows);
            h_before = arena.allocate<const float*>(max_rows);
            dx = arena.allocate<float*>(max_rows);
            steps = arena.allocate<StepBack<Number>>(rows);
            after = arena.allocate<const Word*>(rows);
            dy = arena.allocate<const float*>(rows);
            dh = arena.allocate<float*>(rows);
        }
        bytes = arena.bytes;
        if (PAIRED && real)  // the last word of a row may hold a number past the row's end
            for (Number* chunk : chunks)
                for (int64_t i = 0; i < lines; ++i)
                    for (int64_t j = C::DGATES * f.weights.H; j < stride; ++j) chunk[i * stride + j] = 0;
    }
};

template <typename C, typename P>
int64_t backward_scratch(const Backward& f, int threads) {
    return BackwardScratch<C, P>(f, 0, threads, false).bytes;
}

// Backward through one step. Rows that end at this step get nothing from the following one.
template <typename C, typename P, bool GOES_ON>
struct BackwardTile {
    const StepBack<typename P::Kept>* steps;
    const Word* const* after;  // dgates of the following step, from H_PART on
    const float* const* dy;
    const Word* panel;
    int64_t H, first_vector;
    const Panels& units;

    using Kept = Record<C, typename P::Kept>;

    template <int R, int N>
    void run(int64_t first, Rows<R> tile = {}) const {
        for (int r = 0; r < tile.count; ++r)  // needed last, and the hardware prefetcher does not see them coming
            for (int v = 0; v < N; ++v) {
                const StepBack<typename P::Kept>& s = steps[first + r];
                const int64_t j = (first_vector + v) * LANES;
                for (int64_t byte = 0; byte < Kept::BYTES; byte += 64)
                    __builtin_prefetch(s.kept + (first_vector + v) * Kept::BYTES + byte);
                if (C::HAS_C) __builtin_prefetch(s.c_before + (first_vector + v) * s.c_stride);
                __builtin_prefetch(dy[first + r] + j);
                __builtin_prefetch(s.h_before + j);
            }
        Vec sum[R][N] = {};
        if constexpr (GOES_ON) multiply<P, R, N>(after + first, tile, panel, C::GATES * H, sum);
        for (int v = 0; v < N; ++v) {
            const int64_t j = (first_vector + v) * LANES;
            const int n = units.lanes(first_vector + v);
            for (int r = 0; r < tile.count; ++r) {
                const StepBack<typename P::Kept>& s = steps[first + r];
                const int64_t u = first_vector + v;
                if (n == LANES)
                    C::template backward<P>(sum[r][v] + load(dy[first + r] + j) + load(s.dh + j), s, u, LANES);
                else C::template backward<P>(sum[r][v] + load(dy[first + r] + j, n) + load(s.dh + j, n), s, u, n);
            }
        }
    }
};

INLINE float* sum_of(const GradientSum& sum, int thread) {
    return thread ? sum.parts + (thread - 1) * sum.size : sum.total;
}

// From a chunk of `count` rows: dx, and what it adds to the gradients of the weights and biases.
template <typename C, typename P>
void flush(const Backward& f, const BackwardScratch<C, P>& scratch, int thread, int64_t count, bool add) {
    const int64_t H = f.weights.H, D = f.weights.D, G = C::GATES * H, dgates = C::DGATES * H;
    const Word** const columns = scratch.columns;
    for (int64_t i = 0; i < count; ++i) columns[i] = reinterpret_cast<const Word*>(scratch.dgates[i]);
    if (f.dx) {
        Product<P> dx;
        dx.x = columns, dx.y = scratch.dx;
        dx.count = count, dx.K = G, dx.columns = D;
        dx.panels = f.weights.ih_back;
        dx.run();
    }
    for (int64_t j = 0; j < dgates; j += LANES) {  // the chunk is summed first: one long sum would lose a digit
        const int n = dgates - j < LANES ? int(dgates - j) : LANES;
        Vec sum{};
        for (int64_t i = 0; i < count; ++i) sum += load(scratch.dgates[i] + j, n);
        float* const db = sum_of(f.db, thread) + j;
        store(db, add ? load(db, n) + sum : sum, n);
    }
    if constexpr (BackwardScratch<C, P>::PAIRED)
        for (int64_t k = 0; k < words_of<P>(count); k += WORDS_AT_ONCE)
            for (int64_t j = 0; j < dgates; j += LANES) {  // rows have padding after the last column
                Ints pairs[LANES];
                for (int64_t word = 0; word < WORDS_AT_ONCE; ++word) {
                    Vec rows[2] = {};
                    for (int64_t i = 0, row = 2 * (k + word); i < 2; ++i, ++row)
                        if (row < count) rows[i] = load(scratch.dgates[row] + j, LANES);
                    pairs[word] = P::join(rows);
                }
                if constexpr (TRANSPOSED) {
                    transpose(pairs);
                    for (int i = 0; i < LANES; ++i) store(scratch.pairs + (j + i) * scratch.pair_stride + k, pairs[i]);
                } else store(scratch.pairs + k * scratch.pair_stride + j, pairs[0]);
            }
    const int64_t lines = TRANSPOSED ? dgates : words_of<P>(count), h_part = C::H_PART * H;
    if (BackwardScratch<C, P>::PAIRED)
        for (int64_t i = 0; i < lines; ++i) columns[i] = scratch.pairs + i * scratch.pair_stride;
    Outer<P> dw_ih;
    dw_ih.a = columns, dw_ih.b = scratch.x;
    dw_ih.K = count, dw_ih.rows = G, dw_ih.columns = D;
    dw_ih.target = sum_of(f.dw_ih, thread), dw_ih.add = add;
    if (C::H_PART) dw_ih.blocks = C::GATES, dw_ih.order = C::X;  // dgates are in an order of their own
    dw_ih.run(scratch.panel);
    for (int64_t i = 0; i < lines && !TRANSPOSED; ++i) columns[i] += h_part;
    Outer<P> dw_hh;
    dw_hh.a = columns + (TRANSPOSED ? h_part : 0), dw_hh.b = scratch.h_before;
    dw_hh.K = count, dw_hh.rows = G, dw_hh.columns = H;
    dw_hh.target = sum_of(f.dw_hh, thread), dw_hh.add = add;
    dw_hh.run(scratch.panel);
}

template <typename C, typename P>
void backward(const Backward& f, int thread, int threads) {
    typedef typename P::Kept Number;
    using Kept = Record<C, Number>;
    const Tiles tiles(f.batch.B * f.batch.T);
    const Batch& batch = f.batch;
    const int64_t H = f.weights.H, D = f.weights.D, kept_bytes = kept_floats<C, P>(H) * 4;
    const char* const kept = static_cast<const char*>(f.kept);
    const Share share{thread, threads};
    BackwardScratch<C, P> scratch(f, thread, threads);
    StepBack<Number>* const steps = scratch.steps;
    const auto h_part = [H](const Number* dgates) { return reinterpret_cast<const Word*>(dgates + C::H_PART * H); };

    const Panels units(H);
    int64_t count = 0;
    bool add = false;
    for (int64_t t = batch.T - 1; t >= 0; --t) {
        const int64_t alive = share.of(batch.alive[t]);
        const int64_t going_on = t + 1 < batch.T ? share.of(batch.alive[t + 1]) : 0;
        if (count + alive > scratch.max_rows) {
            flush(f, scratch, thread, count, add);
            count = 0, add = true;
            Number* const full = scratch.chunks[0];
            scratch.chunks[0] = scratch.chunks[1], scratch.chunks[1] = full;
        }
        for (int64_t i = 0; i < alive; ++i, ++count) {
            const int64_t rank = share.rank(i), row = batch.row[rank];
            const int64_t y_at = position(batch, f.y_at, rank, t), x_at = position(batch, f.x_at, rank, t);
            StepBack<Number>& step = steps[i];
            if (i < going_on) scratch.after[i] = h_part(step.dgates);
            scratch.dy[i] = f.dy + y_at * H;
            step.H = H;
            step.relu = f.relu;
            step.h_before = t ? f.y + position(batch, f.y_at, rank, t - 1) * H : f.h0 + row * H;
            step.h = f.y + y_at * H;
            if (C::HAS_C && t) step.c_before = kept + (batch.kept[t - 1] + rank) * kept_bytes + Kept::C_AT;
            else step.c_before = C::HAS_C ? reinterpret_cast<const char*>(f.c0 + row * H) : nullptr;
            step.c_stride = t ? Kept::BYTES : LANES * int64_t(sizeof(float));
            step.kept = kept + (batch.kept[t] + rank) * kept_bytes;
            step.dh = f.dh + row * H;
            step.dc = C::HAS_C ? f.dc + row * H : nullptr;
            step.dgates = scratch.chunks[0] + count * scratch.stride;
            scratch.dgates[count] = step.dgates, scratch.h_before[count] = step.h_before;
            scratch.x[count] = f.x + x_at * D;
            scratch.dx[count] = f.dx ? f.dx + x_at * D : nullptr;
        }
        for (int64_t p = 0; p < units.count; ++p) {
            const int64_t first = units.first(p);
            const Word* w = f.weights.hh_back + panel_words<P>(C::GATES * H, first);
            in_tiles(units.width(p), going_on,
                     BackwardTile<C, P, true>{steps, scratch.after, scratch.dy, w, H, first, units});
            in_tiles(units.width(p), alive - going_on,
                     BackwardTile<C, P, false>{steps + going_on, nullptr, scratch.dy + going_on, w, H, first, units});
        }
    }
    flush(f, scratch, thread, count, add);

    const int64_t begun = batch.T ? share.of(batch.alive[0]) : 0;
    for (int64_t i = 0; i < begun; ++i) {
        scratch.after[i] = h_part(steps[i].dgates);
        scratch.dh[i] = steps[i].dh;
    }
    Product<P> dh;  // the last product leads to the initial state
    dh.x = scratch.after, dh.y = scratch.dh;
    dh.count = begun, dh.K = C::GATES * H, dh.columns = H;
    dh.panels = f.weights.hh_back, dh.add = true;
    dh.run();
}

}  // namespace anaphora::ISA
