// A matrix W [K, columns] as the kernels read it, and products with it.
//
// Columns are grouped in vectors, and vectors in panels of up to four, as even as possible (13 vectors make 4, 3, 3, 3,
// not 4, 4, 4, 1: a panel of one vector would wait for its loads). A panel of N vectors is stored as [K][N][LANES], one
// panel after another, so a product streams through memory once. Lanes past the last column are zeros.
#pragma once
#include "precision.h"
#include "vector.h"

namespace anaphora::ISA {

struct Panels {
    int64_t columns, vectors, count;

    explicit Panels(int64_t columns)
        : columns(columns), vectors((columns + LANES - 1) / LANES), count((vectors + 3) / 4) {}
    int64_t first(int64_t p) const { return vectors * p / count; }  // the first vector of panel p
    int width(int64_t p) const { return int(first(p + 1) - first(p)); }
    int lanes(int64_t vector) const {  // the number of columns in a vector
        const int64_t left = columns - vector * LANES;
        return left < LANES ? int(left) : LANES;
    }
};

// The rows that a product by vectors takes at once. Their accumulators, N vectors for each row, take three quarters of
// the registers; the weights and the broadcast number take the rest.
constexpr int MAX_ROWS = 8;
constexpr int tile_rows(int N) { return REGISTERS * 3 / 4 / N < MAX_ROWS ? REGISTERS * 3 / 4 / N : MAX_ROWS; }

// Products of more rows use the processor's matrix tiles (kernels/tiles.h). Those sum in another order than vectors do.
// Within one call all products use one of the two: otherwise a row's result would depend on how many rows its thread
// has.
template <int R>
constexpr bool BY_TILES = R > MAX_ROWS;
constexpr int FEW_ROWS = 4;  // up to so many positions in a batch, vectors are faster

// How many of a tile's R rows exist. Only a matrix tile may be partly filled.
template <int R, bool ALL = !BY_TILES<R>>
struct Rows {
    static constexpr int count = R;
};
template <int R>
struct Rows<R, false> {
    int count;
};

// Calls body.run<R, N>(first, tile) for tiles of R rows that cover 0 .. rows - 1, as even as possible.
template <int N, typename Body>
INLINE void in_tiles(int64_t rows, const Body& body) {
    if constexpr (BY_TILES<ROWS_AT_ONCE>)
        if (tiles_ready) {
            for (int64_t first = 0; first < rows; first += ROWS_AT_ONCE)
                body.template run<ROWS_AT_ONCE, N>(first,
                                                   {rows - first < ROWS_AT_ONCE ? int(rows - first) : ROWS_AT_ONCE});
            return;
        }
    constexpr int MAX = BY_TILES<ROWS_AT_ONCE> ? FEW_ROWS : tile_rows(N);
    const int64_t tiles = (rows + MAX - 1) / MAX;
    for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t first = rows * tile / tiles, past = rows * (tile + 1) / tiles;
        switch (past - first) {
            case 1: body.template run<1, N>(first); break;
            case 2: body.template run<2, N>(first); break;
            case 3: body.template run<3, N>(first); break;
            case 4: body.template run<(MAX < 4 ? 1 : 4), N>(first); break;
            case 5: body.template run<(MAX < 5 ? 1 : 5), N>(first); break;
            case 6: body.template run<(MAX < 6 ? 1 : 6), N>(first); break;
            case 7: body.template run<(MAX < 7 ? 1 : 7), N>(first); break;
            case 8: body.template run<(MAX < 8 ? 1 : 8), N>(first); break;
        }
    }
}

template <typename Body>
INLINE void in_tiles(int N, int64_t rows, const Body& body) {
    switch (N) {
        case 1: return in_tiles<1>(rows, body);
        case 2: return in_tiles<2>(rows, body);
        case 3: return in_tiles<3>(rows, body);
        default: return in_tiles<4>(rows, body);
    }
}

constexpr int64_t AHEAD = 16;   // prefetch distance within a panel, in words
constexpr int64_t BLOCK = 256;  // words in a partial sum: one long sum would lose a digit

// Words of a panel of N vectors whose columns have K numbers.
template <typename P>
constexpr int64_t panel_words(int64_t K, int64_t N) {
    return (words_of<P>(K) + P::PANEL_TAIL) * N * LANES;
}

