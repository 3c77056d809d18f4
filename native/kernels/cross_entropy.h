// The loss of a linear layer that scores every column: -log softmax(x W^T + bias)[target], and its gradients. All scores
// of all rows never exist: a thread makes those of a few rows, and turns them into d, the loss's derivative by each of
// them, which stays for a sheet of rows. Rows are dealt out first, d -> dx; then columns, d -> dW and dbias. No number
// of threads changes a sum.

constexpr int64_t BACK_BLOCK = 2048;   // columns of d that are multiplied at a time: their rows of W stay in cache
constexpr int64_t SHEET_BLOCK = 240;   // columns that lie together in the sheet; in lines of the cache an odd number
static_assert(SHEET_BLOCK % LANES == 0 && SHEET_BLOCK % ROWS_AT_ONCE == 0 && BACK_BLOCK % (4 * WORDS_AT_ONCE) == 0,
              "blocks hold whole vectors and words");

// Rows of a sheet, as the columns' products read them: the numbers of PER rows side by side in a word.
template <typename P>
struct LossSheet {
    static constexpr int64_t GRAIN = P::PER * WORDS_AT_ONCE;  // rows that are written together
    int64_t stride;  // words from those of one k to the next; turned round, from one column to the next
    int64_t block;   // words of a block of columns
    Word* d;         // [blocks, words of the rows, SHEET_BLOCK], or [blocks * SHEET_BLOCK, stride]
    Word* x;         // the rows of x in panels
    int64_t bytes;

    explicit LossSheet(const CrossEntropy& f) {
        const int64_t words = words_of<P>(f.rows), blocks = (f.columns + SHEET_BLOCK - 1) / SHEET_BLOCK;
        stride = TURNED ? odd_lines(words * 4) * 16 : SHEET_BLOCK;
        block = TURNED ? SHEET_BLOCK * stride : words * SHEET_BLOCK;
        Carver carver{reinterpret_cast<uintptr_t>(f.sheet)};
        d = carver.take<Word>(blocks * block);
        x = carver.take<Word>(panel_words<P>(f.rows, Panels(f.K).vectors));
        bytes = carver.bytes;
    }

    // GRAIN rows from row k * PER on: a vector of d from column j on.
    void write(int64_t k, int64_t j, Ints (&words)[LANES]) const {
        Word* const to = d + j / SHEET_BLOCK * block;
        if constexpr (TURNED) {
            transpose(words);
            for (int i = 0; i < LANES; ++i) store(to + (j % SHEET_BLOCK + i) * stride + k, words[i]);
        } else store(to + k * stride + j % SHEET_BLOCK, words[0]);
    }
};

template <typename P>
int64_t loss_sheet(const CrossEntropy& f) {
    return LossSheet<P>(f).bytes;
}

// The floats of a row of scores: whole words of d fit in, and zeros past the last column.
INLINE int64_t score_floats(int64_t columns) { return odd_lines(up(columns, 2 * LANES) * 4) * 16; }

// Rows that a block of columns has in the sheet.
template <typename P>
int64_t sheet_lines(const CrossEntropy& f) { return TURNED ? SHEET_BLOCK : words_of<P>(f.rows); }

template <typename P>
MatrixRoom<P> loss_room(const CrossEntropy& f, int thread) {
    const int64_t grain = LossSheet<P>::GRAIN > ROWS_AT_ONCE ? LossSheet<P>::GRAIN : ROWS_AT_ONCE;
    const int64_t rows = f.rows < CODED_ROWS ? up(f.rows, grain) : CODED_ROWS;
    return {f.K, f.scratch, thread, rows * score_floats(f.columns), f.dx ? sheet_lines<P>(f) : 0};
}

template <typename P>
int64_t loss_scratch(const CrossEntropy& f) {
    return loss_room<P>(f, 0).bytes;
}

