// sigmoid and tanh of vectors. Largest relative error against float64: 3e-7, of sigmoid for x >= -87; below, it stays
// at 1.6e-38 (tests/native/test_kernels.py).
//
// Both come from one exponential: e^x = 2^n e^r with n the integer next to x / ln 2, so that |r| <= ln 2 / 2. The
// polynomial is a minimax fit of (e^r - 1 - r) / r^2 of our own. ln 2 is split in two, so that r is exact (Cody and
// Waite 1980). NaN stays NaN.

struct Power {
    Vec scale;  // 2^n
    Vec rest;   // e^x - 2^n: without the rounding of a difference where x is small
};

INLINE Power power(Vec x) {
    const Vec lowest = all(-87.0f), highest = all(87.0f);
    x = x < lowest ? lowest : x;  // in this order NaN passes
    x = x > highest ? highest : x;
    const Vec magic = all(12582912.0f);  // 1.5 * 2^23: adding it rounds to an integer, which stands in the low bits
    const Vec shifted = x * all(1.44269504f) + magic;
    const Vec n = shifted - magic;
    const Vec r = x - n * all(0.693359375f) - n * all(-2.12194440e-4f);
    const Vec scale = Vec((Ints(shifted) << 23) + 0x3f800000);
    Vec p = all(0.00139464391f);
    p = p * r + all(0.00836657733f);
    p = p * r + all(0.0416662805f);
    p = p * r + all(0.166665435f);
    p = p * r + all(0.5f);
    return {scale, scale * (r + r * r * p)};
}

INLINE Vec sigmoid(Vec x) {
    const Power e = power(-x);
    return all(1.0f) / (all(1.0f) + (e.scale + e.rest));
}

INLINE Vec tanh(Vec x) {
    const Power e = power(x + x);
    const Vec m = e.rest + (e.scale - all(1.0f));  // e^2x - 1
    return m / (m + all(2.0f));
}

INLINE Vec relu(Vec x) { return x < all(0.0f) ? all(0.0f) : x; }

// The same where 16 bits of the result are enough. Largest absolute error 1e-5; quick_tanh(0) is 0.
#if defined(__AVX512F__)
INLINE Vec logistic(Vec t) {  // 1 / (1 + 2^t); 2^t = 2^floor(t) p(f) with a minimax fit of our own, exact at f = 0 and 1
    const Vec f = Vec(_mm512_reduce_ps(__m512(t), 1));  // t - floor(t)
    Vec p = all(0.0135591744f);
    p = p * f + all(0.0520252953f);
    p = p * f + all(0.241384164f);
    p = p * f + all(0.693031367f);
    p = p * f + all(1.0f);
    return all(1.0f) / (all(1.0f) + Vec(_mm512_scalef_ps(__m512(p), __m512(t))));
}
INLINE Vec quick_sigmoid(Vec x) { return logistic(x * all(-1.44269504f)); }
INLINE Vec quick_tanh(Vec x) { return all(1.0f) - all(2.0f) * logistic(x * all(2.88539008f)); }
#else
INLINE Vec quick_sigmoid(Vec x) { return sigmoid(x); }
INLINE Vec quick_tanh(Vec x) { return tanh(x); }
#endif