// sum[r][v] = sum over the words k of row(r, k) * panel[k][v], in blocks of k, and within a block in ascending order.
// The result does not depend on R.
template <typename P, int R, int N, typename Row>
INLINE void add_up(const Row& row, const Word* panel, int64_t words, typename P::Sum (&sum)[R][N]) {
    for (int64_t block = 0; block == 0 || block < words; block += BLOCK) {
        typename P::Sum s[R][N] = {};
        const int64_t past = block + BLOCK < words ? block + BLOCK : words;
        for (int64_t k = block; k < past; ++k) {
            Ints w[N];
#pragma GCC unroll 8
            for (int v = 0; v < N; ++v) {
                __builtin_prefetch(panel + ((k + AHEAD) * N + v) * LANES);
                w[v] = load(panel + (k * N + v) * LANES);
            }
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                const Ints a = broadcast(row(r, k));
#pragma GCC unroll 8
                for (int v = 0; v < N; ++v) s[r][v] = P::dot(s[r][v], a, w[v]);
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < N; ++v) sum[r][v] = block ? sum[r][v] + s[r][v] : s[r][v];
    }
}

// The same for R rows of K numbers each, converted to float32. tiles.h has the overload for matrix tiles.
template <typename P, int R, int N>
INLINE void multiply(const Word* const* rows, Rows<R, true>, const Word* panel, int64_t K, Vec (&value)[R][N]) {
    const LooseWord* loose[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) loose[r] = rows[r];
    const int64_t words = words_of<P>(K);
    typename P::Sum sum[R][N];
    add_up<P, R, N>([&loose](int r, int64_t k) { return loose[r][k]; }, panel, words, sum);
    const Word* const tail = panel + words * N * LANES;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < N; ++v) value[r][v] = P::value(sum[r][v], rows[r] + words, tail + v * LANES, N * LANES);
}

// Writes N vectors of columns as one panel. column(v, lane) points at the K numbers of a column; null past the last.
template <typename P, typename Column>
INLINE void pack_columns(Word* panel, int N, int64_t K, const Column& column) {
    const int64_t words = words_of<P>(K);
    for (int v = 0; v < N; ++v) {
        const float* from[LANES];
        float scale[LANES];
        int sum[LANES] = {};
        for (int lane = 0; lane < LANES; ++lane) {
            from[lane] = column(v, lane);
            scale[lane] = from[lane] ? P::scale(from[lane], K) : 0.0f;
        }
        Word* const to = panel + v * LANES;
        for (int64_t k = 0; k < words; k += LANES) {  // in small squares: both strides stay in cache
            alignas(64) Word lines[LANES][LANES] = {};
            const int64_t left = K - k * P::PER, past = k + LANES < words ? k + LANES : words;
            for (int lane = 0; lane < LANES; ++lane) {
                Word* const words = lines[lane];
                if (from[lane])
                    P::weights(from[lane] + k * P::PER, left < LANES * P::PER ? left : LANES * P::PER, scale[lane],
                               words);
                if (P::PANEL_TAIL) sum[lane] += P::sum(words, int(past - k));
            }
            Ints square[LANES];
            for (int lane = 0; lane < LANES; ++lane) square[lane] = load(lines[lane]);
            transpose(square);
            for (int64_t i = k; i < past; ++i) store(to + i * N * LANES, square[i - k]);
        }
        if (P::PANEL_TAIL)
            for (int lane = 0; lane < LANES; ++lane) {
                reinterpret_cast<float*>(to)[words * N * LANES + lane] = scale[lane];
                to[(words + 1) * N * LANES + lane] = 128 * sum[lane];
            }
    }
}

// The same where the numbers of one k are contiguous. row(k) points at those of the panel's first column; null past the
// last. lanes(v) is the number of columns in vector v.
template <typename P, typename Row, typename Lanes>
INLINE void pack_rows(Word* panel, int N, int64_t K, const Row& row, const Lanes& lanes) {
    for (int64_t word = 0; word < words_of<P>(K); ++word) {
        const float* lines[P::PER];
        for (int i = 0; i < P::PER; ++i) {
            const int64_t k = word * P::PER + i, ahead = k + AHEAD < K ? k + AHEAD : k;
            lines[i] = k < K ? row(k) : nullptr;
            if (k < K)
                for (int v = 0; v < N; ++v) __builtin_prefetch(row(ahead) + v * LANES);
        }
        for (int v = 0; v < N; ++v) {
            Vec x[P::PER];
            for (int i = 0; i < P::PER; ++i) x[i] = lines[i] ? load(lines[i] + v * LANES, lanes(v)) : Vec{};
            store(panel + (word * N + v) * LANES, P::join(x));
        }
    }
}

// Writes panel p of a matrix; line(k) points at the numbers of one k.
template <typename P, typename Line>
INLINE void pack_lines(Word* panel, const Panels& layout, int64_t p, int64_t K, const Line& line) {
    const int64_t first = layout.first(p);
    pack_rows<P>(
        panel, layout.width(p), K, [&](int64_t k) { return line(k) + first * LANES; },
        [&](int v) { return layout.lanes(first + v); });
}