// W [columns, K] for d -> dx, a block of its rows after another.
template <typename P>
int64_t back_words(int64_t K, int64_t columns) {
    const int64_t vectors = Panels(K).vectors, last = columns % BACK_BLOCK;
    return columns / BACK_BLOCK * panel_words<P>(BACK_BLOCK, vectors) + (last ? panel_words<P>(last, vectors) : 0);
}

template <typename P>
void pack_back(int64_t K, int64_t columns, const float* w, Word* packed, int thread, int threads) {
    const Panels panels(K);
    for (int64_t first = 0; first < columns; first += BACK_BLOCK) {
        const int64_t count = columns - first < BACK_BLOCK ? columns - first : BACK_BLOCK;
        Word* const block = packed + first / BACK_BLOCK * panel_words<P>(BACK_BLOCK, panels.vectors);
        for (int64_t p = thread; p < panels.count; p += threads)
            pack_lines<P>(block + panel_words<P>(count, panels.first(p)), panels, p, count,
                          [&](int64_t k) { return w + (first + k) * K; });
    }
}

// A row of scores: leaves e^(score - highest) there and zeros past the last column, gives their sum, and what was found
// of the target.
INLINE float exponentials(float* scores, int64_t columns, int64_t floats, int64_t target, float* found) {
    for (int64_t j = columns; j < floats; ++j) scores[j] = -__builtin_inff();
    Vec highest = load(scores), sum{};
    for (int64_t j = LANES; j < columns; j += LANES) {
        const Vec x = load(scores + j);
        highest = x > highest ? x : highest;
    }
    float most = highest[0], total = 0;
    for (int lane = 1; lane < LANES; ++lane) most = highest[lane] > most ? highest[lane] : most;
    found[0] = scores[target] - most;
    found[1] = scores[target] >= most;
    for (int64_t j = 0; j < columns; j += LANES) {
        const Vec x = load(scores + j) - all(most);
        const Power p = power(x);
        const Vec e = x < all(-80.0f) ? Vec{} : p.scale + p.rest;  // a product with what is hardly there would be slow
        store(scores + j, e);
        sum += e;
    }
    for (int64_t j = columns; j < floats; ++j) scores[j] = 0;
    for (int lane = 0; lane < LANES; ++lane) total += sum[lane];
    found[0] -= float(__builtin_log(double(total)));
    return total;
}

