// What the numbers of a product are: float32, bfloat16 or int8. Sums, states and everything that is not multiplied are
// float32.
//
// Rows and panels consist of words of 32 bits. A word holds 1, 2 or 4 numbers that follow one another along the sum's
// index k, and a product is a sum over words. The words of a row are padded with zeros.
#pragma once
#include "activations.h"
#include "vector.h"

namespace anaphora::ISA {

constexpr int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

template <typename P>
constexpr int64_t words_of(int64_t numbers) {
    return up((numbers + P::PER - 1) / P::PER, WORDS_AT_ONCE);
}

// Words from one coded row to the next.
template <typename P>
constexpr int64_t coded_stride(int64_t numbers) {
    return up(words_of<P>(numbers) + P::ROW_TAIL, 16) + 16;
}

struct Float32 {
    static constexpr bool LEARNS = true;  // has backward kernels
    static constexpr int PER = 1;         // numbers in a word
    static constexpr int ROW_TAIL = 0;    // words after those of a row
    static constexpr int PANEL_TAIL = 0;  // vectors after each of a panel's columns of vectors
    typedef Vec Sum;
    typedef float Kept;  // what is kept for backward

    INLINE Vec dot(Vec sum, Ints a, Ints w) { return sum + Vec(a) * Vec(w); }
    INLINE Vec value(Vec sum, const Word*, const Word*, int) { return sum; }
    INLINE Vec total(Ints words) { return Vec(words); }
    INLINE Vec sigmoid(Vec x) { return ISA::sigmoid(x); }
    INLINE Vec tanh(Vec x) { return ISA::tanh(x); }
    INLINE Ints join(const Vec* x) { return Ints(x[0]); }
    static float scale(const float*, int64_t) { return 1; }
    static int sum(const Word*, int) { return 0; }
    // Writes at most one vector of words.
    static void weights(const float* from, int64_t n, float, Word* to) { store(to, Ints(load(from, int(n)))); }
};

struct BFloat16 {
    static constexpr bool LEARNS = true;
    static constexpr int PER = 2;
    static constexpr int ROW_TAIL = 0, PANEL_TAIL = 0;
    typedef Vec Sum;
    typedef Bf16 Kept;

    INLINE Vec dot(Vec sum, Ints a, Ints w) {
#if defined(__AVX512BF16__)
        return Vec(_mm512_dpbf16_ps(__m512(sum), (__m512bh)(a), (__m512bh)(w)));
#else
        return sum + Vec(a << 16) * Vec(w << 16) + Vec(a & -0x10000) * Vec(w & -0x10000);
#endif
    }
    INLINE Vec value(Vec sum, const Word*, const Word*, int) { return sum; }
    INLINE Vec total(Ints words) { return Vec(words << 16) + Vec(words & -0x10000); }
    INLINE Vec sigmoid(Vec x) { return quick_sigmoid(x); }
    INLINE Vec tanh(Vec x) { return quick_tanh(x); }
    INLINE Ints join(const Vec* x) {  // the numbers of two rows, interleaved
        return ((rounded(x[0]) >> 16) & 0xffff) | (rounded(x[1]) & -0x10000);
    }
    static void encode(const float* from, int64_t n, Word* to) {
        Bf16* const numbers = reinterpret_cast<Bf16*>(to);
        for (int64_t k = 0; k < n; k += LANES) {
            const int count = n - k < LANES ? int(n - k) : LANES;
            store(numbers + k, load(from + k, count), count);
        }
        for (int64_t k = n; k < words_of<BFloat16>(n) * PER; ++k) numbers[k] = 0;
    }
    static float scale(const float*, int64_t) { return 1; }
    static int sum(const Word*, int) { return 0; }
    static void weights(const float* from, int64_t n, float, Word* to) { encode(from, n, to); }
};

// Weights are signed bytes with one scale for each column. Rows are unsigned bytes, 128 too large, with one scale for
// the row. A row's last word is its scale. A panel's last vectors are the columns' scales, and 128 times the sum of
// each column's bytes, which is subtracted from the product.
struct Int8 {
    static constexpr bool LEARNS = false;
    static constexpr int PER = 4;
    static constexpr int ROW_TAIL = 1, PANEL_TAIL = 2;
    typedef Ints Sum;
    typedef float Kept;
    typedef uint8_t Octets __attribute__((vector_size(LANES)));
    typedef uint8_t LooseOctets __attribute__((vector_size(LANES), aligned(1), may_alias));

