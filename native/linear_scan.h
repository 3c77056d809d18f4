// The elementwise linear scan (kernels/linear_scan.h) for Python.
#pragma once
#include "packed.h"

namespace anaphora {

// The threads that a scan has work for: each takes whole cache lines of whole rows.
inline int scan_threads(int threads, int64_t B, int64_t H) { return clamped(threads, B * ((H + 15) / 16)); }

inline void check_scan(const In& a) {
    if (a.ndim() != 3) throw std::invalid_argument("a is an array [B, T, H]");
}

// Writes h[t] = a[t] * h[t - 1] + b[t] to y, and every row's last h to h_n. Arrays may not overlap. Positions past a
// row's end are neither read nor written.
inline void linear_scan(const In& a, const In& b, const Integers& lengths, bool reverse, const In& h0, const Out& y,
                        const Out& h_n, const std::optional<std::string>& isa, int threads) {
    const Kernels& kernels = choose(isa);
    check_scan(a);
    const int64_t B = int64_t(lengths.shape(0)), T = int64_t(a.shape(1)), H = int64_t(a.shape(2));
    const Order order(lengths, T, reverse);
    LinearScan f{};
    f.batch = order.batch;
    f.T = T, f.H = H;
    f.a = data(a, "a", {B, T, H}), f.b = data(b, "b", {B, T, H});
    f.h0 = data(h0, "h0", {B, H});
    f.y = data(y, "y", {B, T, H}), f.h_n = data(h_n, "h_n", {B, H});
    parallel(scan_threads(threads, B, H), [&](int thread, int count) { kernels.linear_scan(f, thread, count); });
}

// Writes the gradients of a, b and h0, from those of y and h_n. Arrays may not overlap. Positions past a row's end are
// neither read nor written.
inline void linear_scan_backward(const In& a, const Integers& lengths, bool reverse, const In& h0, const In& y,
                                 const In& dy, const In& dh_n, const Out& da, const Out& db, const Out& dh0,
                                 const std::optional<std::string>& isa, int threads) {
    const Kernels& kernels = choose(isa);
    check_scan(a);
    const int64_t B = int64_t(lengths.shape(0)), T = int64_t(a.shape(1)), H = int64_t(a.shape(2));
    const Order order(lengths, T, reverse);
    LinearScanBackward f{};
    f.batch = order.batch;
    f.T = T, f.H = H;
    f.a = data(a, "a", {B, T, H}), f.h0 = data(h0, "h0", {B, H}), f.y = data(y, "y", {B, T, H});
    f.dy = data(dy, "dy", {B, T, H}), f.dh_n = data(dh_n, "dh_n", {B, H});
    f.da = data(da, "da", {B, T, H}), f.db = data(db, "db", {B, T, H}), f.dh0 = data(dh0, "dh0", {B, H});
    parallel(scan_threads(threads, B, H),
             [&](int thread, int count) { kernels.linear_scan_backward(f, thread, count); });
}

}  // namespace anaphora