// A thread's rows.
template <typename P>
void loss_rows(const CrossEntropy& f, int thread, int threads) {
    const LossSheet<P> sheet(f);
    const MatrixRoom<P> room = loss_room<P>(f, thread);
    constexpr int64_t GRAIN = LossSheet<P>::GRAIN;
    const int64_t grains = (f.rows + GRAIN - 1) / GRAIN;
    const int64_t begin = grains * thread / threads, end = grains * (thread + 1) / threads;
    const int64_t turns = ((end - begin) * GRAIN + CODED_ROWS - 1) / CODED_ROWS, floats = score_floats(f.columns);
    for (int64_t turn = 0; turn < turns; ++turn) {
        const int64_t first = (begin + (end - begin) * turn / turns) * GRAIN;
        const int64_t past_grain = (begin + (end - begin) * (turn + 1) / turns) * GRAIN;
        const int64_t count = (past_grain < f.rows ? past_grain : f.rows) - first;
        room.read(f.x + first * f.K, count, f.K);
        for (int64_t i = 0; i < count; ++i) room.to[i] = room.scores + i * floats;
        Product<P>{room.from, room.to, count, f.K, f.columns, f.matrix, f.bias, false}.run();
        float share[CODED_ROWS] = {};
        for (int64_t i = 0; i < count; ++i) {
            const int64_t target = f.targets[first + i];
            const float sum = exponentials(room.to[i], f.columns, floats, target, f.found + 2 * (first + i));
            room.to[i][target] -= sum;
            share[i] = f.share / sum;
        }
        if constexpr (P::LEARNS) {
            if (!f.dx) continue;
            for (int64_t group = 0; group < count; group += GRAIN)
                for (int64_t j = 0; j < up(f.columns, 2 * LANES); j += LANES) {
                    Ints words[LANES] = {};
                    for (int word = 0; word < WORDS_AT_ONCE; ++word) {
                        Vec d[P::PER] = {};
                        for (int i = 0; i < P::PER; ++i) {
                            const int64_t row = group + word * P::PER + i;
                            if (row >= count) continue;
                            d[i] = load(room.to[row] + j) * all(share[row]);
                            // In the place of the scores; a bfloat16 is written behind what is still to be read.
                            store(reinterpret_cast<typename P::Kept*>(room.to[row]) + j, d[i], LANES);
                        }
                        words[word] = P::join(d);
                    }
                    if (j < f.columns) sheet.write((first + group) / P::PER, j, words);
                }
            for (int64_t block = 0; block < f.columns; block += BACK_BLOCK) {
                const int64_t width = f.columns - block < BACK_BLOCK ? f.columns - block : BACK_BLOCK;
                const Word* const panels =
                    f.back + block / BACK_BLOCK * panel_words<P>(BACK_BLOCK, Panels(f.K).vectors);
                for (int64_t i = 0; i < count; ++i) {
                    room.from[i] = reinterpret_cast<const Word*>(room.scores + i * floats) + block / P::PER;
                    room.to[i] = f.dx + (first + i) * f.K;
                }
                Product<P>{room.from, room.to, count, width, f.K, panels, nullptr, block > 0}.run();
            }
        }
    }
    if constexpr (P::LEARNS) {
        if (!f.dx) return;
        const Panels layout(f.K);
        for (int64_t p = thread; p < layout.count; p += threads)
            pack_lines<P>(sheet.x + panel_words<P>(f.rows, layout.first(p)), layout, p, f.rows,
                          [&](int64_t k) { return f.x + k * f.K; });
    }
}

// A thread's share of the columns, panel by panel of dW, when all rows are done.
template <typename P>
void loss_columns(const CrossEntropy& f, int thread, int threads) {
    const LossSheet<P> sheet(f);
    const int64_t words = words_of<P>(f.rows), blocks = (f.columns + SHEET_BLOCK - 1) / SHEET_BLOCK;
    const Panels layout(f.K);
    const Word** const a = loss_room<P>(f, thread).lines;
    const int64_t lines = sheet_lines<P>(f), work = blocks * layout.count;
    int64_t at = -1;
    for (int64_t item = work * thread / threads; item < work * (thread + 1) / threads; ++item) {
        const int64_t b = item / layout.count, p = item % layout.count;
        const int64_t first = b * SHEET_BLOCK, left = f.columns - first;
        const int64_t width = left < SHEET_BLOCK ? left : SHEET_BLOCK;
        if (b != at)
            for (int64_t i = 0; i < lines; ++i) a[i] = sheet.d + b * sheet.block + i * sheet.stride;
        at = b;
        const Outer<P> outer{a, nullptr, f.rows, width, f.K, f.dw + first * f.K, f.add};
        outer.run(layout, p, sheet.x + panel_words<P>(f.rows, layout.first(p)));
        if (p) continue;
        float* const db = f.db + first;
        for (int64_t j = 0; j < width; j += TURNED ? 1 : LANES) {
            Vec sum{};
            if constexpr (TURNED) {
                for (int64_t k = 0; k < words; k += LANES) sum += P::total(load(a[j] + k));
                float total = 0;
                for (int lane = 0; lane < LANES; ++lane) total += sum[lane];
                db[j] = f.add ? db[j] + total : total;
            } else {
                const int n = width - j < LANES ? int(width - j) : LANES;
                for (int64_t k = 0; k < words; ++k) sum += P::total(load(a[k] + j));
                store(db + j, f.add ? load(db + j, n) + sum : sum, n);
            }
        }
    }
}