// y[i] = x[i] W (+ bias, or + what y[i] holds) for a list of rows.
template <typename P>
struct Product {
    const Word* const* x = nullptr;  // [count] rows of K numbers
    float* const* y = nullptr;       // [count] rows of `columns`
    int64_t count = 0, K = 0, columns = 0;
    const Word* panels = nullptr;
    const float* bias = nullptr;  // [columns], or null
    bool add = false;

    struct Tile {
        const Product& product;
        const Panels& panels;
        int64_t first_vector;

        template <int R, int N>
        void run(int64_t first, Rows<R> tile = {}) const {
            const Product& p = product;
            for (int r = 0; r < tile.count; ++r)  // needed last, and the hardware prefetcher does not see them coming
                for (int v = 0; v < N; ++v) __builtin_prefetch(p.y[first + r] + (first_vector + v) * LANES, 1);
            Vec sum[R][N];
            multiply<P, R, N>(p.x + first, tile, p.panels + panel_words<P>(p.K, first_vector), p.K, sum);
            for (int v = 0; v < N; ++v) {
                const int64_t j = (first_vector + v) * LANES;
                const int n = panels.lanes(first_vector + v);
                const Vec base = p.bias ? load(p.bias + j, n) : Vec{};
                for (int r = 0; r < tile.count; ++r) {
                    float* y = p.y[first + r] + j;
                    store(y, sum[r][v] + (p.add ? load(y, n) : base), n);
                }
            }
        }
    };

    // All columns, or a thread's share of them.
    void run(int thread = 0, int threads = 1) const {
        const Panels layout(columns);
        const int64_t past = layout.count * (thread + 1) / threads;
        for (int64_t p = layout.count * thread / threads; p < past; ++p)
            in_tiles(layout.width(p), count, Tile{*this, layout, layout.first(p)});
    }
};

// Matrix tiles need the numbers of one row contiguous; vectors need those of one k.
constexpr bool TRANSPOSED = BY_TILES<ROWS_AT_ONCE>;

// target[i][j] (+)= sum over k of a[k][i] * b[k][j]: the gradient of a matrix, from K rows of each side.
template <typename P>
struct Outer {
    // [words of K] rows of `rows` words, each with the numbers of one k, or of PER consecutive ones. If TRANSPOSED:
    // [rows] rows of the words of K.
    const Word* const* a = nullptr;
    const float* const* b = nullptr;  // [K] rows of `columns`
    int64_t K = 0, rows = 0, columns = 0;
    float* target = nullptr;     // [rows, columns]
    bool add = false;            // whether the target is added to; otherwise it is overwritten
    int blocks = 1;              // into which the rows are divided
    const int* order = nullptr;  // [blocks] the target's block for each of them; null: the same

    struct Tile {
        const Outer& outer;
        const Panels& panels;
        int64_t first_vector;
        const Word* panel;
        int64_t first_row, first_target;

        template <int R, int N>
        void run(int64_t first, Rows<R> tile = {}) const {
            const Outer& o = outer;
            float* target = o.target + (first_target + first) * o.columns + first_vector * LANES;
            first += first_row;
            for (int r = 0; r < tile.count; ++r)
                for (int v = 0; v < N; ++v) __builtin_prefetch(target + r * o.columns + v * LANES, 1);
            Vec sum[R][N];
            if constexpr (TRANSPOSED) multiply<P, R, N>(o.a + first, tile, panel, o.K, sum);
            else
                add_up<P, R, N>([&o, first](int r, int64_t k) { return o.a[k][first + r]; }, panel, words_of<P>(o.K),
                                sum);
            for (int v = 0; v < N; ++v) {
                const int n = panels.lanes(first_vector + v);
                for (int r = 0; r < tile.count; ++r) {
                    float* to = target + r * o.columns + v * LANES;
                    store(to, o.add ? load(to, n) + sum[r][v] : sum[r][v], n);
                }
            }
        }
    };

    void run(const Panels& layout, int64_t p, const Word* panel) const {
        const int64_t height = rows / blocks;
        for (int64_t i = 0; i < blocks; ++i)
            in_tiles(layout.width(p), height,
                     Tile{*this, layout, layout.first(p), panel, i * height, (order ? order[i] : i) * height});
    }
    void run(Word* panel) const {
        const Panels layout(columns);
        for (int64_t p = 0; p < layout.count; ++p) {
            pack_lines<P>(panel, layout, p, K, [&](int64_t k) { return b[k]; });
            run(layout, p, panel);
        }
    }
};

}  // namespace anaphora::ISA