    INLINE Ints dot(Ints sum, Ints a, Ints w) {
#if defined(__AVX512VNNI__)
        return Ints(_mm512_dpbusd_epi32(__m512i(sum), __m512i(a), __m512i(w)));
#else
        for (int shift = 0; shift < 32; shift += 8) sum += ((a >> shift) & 0xff) * ((w << (24 - shift)) >> 24);
        return sum;
#endif
    }
    // `tail` points at the panel's last vectors, `scale` at the row's last word.
    INLINE Vec value(Ints sum, const Word* scale, const Word* tail, int stride) {
        const Vec exact = __builtin_convertvector(sum - load(tail + stride), Vec);
        Vec product = exact * (Vec(load(tail)) * Vec(broadcast(*scale)));
#if defined(__AVX2__)  // not to be fused with a sum in some kernels only: one rounding less may change the next int8
        asm("" : "+x"(product));
#endif
        return product;
    }
    INLINE Vec sigmoid(Vec x) { return quick_sigmoid(x); }
    INLINE Vec tanh(Vec x) { return quick_tanh(x); }

    // The scale that maps n numbers to -127 .. 127; NaN if one of them is not finite.
    static float scale(const float* from, int64_t n) {
        Vec largest{}, poison{};
        for (int64_t k = 0; k < n; k += LANES) {
            const Vec x = load(from + k, n - k < LANES ? int(n - k) : LANES);
            const Vec size = x < broadcast(0.0f) ? -x : x;
            largest = size > largest ? size : largest;
            poison += x * broadcast(0.0f);
        }
        float most = 0, bad = 0;
        for (int lane = 0; lane < LANES; ++lane) {
            most = largest[lane] > most ? largest[lane] : most;
            bad += poison[lane];
        }
        return most / 127 + bad;
    }
    INLINE Ints nearest(Vec x, float scale) {
        const Vec magic = broadcast(12582912.0f);  // as in activations.h
        return (Ints(x * broadcast(scale > 0 ? 1 / scale : 0.0f) + magic) & 0x7fffff) - 0x400000;
    }
    static void bytes(const float* from, int64_t n, float scale, int offset, Word* to) {
        uint8_t* const numbers = reinterpret_cast<uint8_t*>(to);
        for (int64_t k = 0; k < n; k += LANES) {
            const int count = n - k < LANES ? int(n - k) : LANES;
            const Octets x = __builtin_convertvector(nearest(load(from + k, count), scale) + offset, Octets);
            if (count == LANES) *reinterpret_cast<LooseOctets*>(numbers + k) = x;
            else
                for (int lane = 0; lane < count; ++lane) numbers[k + lane] = x[lane];
        }
        for (int64_t k = n; k < words_of<Int8>(n) * PER; ++k) numbers[k] = 0;
    }
    static void encode(const float* from, int64_t n, Word* to) {
        const float row_scale = scale(from, n);
        bytes(from, n, row_scale, 128, to);
        *reinterpret_cast<float*>(to + words_of<Int8>(n)) = row_scale;
    }
    static void weights(const float* from, int64_t n, float scale, Word* to) { bytes(from, n, scale, 0, to); }
    static int sum(const Word* words, int count) {
        int total = 0;
        for (int i = 0; i < count * PER; ++i) total += reinterpret_cast<const int8_t*>(words)[i];
        return total;
    }
};

}  // namespace anaphora::ISA
