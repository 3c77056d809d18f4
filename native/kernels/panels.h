// A matrix W [K, columns] as the kernels read it, and products with it.
//
// The columns are taken in vectors, and the vectors in panels of up to four, dealt out evenly (13 vectors make 4, 3, 3,
// 3, not 4, 4, 4, 1: a panel of one would wait for its loads). A panel of N vectors lies as [K][N][LANES], one panel
// after another, so that a product streams through memory once. Lanes past the last column are zeros.

struct Panels {
    int64_t columns, vectors, count;

    explicit Panels(int64_t columns)
        : columns(columns), vectors((columns + LANES - 1) / LANES), count((vectors + 3) / 4) {}
    int64_t first(int64_t p) const { return vectors * p / count; }  // its first vector
    int width(int64_t p) const { return int(first(p + 1) - first(p)); }
    int lanes(int64_t vector) const {  // how many columns a vector holds
        const int64_t left = columns - vector * LANES;
        return left < LANES ? int(left) : LANES;
    }
};

// The rows that one product by vectors takes at once: as many as leave the accumulators of N vectors in three quarters
// of the registers; the weights and the broadcast number take the rest.
constexpr int MOST_ROWS = 8;
constexpr int tile_rows(int N) { return REGISTERS * 3 / 4 / N < MOST_ROWS ? REGISTERS * 3 / 4 / N : MOST_ROWS; }

// A product of more rows is made by the processor's own tiles (kernels/tiles.h). They add up in another order than
// vectors do: a call is made by the ones or by the others, or a row would depend on how many a thread has.
template <int R>
constexpr bool BY_TILES = R > MOST_ROWS;
constexpr int FEW_ROWS = 4;  // places of a whole batch up to which vectors are better

// How many of a tile's R rows are there: all of them, but in a processor's tile.
template <int R, bool ALL = !BY_TILES<R>>
struct Rows {
    static constexpr int count = R;
};
template <int R>
struct Rows<R, false> {
    int count;
};

