// The tile instructions in software, for checks on processors that have none: what tiles.h asks for, as Intel's manual
// defines it, with tiles of one shape. As there, a tile is of no use before its shape is set, nor after its release.

static thread_local bool model_ready;
static thread_local Ints model_tiles[8][16];

static Ints* model_tile(int t) {
    if (!model_ready) __builtin_trap();
    return model_tiles[t];
}

INLINE void tiles_begin() { model_ready = true; }
INLINE void tiles_end() { model_ready = false; }

template <int T>
void tile_zero() {
    for (int m = 0; m < 16; ++m) model_tile(T)[m] = Ints{};
}
template <int T>
void tile_load(const void* from, int64_t stride) {
    for (int m = 0; m < 16; ++m)
        __builtin_memcpy(&model_tile(T)[m], static_cast<const char*>(from) + m * stride, sizeof(Ints));
}
template <int T>
void tile_store(void* to, int64_t stride) {
    for (int m = 0; m < 16; ++m)
        __builtin_memcpy(static_cast<char*>(to) + m * stride, &model_tile(T)[m], sizeof(Ints));
}

// Numbers too small to be normal count as zero, in what is given and in what comes out.
INLINE Vec flushed(Vec x) {
    const Ints bits = Ints(x), sign = bits & ~0x7fffffff;
    return Vec((bits & 0x7f800000) == 0 ? sign : bits);
}
INLINE Vec fused(Vec a, Vec b, Vec sum) { return flushed(Vec(_mm512_fmadd_ps(flushed(a), flushed(b), sum))); }

// The numbers of even and of odd k have a sum each, which begins at zero; the two are added, and that to the tile.
template <int SUM, int A, int B>
void tile_dot(Half) {
    for (int m = 0; m < 16; ++m) {
        Vec even{}, odd{};
        for (int k = 0; k < 16; ++k) {
            const Ints a = every(model_tile(A)[m][k]), b = model_tile(B)[k];
            even = fused(Vec(a << 16), Vec(b << 16), even);
            odd = fused(Vec(a & -0x10000), Vec(b & -0x10000), odd);
        }
        Ints& sum = model_tile(SUM)[m];
        sum = Ints(flushed(flushed(Vec(sum)) + flushed(even + odd)));
    }
}

// Bytes without a sign times bytes with one; what is too large for 32 bits wraps.
template <int SUM, int A, int B>
void tile_dot(Byte) {
    typedef unsigned Wraps __attribute__((vector_size(LANES * sizeof(unsigned))));
    for (int m = 0; m < 16; ++m) {
        Wraps sum = Wraps(model_tile(SUM)[m]);
        for (int k = 0; k < 16; ++k)
            for (int byte = 0; byte < 4; ++byte) {
                const Ints a = every((model_tile(A)[m][k] >> (8 * byte)) & 0xff);
                const Ints b = Ints(Wraps(model_tile(B)[k]) << (24 - 8 * byte)) >> 24;
                sum += Wraps(a * b);
            }
        model_tile(SUM)[m] = Ints(sum);
    }
}
