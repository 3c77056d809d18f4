// Products with a matrix that belongs to no cell: y = x W^T + bias. A thread takes some of the columns of W^T and all
// rows: one row is enough for many threads, and none shares a sum, so that no number of them changes one.

constexpr int64_t CODED_ROWS = 64;  // rows that are made ready at a time

template <typename P>
struct MatrixRoom {
    int64_t x_words;    // from one coded row to the next
    Word* x;            // [CODED_ROWS, x_words], where rows are coded
    const Word** from;  // [CODED_ROWS]
    float** to;         // [CODED_ROWS]
    float* scores;      // of rows, and
    const Word** lines;  // of a sheet: what a loss needs (kernels/cross_entropy.h)
    int64_t bytes;

    MatrixRoom(int64_t K, void* scratch, int thread, int64_t score_floats = 0, int64_t line_count = 0)
        : x_words(coded_stride<P>(K)) {
        Carver carver{0};
        for (int pass = 0; pass < (scratch ? 2 : 1); ++pass) {
            if (pass) carver = {reinterpret_cast<uintptr_t>(scratch) + uintptr_t(thread * carver.bytes)};
            x = carver.take<Word>(P::PER > 1 ? CODED_ROWS * x_words : 0);
            from = carver.take<const Word*>(CODED_ROWS);
            to = carver.take<float*>(CODED_ROWS);
            scores = carver.take<float>(score_floats);
            lines = carver.take<const Word*>(line_count);
        }
        bytes = carver.bytes;
    }

    // Rows of x, as they are multiplied.
    void read(const float* x_rows, int64_t count, int64_t K) const {
        for (int64_t i = 0; i < count; ++i) {
            from[i] = reinterpret_cast<const Word*>(x_rows + i * K);
            if constexpr (P::PER > 1) {
                P::encode(x_rows + i * K, K, x + i * x_words);
                from[i] = x + i * x_words;
            }
        }
    }
};

template <typename P>
int64_t matrix_words(int64_t K, int64_t columns) {
    return panel_words<P>(K, Panels(columns).vectors);
}

template <typename P>
int64_t matrix_scratch(int64_t K) {
    return MatrixRoom<P>(K, nullptr, 0).bytes;
}

template <typename P>
void pack_matrix(int64_t K, int64_t columns, const float* w, Word* packed, int thread, int threads) {
    const Panels panels(columns);
    for (int64_t p = thread; p < panels.count; p += threads) {
        const int64_t first = panels.first(p);
        pack_columns<P>(packed + panel_words<P>(K, first), panels.width(p), K, [&](int v, int lane) {
            const int64_t j = (first + v) * LANES + lane;
            return j < columns ? w + j * K : nullptr;
        });
    }
}

template <typename P>
void matrix_product(const MatrixProduct& f, int thread, int threads) {
    const MatrixRoom<P> room(f.K, f.scratch, thread);
    for (int64_t first = 0; first < f.rows; first += CODED_ROWS) {
        const int64_t count = f.rows - first < CODED_ROWS ? f.rows - first : CODED_ROWS;
        room.read(f.x + first * f.K, count, f.K);
        for (int64_t i = 0; i < count; ++i) room.to[i] = f.y + (first + i) * f.columns;
        Product<P>{room.from, room.to, count, f.K, f.columns, f.matrix, f.bias, false}.run(thread, threads);
    }
}
