// sigmoid and tanh of vectors. The largest relative error against float64 is 3e-7, for sigmoid at x >= -87; below, the
// result stays at 1.6e-38 (tests/native/test_kernels.py).
//
// Both are computed from one exponential: e^x = 2^n e^r with n the integer nearest to x / ln 2, so |r| <= ln 2 / 2. The
// polynomial is our own minimax fit of (e^r - 1 - r) / r^2. ln 2 is split in two parts, which keeps r exact (Cody and
// Waite 1980). NaN stays NaN.
#pragma once
#include "vector.h"

namespace anaphora::ISA {

struct Power {
    Vec scale;  // 2^n
    Vec rest;   // e^x - 2^n, computed without cancellation where x is small
};

INLINE Power power(Vec x) {
    const Vec lowest = broadcast(-87.0f), highest = broadcast(87.0f);
    x = x < lowest ? lowest : x;  // comparisons in this order let NaN pass
    x = x > highest ? highest : x;
    const Vec magic = broadcast(12582912.0f);  // 1.5 * 2^23: adding it leaves the nearest integer in the low bits
    const Vec shifted = x * broadcast(1.44269504f) + magic;
    const Vec n = shifted - magic;
    const Vec r = x - n * broadcast(0.693359375f) - n * broadcast(-2.12194440e-4f);
    const Vec scale = Vec((Ints(shifted) << 23) + 0x3f800000);
    Vec p = broadcast(0.00139464391f);
    p = p * r + broadcast(0.00836657733f);
    p = p * r + broadcast(0.0416662805f);
    p = p * r + broadcast(0.166665435f);
    p = p * r + broadcast(0.5f);
    return {scale, scale * (r + r * r * p)};
}

INLINE Vec sigmoid(Vec x) {
    const Power e = power(-x);
    return broadcast(1.0f) / (broadcast(1.0f) + (e.scale + e.rest));
}

INLINE Vec tanh(Vec x) {
    const Power e = power(x + x);
    const Vec m = e.rest + (e.scale - broadcast(1.0f));  // e^2x - 1
    return m / (m + broadcast(2.0f));
}

INLINE Vec relu(Vec x) { return x < broadcast(0.0f) ? broadcast(0.0f) : x; }

// The same to 16 bits. The largest absolute error is 1e-5; quick_tanh(0) is 0.
#if defined(__AVX512F__)
// 1 / (1 + 2^t), where 2^t = 2^floor(t) p(f); p is our own minimax fit, exact at f = 0 and 1.
INLINE Vec logistic(Vec t) {
    const Vec f = Vec(_mm512_reduce_ps(__m512(t), 1));  // t - floor(t)
    Vec p = broadcast(0.0135591744f);
    p = p * f + broadcast(0.0520252953f);
    p = p * f + broadcast(0.241384164f);
    p = p * f + broadcast(0.693031367f);
    p = p * f + broadcast(1.0f);
    return broadcast(1.0f) / (broadcast(1.0f) + Vec(_mm512_scalef_ps(__m512(p), __m512(t))));
}
INLINE Vec quick_sigmoid(Vec x) { return logistic(x * broadcast(-1.44269504f)); }
INLINE Vec quick_tanh(Vec x) { return broadcast(1.0f) - broadcast(2.0f) * logistic(x * broadcast(2.88539008f)); }
#else
INLINE Vec quick_sigmoid(Vec x) { return sigmoid(x); }
INLINE Vec quick_tanh(Vec x) { return tanh(x); }
#endif

}  // namespace anaphora::ISA
