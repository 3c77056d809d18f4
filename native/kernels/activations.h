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
