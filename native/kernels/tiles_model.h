// The tile instructions in software, to check the kernels of tiles.h on processors that have no tiles. It follows
// Intel's manual, for tiles of one shape. As there, a tile may be used only after its shape is set and before the tiles
// are released.
#pragma once
#include "precision.h"

namespace anaphora::ISA {

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
    for (int m = 0; m < 16; ++m) __builtin_memcpy(static_cast<char*>(to) + m * stride, &model_tile(T)[m], sizeof(Ints));
}

// Denormal numbers count as zero, as operands and as results.
INLINE Vec flushed(Vec x) {
    const Ints bits = Ints(x), sign = bits & ~0x7fffffff;
    return Vec((bits & 0x7f800000) == 0 ? sign : bits);
}
INLINE Vec fused(Vec a, Vec b, Vec sum) { return flushed(Vec(_mm512_fmadd_ps(flushed(a), flushed(b), sum))); }

// The numbers of even and of odd k are summed separately, from zero. The two sums are added, and the result to the
// tile.
template <int SUM, int A, int B>
void tile_dot(BFloat16) {
    for (int m = 0; m < 16; ++m) {
        Vec even{}, odd{};
        for (int k = 0; k < 16; ++k) {
            const Ints a = broadcast(model_tile(A)[m][k]), b = model_tile(B)[k];
            even = fused(Vec(a << 16), Vec(b << 16), even);
            odd = fused(Vec(a & -0x10000), Vec(b & -0x10000), odd);
        }
        Ints& sum = model_tile(SUM)[m];
        sum = Ints(flushed(flushed(Vec(sum)) + flushed(even + odd)));
    }
}

// Unsigned bytes times signed bytes; sums too large for 32 bits wrap around.
template <int SUM, int A, int B>
void tile_dot(Int8) {
    typedef unsigned Unsigned __attribute__((vector_size(LANES * sizeof(unsigned))));
    for (int m = 0; m < 16; ++m) {
        Unsigned sum = Unsigned(model_tile(SUM)[m]);
        for (int k = 0; k < 16; ++k)
            for (int byte = 0; byte < 4; ++byte) {
                const Ints a = broadcast((model_tile(A)[m][k] >> (8 * byte)) & 0xff);
                const Ints b = Ints(Unsigned(model_tile(B)[k]) << (24 - 8 * byte)) >> 24;
                sum += Unsigned(a * b);
            }
        model_tile(SUM)[m] = Ints(sum);
    }
}

}  // namespace anaphora::ISA
