// Products by matrix tiles (Intel's AMX): eight registers of 16 rows of 64 bytes, and an instruction that multiplies
// two of them. 16 words of one vector of a panel are a tile as they are in memory; so are 16 words of 16 rows of one
// stride.
#pragma once
#include "panels.h"
#include "precision.h"
#if defined(__AMX_TILE__) && defined(ANAPHORA_MODEL_TILES)
#include "tiles_model.h"
#endif

namespace anaphora::ISA {

#if defined(__AMX_TILE__)

#if !defined(ANAPHORA_MODEL_TILES)
struct TileConfig {
    uint8_t palette = 1, start = 0, reserved[14] = {};
    uint16_t bytes[16] = {64, 64, 64, 64, 64, 64, 64, 64};
    uint8_t rows[16] = {16, 16, 16, 16, 16, 16, 16, 16};
};
static const TileConfig TILE_CONFIG = {};

INLINE void tiles_begin() { asm volatile("ldtilecfg %0" : : "m"(TILE_CONFIG)); }
INLINE void tiles_end() { asm volatile("tilerelease"); }

// The compilers' intrinsics take no template argument for a tile, and GCC's do not declare that a load reads memory.
template <int T>
INLINE void tile_zero() {
    asm volatile("tilezero %%tmm%c0" : : "i"(T));
}
template <int T>
INLINE void tile_load(const void* from, int64_t stride) {
    asm volatile("tileloadd (%1,%2,1), %%tmm%c0" : : "i"(T), "r"(from), "r"(stride) : "memory");
}
template <int T>
INLINE void tile_store(void* to, int64_t stride) {
    asm volatile("tilestored %%tmm%c0, (%1,%2,1)" : : "i"(T), "r"(to), "r"(stride) : "memory");
}
template <int SUM, int A, int B>
INLINE void tile_dot(BFloat16) {
    asm volatile("tdpbf16ps %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(SUM), "i"(A), "i"(B));
}
template <int SUM, int A, int B>
INLINE void tile_dot(Int8) {
    asm volatile("tdpbusd %%tmm%c2, %%tmm%c1, %%tmm%c0" : : "i"(SUM), "i"(A), "i"(B));
}
#endif

// Claims the thread's tiles until the end of the scope, if there are enough positions (steps of rows) to pay for it.
// Other users of tiles on this thread load their own configuration, and a thread whose tiles are released is cheaper to
// switch.
struct Tiles {
    explicit Tiles(int64_t positions) {
        if ((tiles_ready = positions > FEW_ROWS)) tiles_begin();
    }
    ~Tiles() {
        if (tiles_ready) tiles_end();
        tiles_ready = false;
    }
    Tiles(const Tiles&) = delete;
    Tiles& operator=(const Tiles&) = delete;
};

template <int V, int N, typename P>
INLINE void tiles_step(P p, const Word* panel) {
    if constexpr (V < N) {
        constexpr int B = 5 + V % 3;
        tile_load<B>(panel + V * LANES, N * LANES * int64_t(sizeof(Word)));
        tile_dot<V, 4, B>(p);
        tiles_step<V + 1, N>(p, panel);
    }
}

template <int V, int N>
INLINE void tiles_zero() {
    if constexpr (V < N) tile_zero<V>(), tiles_zero<V + 1, N>();
}

template <int V, int N>
INLINE void tiles_store(Vec (&sum)[ROWS_AT_ONCE][N]) {
    if constexpr (V < N) tile_store<V>(&sum[0][V], sizeof(sum[0])), tiles_store<V + 1, N>(sum);
}

// The overload of `multiply` (panels.h) for tiles. The rows have one stride; rows past the last are read. The sum needs
// no blocks: every instruction sums 16 words before it adds them to the tile.
template <typename P, int R, int N>
INLINE void multiply(const Word* const* rows, Rows<R, false> tile, const Word* panel, int64_t K, Vec (&value)[R][N]) {
    const int64_t stride =
        tile.count > 1 ? reinterpret_cast<const char*>(rows[1]) - reinterpret_cast<const char*>(rows[0]) : 0;
    const int64_t words = words_of<P>(K);
    tiles_zero<0, N>();
    for (int64_t k = 0; k < words; k += WORDS_AT_ONCE) {
        tile_load<4>(rows[0] + k, stride);
        tiles_step<0, N>(P{}, panel + k * N * LANES);
    }
    tiles_store<0, N>(value);
    const Word* const tail = panel + words * N * LANES;
    for (int r = 0; r < tile.count; ++r)
        for (int v = 0; v < N; ++v) {
            typename P::Sum sum;
            __builtin_memcpy(&sum, &value[r][v], sizeof(sum));
            value[r][v] = P::value(sum, rows[r] + words, tail + v * LANES, N * LANES);
        }
}

#else
struct Tiles {
    explicit Tiles(int64_t) {}
};
#endif

}  // namespace anaphora::ISA
