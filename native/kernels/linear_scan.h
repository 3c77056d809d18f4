// h[t] = a[t] * h[t - 1] + b[t], elementwise: the recurrence of cells whose gates do not depend on h, such as minGRU
// and minLSTM (Feng et al. 2024, arXiv 2410.01201).
//
// Elements do not depend on each other, so threads share the rows; if there are fewer rows than threads, they also
// share the columns, in whole cache lines. A thread runs its part from the first step to the last and waits for no
// other. The kernels are bound by memory, so a step reads whole rows in order, and takes the previous h from y, where
// it is in cache.
//
// Every element is computed by the same operations wherever it is, and the state between two steps is always rounded to
// float32 in memory. So the result depends neither on threads nor on how the steps are divided among calls.
#pragma once
#include "vector.h"

namespace anaphora::ISA {

// Calls body(row, length, first, past) for the columns first .. past - 1 of the rows of one thread.
template <typename Body>
INLINE void for_columns(const Batch& batch, int64_t H, int thread, int threads, const Body& body) {
    constexpr int64_t LINE = 16;  // floats in a cache line: no two threads write to one
    if (batch.B == 0) return;
    const int64_t lines = (H + LINE - 1) / LINE, wanted = (threads + batch.B - 1) / batch.B;
    const int64_t blocks = wanted < lines ? wanted : lines;
    for (int64_t item = thread; item < batch.B * blocks; item += threads) {  // longest rows first
        const int64_t rank = item / blocks, block = item % blocks;
        const int64_t past = lines * (block + 1) / blocks * LINE;
        body(batch.row[rank], batch.length[rank], lines * block / blocks * LINE, past < H ? past : H);
    }
}

// Calls body(j, n) for vectors of n columns from j on, in the order of a scan that goes up or down: the processor then
// sees one stream of addresses and fetches ahead of it.
template <typename Body>
INLINE void for_vectors(int64_t first, int64_t past, bool down, const Body& body) {
    const int64_t whole = past - (past - first) % LANES;
    if (down) {
        if (whole < past) body(whole, int(past - whole));
        for (int64_t j = whole - LANES; j >= first; j -= LANES) body(j, LANES);
    } else {
        for (int64_t j = first; j < whole; j += LANES) body(j, LANES);
        if (whole < past) body(whole, int(past - whole));
    }
}

static void linear_scan(const LinearScan& f, int thread, int threads) {
    for_columns(f.batch, f.H, thread, threads, [&f](int64_t row, int64_t length, int64_t first, int64_t past) {
        const int64_t H = f.H, step = f.batch.reverse ? -H : H;
        int64_t at = (row * f.T + (f.batch.reverse ? length - 1 : 0)) * H;
        const float* h = f.h0 + row * H;
        for (int64_t t = 0; t < length; ++t, at += step) {
            const float *const a = f.a + at, *const b = f.b + at;
            float* const y = f.y + at;
            for_vectors(
                first, past, f.batch.reverse, [=](int64_t j, int n) __attribute__((always_inline)) {
                    store(y + j, load(a + j, n) * load(h + j, n) + load(b + j, n), n);
                });
            h = y;
        }
        for (int64_t j = first; j < past; ++j) f.h_n[row * H + j] = h[j];
    });
}

// With g[t] = dy[t] + a[t + 1] g[t + 1], the gradient of h[t]: da[t] = g[t] h[t - 1], db[t] = g[t], dh0 = a[0] g[0].
// dh0 holds a[t + 1] g[t + 1] meanwhile.
static void linear_scan_backward(const LinearScanBackward& f, int thread, int threads) {
    for_columns(f.batch, f.H, thread, threads, [&f](int64_t row, int64_t length, int64_t first, int64_t past) {
        const int64_t H = f.H, step = f.batch.reverse ? -H : H;
        float* const dh = f.dh0 + row * H;
        for (int64_t j = first; j < past; ++j) dh[j] = f.dh_n[row * H + j];
        int64_t at = (row * f.T + (f.batch.reverse ? 0 : length - 1)) * H;
        for (int64_t t = length - 1; t >= 0; --t, at -= step) {
            const float *const a = f.a + at, *const dy = f.dy + at;
            const float* const h_before = t ? f.y + at - step : f.h0 + row * H;
            float *const da = f.da + at, *const db = f.db + at;
            for_vectors(
                first, past, !f.batch.reverse, [=](int64_t j, int n) __attribute__((always_inline)) {
                    const Vec g = load(dy + j, n) + load(dh + j, n);
                    store(da + j, g * load(h_before + j, n), n);
                    store(db + j, g, n);
                    store(dh + j, g * load(a + j, n), n);
                });
        }
    });
}

}  // namespace anaphora::ISA
