// The processor's vectors: the few operations that all kernels use.
//
// Vec holds LANES floats. + - * / and comparisons are the compiler's own (the vector extension of GCC and Clang), so
// one text serves every instruction set.
//
// Every header in kernels/ is an ordinary header: it includes what it uses, and can be opened or compiled by itself.
// Its code is in anaphora::ISA. Each unit (avx2.cpp, ...) defines ISA as the name of its instruction set before it
// includes kernels/unit.h, so that the copies of one function have different names. With one name the linker would
// merge them, and an AVX-512 copy could run on an older processor.
#pragma once
#include <cstdint>
#if defined(__x86_64__)
#include <immintrin.h>
#endif

#include "../kernels.h"

#ifndef ISA  // opened outside of a unit, by an editor
#define ISA portable
#endif

#define INLINE static inline __attribute__((always_inline))

namespace anaphora::ISA {

#if defined(__AVX512F__)
constexpr int LANES = 16, REGISTERS = 32;
#elif defined(__AVX2__)
constexpr int LANES = 8, REGISTERS = 16;
#elif defined(__ARM_NEON)
constexpr int LANES = 4, REGISTERS = 32;
#else
constexpr int LANES = 4, REGISTERS = 16;
#endif

// Products take this many words along the sum's index, and this many rows, whether all of them exist or not.
#if defined(__AMX_TILE__)
constexpr int WORDS_AT_ONCE = 16, ROWS_AT_ONCE = 16;
static thread_local bool tiles_ready;  // kernels/tiles.h
#else
constexpr int WORDS_AT_ONCE = 1, ROWS_AT_ONCE = 1;
constexpr bool tiles_ready = false;
#endif

typedef float Vec __attribute__((vector_size(LANES * sizeof(float))));
typedef float LooseVec __attribute__((vector_size(LANES * sizeof(float)), aligned(alignof(float)), may_alias));
typedef int Ints __attribute__((vector_size(LANES * sizeof(float))));
typedef int LooseInts __attribute__((vector_size(LANES * sizeof(float)), aligned(alignof(float)), may_alias));

// 32 bits of a row or a panel: one float32, two bfloat16 or four int8 numbers (kernels/precision.h).
typedef int Word __attribute__((may_alias));
typedef Word LooseWord __attribute__((aligned(2)));  // rows of bfloat16 may begin at any of their numbers

INLINE Vec broadcast(float x) { return x - Vec{}; }  // x - 0 is x, for -0 too
INLINE Vec load(const float* p) { return *reinterpret_cast<const LooseVec*>(p); }
INLINE void store(float* p, Vec x) { *reinterpret_cast<LooseVec*>(p) = x; }
INLINE Ints broadcast(int x) { return x - Ints{}; }
INLINE Ints load(const Word* p) { return *reinterpret_cast<const LooseInts*>(p); }
INLINE void store(Word* p, Ints x) { *reinterpret_cast<LooseInts*>(p) = x; }

// The first n lanes, 0 < n <= LANES. The others are zero in a load and unchanged in memory after a store.
#if defined(__AVX512F__)
INLINE __mmask16 first(int n) { return static_cast<__mmask16>((1u << n) - 1u); }
INLINE Vec load(const float* p, int n) { return n == LANES ? load(p) : Vec(_mm512_maskz_loadu_ps(first(n), p)); }
INLINE void store(float* p, Vec x, int n) {
    if (n == LANES) store(p, x);
    else _mm512_mask_storeu_ps(p, first(n), x);
}
#else
INLINE Vec load(const float* p, int n) {
    if (n == LANES) return load(p);
    Vec x{};
    for (int i = 0; i < n; ++i) x[i] = p[i];
    return x;
}
INLINE void store(float* p, Vec x, int n) {
    if (n == LANES) return store(p, x);
    for (int i = 0; i < n; ++i) p[i] = x[i];
}
#endif

// Transposes a square of words: lane j of row i becomes lane i of row j.
INLINE void transpose(Ints (&square)[LANES]) {
#if defined(__clang__)
    Ints result[LANES];
    for (int i = 0; i < LANES; ++i)
        for (int j = 0; j < LANES; ++j) result[i][j] = square[j][i];
    for (int i = 0; i < LANES; ++i) square[i] = result[i];
#else
#pragma GCC unroll 4
    for (int size = 1; size < LANES; size *= 2) {  // swap the two off-diagonal blocks of every square of 2 * size
        Ints low{}, high{};
        for (int j = 0; j < LANES; ++j) {
            low[j] = j & size ? LANES + j - size : j;
            high[j] = j & size ? LANES + j : j + size;
        }
        for (int i = 0; i < LANES; ++i) {
            if (i & size) continue;
            const Ints a = square[i], b = square[i + size];
            square[i] = __builtin_shuffle(a, b, low);
            square[i + size] = __builtin_shuffle(a, b, high);
        }
    }
#endif
}

// bfloat16 is the upper half of a float32. Rounding is to the nearest, ties to even; NaN stays NaN.
typedef uint16_t Bf16;
typedef Bf16 Bf16Vec __attribute__((vector_size(LANES * sizeof(Bf16))));
typedef Bf16 LooseBf16Vec __attribute__((vector_size(LANES * sizeof(Bf16)), aligned(alignof(Bf16)), may_alias));

INLINE Ints rounded(Vec x) {  // the bfloat16 in the upper half; the lower half is to be ignored
    const Ints bits = Ints(x);
    const Ints up = bits + 0x7fff + ((bits >> 16) & 1);
    return x == x ? up : bits | 0x400000;
}
#if defined(__AVX512F__)  // the compiler would split each conversion in two
INLINE Bf16Vec narrow(Vec x) {
#if defined(__AVX512BF16__)
    return Bf16Vec(_mm512_cvtneps_pbh(__m512(x)));
#else
    return Bf16Vec(_mm512_cvtepi32_epi16(__m512i(rounded(x) >> 16)));
#endif
}
INLINE Vec widen(Bf16Vec x) { return Vec(Ints(_mm512_cvtepu16_epi32(__m256i(x))) << 16); }
INLINE Vec load(const Bf16* p, int n) {
    return widen(n == LANES ? *reinterpret_cast<const LooseBf16Vec*>(p)
                            : Bf16Vec(_mm256_maskz_loadu_epi16(first(n), p)));
}
INLINE void store(Bf16* p, Vec x, int n) {
    if (n == LANES) *reinterpret_cast<LooseBf16Vec*>(p) = narrow(x);
    else _mm256_mask_storeu_epi16(p, first(n), __m256i(narrow(x)));
}
#else
INLINE Bf16Vec narrow(Vec x) { return __builtin_convertvector(rounded(x) >> 16, Bf16Vec); }
INLINE Vec widen(Bf16Vec x) { return Vec(__builtin_convertvector(x, Ints) << 16); }
INLINE Vec load(const Bf16* p, int n) {
    if (n == LANES) return widen(*reinterpret_cast<const LooseBf16Vec*>(p));
    Bf16Vec x{};
    for (int i = 0; i < n; ++i) x[i] = p[i];
    return widen(x);
}
INLINE void store(Bf16* p, Vec x, int n) {
    const Bf16Vec narrowed = narrow(x);
    if (n == LANES) *reinterpret_cast<LooseBf16Vec*>(p) = narrowed;
    else
        for (int i = 0; i < n; ++i) p[i] = narrowed[i];
}
#endif

}  // namespace anaphora::ISA