// Calls body.run<R, N>(first, tile) for tiles of R rows that cover 0..rows, as even as they can be.
template <int N, typename Body>
INLINE void in_tiles(int64_t rows, const Body& body) {
    if constexpr (BY_TILES<ROWS_AT_ONCE>)
        if (tiles_ready) {
            for (int64_t first = 0; first < rows; first += ROWS_AT_ONCE)
                body.template run<ROWS_AT_ONCE, N>(
                    first, {rows - first < ROWS_AT_ONCE ? int(rows - first) : ROWS_AT_ONCE});
            return;
        }
    constexpr int MOST = BY_TILES<ROWS_AT_ONCE> ? FEW_ROWS : tile_rows(N);
    const int64_t tiles = (rows + MOST - 1) / MOST;
    for (int64_t tile = 0; tile < tiles; ++tile) {
        const int64_t first = rows * tile / tiles, past = rows * (tile + 1) / tiles;
        switch (past - first) {
            case 1: body.template run<1, N>(first); break;
            case 2: body.template run<2, N>(first); break;
            case 3: body.template run<3, N>(first); break;
            case 4: body.template run<MOST < 4 ? 1 : 4, N>(first); break;
            case 5: body.template run<MOST < 5 ? 1 : 5, N>(first); break;
            case 6: body.template run<MOST < 6 ? 1 : 6, N>(first); break;
            case 7: body.template run<MOST < 7 ? 1 : 7, N>(first); break;
            case 8: body.template run<MOST < 8 ? 1 : 8, N>(first); break;
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

constexpr int64_t AHEAD = 16;   // words by which the panel is fetched before it is needed
constexpr int64_t BLOCK = 256;  // words that are summed by themselves: one long sum would lose a digit

// Words of a panel of N vectors whose columns have K numbers.
template <typename P>
constexpr int64_t panel_words(int64_t K, int64_t N) { return (words_of<P>(K) + P::PANEL_TAIL) * N * LANES; }

// sum[r][v] = sum over the words k of row(r, k) * panel[k][v], in blocks of k and in each k ascending: the same
// whatever R is.
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
                const Ints a = every(row(r, k));
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

// The same for R rows of K numbers each, and the sums' values. For a processor's tile: kernels/tiles.h.
template <typename P, int R, int N>
INLINE void multiply(const Word* const* rows, Rows<R, true>, const Word* panel, int64_t K, Vec (&value)[R][N]) {
    const LooseWord* own[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) own[r] = rows[r];
    const int64_t words = words_of<P>(K);
    typename P::Sum sum[R][N];
    add_up<P, R, N>([&own](int r, int64_t k) { return own[r][k]; }, panel, words, sum);
    const Word* const tail = panel + words * N * LANES;
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
        for (int v = 0; v < N; ++v) value[r][v] = P::value(sum[r][v], rows[r] + words, tail + v * LANES, N * LANES);
}

// Writes N vectors of columns as one panel; `column(v, lane)` points at the K numbers of one, null past the last.
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
        for (int64_t k = 0; k < words; k += LANES) {  // in small squares, so that either stride stays in cache
            alignas(64) Word lines[LANES][LANES] = {};
            const int64_t left = K - k * P::PER, past = k + LANES < words ? k + LANES : words;
            for (int lane = 0; lane < LANES; ++lane) {
                Word* const words = lines[lane];
                if (from[lane]) P::weights(from[lane] + k * P::PER, left < LANES * P::PER ? left : LANES * P::PER,
                                           scale[lane], words);
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

// The same where the numbers of one k stand side by side: row(k) points at those of the panel's first column, null
// past the last; lanes(v) says how many columns there are.
template <typename P, typename Row, typename Lanes>
INLINE void pack_rows(Word* panel, int N, int64_t K, const Row& row, const Lanes& lanes) {
    for (int64_t word = 0; word < words_of<P>(K); ++word) {
        const float* own[P::PER];
        for (int i = 0; i < P::PER; ++i) {
            const int64_t k = word * P::PER + i, soon = k + AHEAD < K ? k + AHEAD : k;
            own[i] = k < K ? row(k) : nullptr;
            if (k < K)
                for (int v = 0; v < N; ++v) __builtin_prefetch(row(soon) + v * LANES);
        }
        for (int v = 0; v < N; ++v) {
            Vec x[P::PER];
            for (int i = 0; i < P::PER; ++i) x[i] = own[i] ? load(own[i] + v * LANES, lanes(v)) : Vec{};
            store(panel + (word * N + v) * LANES, P::join(x));
        }
    }
}

// Panel p of a matrix of which line(k) points at the numbers of one k.
template <typename P, typename Line>
INLINE void pack_lines(Word* panel, const Panels& layout, int64_t p, int64_t K, const Line& line) {
    const int64_t first = layout.first(p);
    pack_rows<P>(panel, layout.width(p), K, [&](int64_t k) { return line(k) + first * LANES; },
                 [&](int v) { return layout.lanes(first + v); });
}

// y[i] = x[i] W (+ bias, or + what y[i] holds) for a list of rows.
template <typename P>
struct Product {
    const Word* const* x;  // [count] rows of K numbers
    float* const* y;       // [count] rows of `columns`
    int64_t count, K, columns;
    const Word* panels;
    const float* bias;  // [columns], or null
    bool add;

    struct Tile {
        const Product& product;
        const Panels& panels;
        int64_t first_vector;

        template <int R, int N>
        void run(int64_t first, Rows<R> tile = {}) const {
            const Product& own = product;
            for (int r = 0; r < tile.count; ++r)  // needed last, and in no stream that the processor could foresee
                for (int v = 0; v < N; ++v) __builtin_prefetch(own.y[first + r] + (first_vector + v) * LANES, 1);
            Vec sum[R][N];
            multiply<P, R, N>(own.x + first, tile, own.panels + panel_words<P>(own.K, first_vector), own.K, sum);
            for (int v = 0; v < N; ++v) {
                const int64_t j = (first_vector + v) * LANES;
                const int n = panels.lanes(first_vector + v);
                const Vec base = own.bias ? load(own.bias + j, n) : Vec{};
                for (int r = 0; r < tile.count; ++r) {
                    float* y = own.y[first + r] + j;
                    store(y, sum[r][v] + (own.add ? load(y, n) : base), n);
                }
            }
        }
    };

    // Or a thread's share of the columns.
    void run(int thread = 0, int threads = 1) const {
        const Panels layout(columns);
        const int64_t past = layout.count * (thread + 1) / threads;
        for (int64_t p = layout.count * thread / threads; p < past; ++p)
            in_tiles(layout.width(p), count, Tile{*this, layout, layout.first(p)});
    }
};

// A processor's tiles want the numbers of one k under one another, not side by side.
constexpr bool TURNED = BY_TILES<ROWS_AT_ONCE>;

// target[i][j] (+)= sum over k of a[k][i] * b[k][j]: the gradient of a matrix, from K rows of each side.
template <typename P>
struct Outer {
    const Word* const* a;   // [words of K] rows of `rows` words: those of one k, or of two side by side; turned round
                            // for a processor's tiles
    const float* const* b;  // [K] rows of `columns`
    int64_t K, rows, columns;
    float* target;  // [rows, columns]
    bool add;       // false: the target is not read, but written

    struct Tile {
        const Outer& outer;
        const Panels& panels;
        int64_t first_vector;
        const Word* panel;

        template <int R, int N>
        void run(int64_t first, Rows<R> tile = {}) const {
            const Outer& own = outer;
            float* target = own.target + first * own.columns + first_vector * LANES;
            for (int r = 0; r < tile.count; ++r)
                for (int v = 0; v < N; ++v) __builtin_prefetch(target + r * own.columns + v * LANES, 1);
            Vec sum[R][N];
            if constexpr (TURNED) multiply<P, R, N>(own.a + first, tile, panel, own.K, sum);
            else add_up<P, R, N>([&own, first](int r, int64_t k) { return own.a[k][first + r]; }, panel,
                                 words_of<P>(own.K), sum);
            for (int v = 0; v < N; ++v) {
                const int n = panels.lanes(first_vector + v);
                for (int r = 0; r < tile.count; ++r) {
                    float* to = target + r * own.columns + v * LANES;
                    store(to, own.add ? load(to, n) + sum[r][v] : sum[r][v], n);
                }
            }
        }
    };

    void run(const Panels& layout, int64_t p, const Word* panel) const {
        in_tiles(layout.width(p), rows, Tile{*this, layout, layout.first(p), panel});
    }
    void run(Word* panel) const {
        const Panels layout(columns);
        for (int64_t p = 0; p < layout.count; ++p) {
            pack_lines<P>(panel, layout, p, K, [&](int64_t k) { return b[k]; });
            run(layout, p, panel);
        }
    }
};
