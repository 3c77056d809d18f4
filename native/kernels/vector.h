// The processor's vectors, in the few words that all kernels use.
//
// Vec holds LANES floats; + - * / and comparisons are the compiler's own (GCC's and Clang's vector extension), so that
// one text serves every instruction set. Included once by each instruction set's unit, inside its namespace.

#if defined(__AVX512F__)
constexpr int LANES = 16, REGISTERS = 32;
#elif defined(__AVX2__)
constexpr int LANES = 8, REGISTERS = 16;
#elif defined(__ARM_NEON)
constexpr int LANES = 4, REGISTERS = 32;
#else
constexpr int LANES = 4, REGISTERS = 16;
#endif

typedef float Vec __attribute__((vector_size(LANES * sizeof(float))));
typedef float Loose __attribute__((vector_size(LANES * sizeof(float)), aligned(alignof(float)), may_alias));
typedef int Ints __attribute__((vector_size(LANES * sizeof(float))));

#define INLINE static inline __attribute__((always_inline))

INLINE Vec all(float x) { return x - Vec{}; }  // x - 0 is x, for -0 too
INLINE Vec load(const float* p) { return *reinterpret_cast<const Loose*>(p); }
INLINE void store(float* p, Vec x) { *reinterpret_cast<Loose*>(p) = x; }

// The first n places, 0 < n <= LANES; what is not loaded is zero, what is not stored stays.
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
