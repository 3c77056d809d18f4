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

// The rows that one product takes at once: as many as leave the accumulators of N vectors in three quarters of the
// registers; the weights and the broadcast number take the rest.
constexpr int tile_rows(int N) { return REGISTERS * 3 / 4 / N < 8 ? REGISTERS * 3 / 4 / N : 8; }

// Calls body.run<R, N>(first) for tiles of R rows that cover 0..rows, as even as they can be.
template <int N, typename Body>
INLINE void in_tiles(int64_t rows, const Body& body) {
    constexpr int MOST = tile_rows(N);
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

constexpr int64_t AHEAD = 16;   // steps of k by which the panel is fetched before it is needed
constexpr int64_t BLOCK = 256;  // steps of k that are summed by themselves: one long sum would lose a digit

// sum[r][v] = sum over k of row(r, k) * panel[k][v], in blocks of k and in each k ascending: the same whatever R is.
template <int R, int N, typename Row>
INLINE void multiply(const Row& row, const float* panel, int64_t K, Vec (&sum)[R][N]) {
    for (auto& row_sum : sum)
        for (Vec& s : row_sum) s = Vec{};
    for (int64_t block = 0; block < K; block += BLOCK) {
        Vec s[R][N] = {};
        const int64_t past = block + BLOCK < K ? block + BLOCK : K;
        for (int64_t k = block; k < past; ++k) {
            Vec w[N];
#pragma GCC unroll 8
            for (int v = 0; v < N; ++v) {
                __builtin_prefetch(panel + ((k + AHEAD) * N + v) * LANES);
                w[v] = reinterpret_cast<const Vec*>(panel)[k * N + v];
            }
#pragma GCC unroll 8
            for (int r = 0; r < R; ++r) {
                const Vec a = all(row(r, k));
#pragma GCC unroll 8
                for (int v = 0; v < N; ++v) s[r][v] += a * w[v];
            }
        }
#pragma GCC unroll 8
        for (int r = 0; r < R; ++r)
#pragma GCC unroll 8
            for (int v = 0; v < N; ++v) sum[r][v] += s[r][v];
    }
}

template <int R, int N>
INLINE void multiply(const float* const* rows, const float* panel, int64_t K, Vec (&sum)[R][N]) {
    const float* own[R];
#pragma GCC unroll 8
    for (int r = 0; r < R; ++r) own[r] = rows[r];
    multiply<R, N>([&own](int r, int64_t k) { return own[r][k]; }, panel, K, sum);
}

// Writes N vectors as one panel, k0 <= k < k1 of it. `column(v, lane)` points at k = k0 of what stands there, null
// past the last column.
template <typename Column>
INLINE void pack_panel(float* panel, int N, int64_t k0, int64_t k1, int64_t k_stride, const Column& column) {
    for (int v = 0; v < N; ++v) {
        const float* from[LANES];
        for (int lane = 0; lane < LANES; ++lane) from[lane] = column(v, lane);
        for (int64_t k = k0; k < k1; k += LANES) {  // in small squares, so that either stride stays in cache
            const int64_t past = k + LANES < k1 ? k + LANES : k1;
            for (int lane = 0; lane < LANES; ++lane) {
                const float* own = from[lane];
                float* to = panel + v * LANES + lane;
                for (int64_t i = k; i < past; ++i) to[i * N * LANES] = own ? own[(i - k0) * k_stride] : 0.0f;
            }
        }
    }
}

// y[i] = x[i] W (+ bias, or + what y[i] holds) for a list of rows.
struct Product {
    const float* const* x;  // [count] rows of K
    float* const* y;        // [count] rows of `columns`
    int64_t count, K, columns;
    const float* panels;
    const float* bias;  // [columns], or null
    bool add;

    void run() const;
};

struct ProductTile {
    const Product& product;
    const Panels& panels;
    int64_t first_vector;

    template <int R, int N>
    void run(int64_t first) const {
        const Product& own = product;
        Vec sum[R][N];
        multiply<R, N>(own.x + first, own.panels + first_vector * own.K * LANES, own.K, sum);
        for (int v = 0; v < N; ++v) {
            const int64_t j = (first_vector + v) * LANES;
            const int n = panels.lanes(first_vector + v);
            const Vec base = own.bias ? load(own.bias + j, n) : Vec{};
            for (int r = 0; r < R; ++r) {
                float* y = own.y[first + r] + j;
                store(y, sum[r][v] + (own.add ? load(y, n) : base), n);
            }
        }
    }
};

inline void Product::run() const {
    const Panels layout(columns);
    for (int64_t p = 0; p < layout.count; ++p)
        in_tiles(layout.width(p), count, ProductTile{*this, layout, layout.first(p)});
}

// target[i][j] (+)= sum over k of a[k][i] * b[k][j]: the gradient of a matrix, from K rows of each side.
struct Outer {
    const float* const* a;  // [K] rows of `rows`
    const float* const* b;  // [K] rows of `columns`
    int64_t K, rows, columns;
    float* target;  // [rows, columns]
    float* panel;   // room for K * 4 vectors
    bool add;       // false: the target is not read, but written

    void run() const;
};

struct OuterTile {
    const Outer& outer;
    const Panels& panels;
    int64_t first_vector;

    template <int R, int N>
    void run(int64_t first) const {
        const Outer& own = outer;
        float* target = own.target + first * own.columns + first_vector * LANES;
        for (int r = 0; r < R; ++r)  // needed last, and in no stream that the processor could foresee
            for (int v = 0; v < N; ++v) __builtin_prefetch(target + r * own.columns + v * LANES, 1);
        Vec sum[R][N];
        multiply<R, N>([&own, first](int r, int64_t k) { return own.a[k][first + r]; }, own.panel, own.K, sum);
        for (int v = 0; v < N; ++v) {
            const int n = panels.lanes(first_vector + v);
            for (int r = 0; r < R; ++r) {
                float* to = target + r * own.columns + v * LANES;
                store(to, own.add ? load(to, n) + sum[r][v] : sum[r][v], n);
            }
        }
    }
};

inline void Outer::run() const {
    const Panels layout(columns);
    for (int64_t p = 0; p < layout.count; ++p) {
        const int64_t first = layout.first(p);
        const int N = layout.width(p);
        for (int64_t k = 0; k < K; ++k)
            for (int v = 0; v < N; ++v)
                store(panel + (k * N + v) * LANES, load(b[k] + (first + v) * LANES, layout.lanes(first + v)));
        in_tiles(N, rows, OuterTile{*this, layout, first});
    }
}
