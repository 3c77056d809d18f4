// Backward. A thread goes back through its rows a few steps at a time: when a sheet of dgates is full, its products
// are added to the thread's own sums, while it is in cache. The sheet before is kept, for the step after.

constexpr int64_t SHEET_ROWS = 384;

// The stride of a sheet's rows is never a power of two, or the same column of all rows would fall into one set of the
// cache.
template <typename C, typename P>
struct BackwardRoom {
    typedef typename P::Kept Kept;
    static constexpr bool PAIRED = P::PER > 1;
    int64_t most;           // rows of one sheet
    int64_t stride;         // numbers from one of them to the next
    Kept* sheets[2];        // [most, stride] dgates: of the steps at hand, and of those after
    Word* pairs;            // [most / 2, stride] the sheet at hand, the numbers of two rows side by side; turned
                            // round [KEPT * H, pair_stride]
    int64_t pair_stride;    // words from one of its rows to the next
    Word* panel;            // [most, 4 vectors]
    Kept** dgates;          // [most] the rows of the sheet at hand, and what belongs to them
    const Word** columns;   // the rows of the sheet, or of `pairs`
    const float** x;        // [most]
    const float** h_before;  // [most]
    float** dx;             // [most]
    StepBack<Kept>* steps;  // [rows of the thread]
    const Word** after;     // [rows of the thread] dgates of the step after
    const float** dy;       // [rows of the thread]
    float** dh;             // [rows of the thread]
    int64_t bytes;

    BackwardRoom(const Backward& f, int thread, int threads, bool real = true) {
        const int64_t rows = (f.batch.B + threads - 1) / threads, all = f.batch.T * rows;
        most = rows > SHEET_ROWS ? rows : SHEET_ROWS;
        if (all < most) most = all;
        stride = up(C::KEPT * f.weights.H, 32) + (PAIRED ? 32 : 16);
        const int64_t lines = up(most + ROWS_AT_ONCE - 1, PAIRED ? 2 : 1);  // a tile may begin at the last row
        const int64_t turned = TURNED ? C::KEPT * f.weights.H + ROWS_AT_ONCE - 1 : 0;
        pair_stride = TURNED ? odd_lines(words_of<P>(most) * 4) * 16 : stride;
        Carver carver{0};
        for (int pass = 0; pass < (real ? 2 : 1); ++pass) {
            if (pass) carver = {reinterpret_cast<uintptr_t>(f.scratch) + uintptr_t(thread * carver.bytes)};
            sheets[0] = carver.take<Kept>(lines * stride);
            sheets[1] = carver.take<Kept>(lines * stride);
            pairs = carver.take<Word>(PAIRED ? (TURNED ? turned : lines / 2) * pair_stride : 0);
            panel = carver.take<Word>(up(most, 2 * WORDS_AT_ONCE) * 4 * LANES);
            dgates = carver.take<Kept*>(most);
            columns = carver.take<const Word*>(turned > most ? turned : most);
            x = carver.take<const float*>(most);
            h_before = carver.take<const float*>(most);
            dx = carver.take<float*>(most);
            steps = carver.take<StepBack<Kept>>(rows);
            after = carver.take<const Word*>(rows);
            dy = carver.take<const float*>(rows);
            dh = carver.take<float*>(rows);
        }
        bytes = carver.bytes;
        if (PAIRED && real)  // what a last word holds beside a number of its own
            for (Kept* sheet : sheets)
                for (int64_t i = 0; i < lines; ++i)
                    for (int64_t j = C::KEPT * f.weights.H; j < stride; ++j) sheet[i * stride + j] = 0;
    }
};

template <typename C, typename P>
int64_t backward_scratch(const Backward& f, int threads) {
    return BackwardRoom<C, P>(f, 0, threads, false).bytes;
}

// The way back through one step. What comes from the step after is nothing for rows that end here.
template <typename C, typename P, bool GOES_ON>
struct BackwardTile {
    const StepBack<typename P::Kept>* steps;
    const Word* const* after;  // dgates of the step after, from H_PART on
    const float* const* dy;
    const Word* panel;
    int64_t H, first_vector;
    const Panels& units;

    using Kept = Record<C, typename P::Kept>;

    template <int R, int N>
    void run(int64_t first, Rows<R> tile = {}) const {
        for (int r = 0; r < tile.count; ++r)  // needed last, and in no stream that the processor could foresee
            for (int v = 0; v < N; ++v) {
                const StepBack<typename P::Kept>& s = steps[first + r];
                const int64_t j = (first_vector + v) * LANES;
                for (int64_t byte = 0; byte < Kept::BYTES; byte += 64)
                    __builtin_prefetch(s.kept + (first_vector + v) * Kept::BYTES + byte);
                if (C::HAS_C) __builtin_prefetch(s.c_before + (first_vector + v) * s.c_stride);
                __builtin_prefetch(dy[first + r] + j);
                __builtin_prefetch(s.h_before + j);
            }
        Vec sum[R][N] = {};
        if constexpr (GOES_ON) multiply<P, R, N>(after + first, tile, panel, C::GATES * H, sum);
        for (int v = 0; v < N; ++v) {
            const int64_t j = (first_vector + v) * LANES;
            const int n = units.lanes(first_vector + v);
            for (int r = 0; r < tile.count; ++r) {
                const StepBack<typename P::Kept>& s = steps[first + r];
                const int64_t u = first_vector + v;
                if (n == LANES)
                    C::template backward<P>(sum[r][v] + load(dy[first + r] + j) + load(s.dh + j), s, u, LANES);
                else C::template backward<P>(sum[r][v] + load(dy[first + r] + j, n) + load(s.dh + j, n), s, u, n);
            }
        }
    }
};

INLINE float* own(const Sum& sum, int thread) { return thread ? sum.parts + (thread - 1) * sum.size : sum.total; }

// What a full sheet of `count` rows gives: dx, and its share of the weights' and biases' gradients.
template <typename C, typename P>
void spend(const Backward& f, const BackwardRoom<C, P>& room, int thread, int64_t count, bool add) {
    const int64_t H = f.weights.H, D = f.weights.D, G = C::GATES * H, kept = C::KEPT * H;
    const Word** const columns = room.columns;
    for (int64_t i = 0; i < count; ++i) columns[i] = reinterpret_cast<const Word*>(room.dgates[i]);
    if (f.dx) Product<P>{columns, room.dx, count, G, D, f.weights.ih_back, nullptr, false}.run();
    for (int64_t j = 0; j < kept; j += LANES) {  // a sheet's sum first: one long sum would lose a digit
        const int n = kept - j < LANES ? int(kept - j) : LANES;
        Vec sum{};
        for (int64_t i = 0; i < count; ++i) sum += load(room.dgates[i] + j, n);
        float* const db = own(f.dw[2], thread) + j;
        store(db, add ? load(db, n) + sum : sum, n);
    }
    if constexpr (BackwardRoom<C, P>::PAIRED)
        for (int64_t k = 0; k < words_of<P>(count); k += WORDS_AT_ONCE)
            for (int64_t j = 0; j < kept; j += LANES) {  // the room goes on past the last column
                Ints pairs[LANES];
                for (int64_t word = 0; word < WORDS_AT_ONCE; ++word) {
                    Vec rows[2] = {};
                    for (int64_t i = 0, row = 2 * (k + word); i < 2; ++i, ++row)
                        if (row < count) rows[i] = load(room.dgates[row] + j, LANES);
                    pairs[word] = P::join(rows);
                }
                if constexpr (TURNED) {
                    transpose(pairs);
                    for (int i = 0; i < LANES; ++i) store(room.pairs + (j + i) * room.pair_stride + k, pairs[i]);
                } else store(room.pairs + k * room.pair_stride + j, pairs[0]);
            }
    const int64_t lines = TURNED ? kept : words_of<P>(count), h_part = C::H_PART * H;
    for (int64_t i = 0; i < lines && BackwardRoom<C, P>::PAIRED; ++i) columns[i] = room.pairs + i * room.pair_stride;
    Outer<P>{columns, room.x, count, G, D, own(f.dw[0], thread), add}.run(room.panel);
    for (int64_t i = 0; i < lines && !TURNED; ++i) columns[i] += h_part;
    Outer<P>{columns + (TURNED ? h_part : 0), room.h_before, count, G, H, own(f.dw[1], thread), add}.run(room.panel);
}

template <typename C, typename P>
void backward(const Backward& f, int thread, int threads) {
    typedef typename P::Kept Number;
    using Kept = Record<C, Number>;
    const Batch& batch = f.batch;
    const int64_t H = f.weights.H, D = f.weights.D, stored = kept_floats<C, P>(H) * 4;
    const char* const kept_at = static_cast<const char*>(f.kept);
    const Share share{thread, threads};
    BackwardRoom<C, P> room(f, thread, threads);
    StepBack<Number>* const steps = room.steps;
    const auto h_part = [H](const Number* dgates) { return reinterpret_cast<const Word*>(dgates + C::H_PART * H); };

    const Panels units(H);
    int64_t count = 0;
    bool spent = false;
    for (int64_t t = batch.T - 1; t >= 0; --t) {
        const int64_t alive = share.of(batch.alive[t]);
        const int64_t before = t + 1 < batch.T ? share.of(batch.alive[t + 1]) : 0;
        if (count + alive > room.most) {
            spend(f, room, thread, count, spent);
            count = 0, spent = true;
            Number* const full = room.sheets[0];
            room.sheets[0] = room.sheets[1], room.sheets[1] = full;
        }
        for (int64_t i = 0; i < alive; ++i, ++count) {
            const int64_t rank = share.rank(i), row = batch.row[rank];
            const int64_t here = place(batch, f.y_at, rank, t);
            if (i < before) room.after[i] = h_part(steps[i].dgates);
            room.dy[i] = f.dy + here * H;
            const char* const c0 = C::HAS_C ? reinterpret_cast<const char*>(f.c0 + row * H) : nullptr;
            steps[i] = {H,
                        f.relu,
                        t ? f.y + place(batch, f.y_at, rank, t - 1) * H : f.h0 + row * H,
                        f.y + here * H,
                        !C::HAS_C || !t ? c0 : kept_at + (batch.kept[t - 1] + rank) * stored + Kept::C_AT,
                        t ? Kept::BYTES : LANES * int64_t(sizeof(float)),
                        kept_at + (batch.kept[t] + rank) * stored,
                        f.dh + row * H,
                        C::HAS_C ? f.dc + row * H : nullptr,
                        room.sheets[0] + count * room.stride};
            room.dgates[count] = steps[i].dgates, room.h_before[count] = steps[i].h_before;
            room.x[count] = f.x + place(batch, f.x_at, rank, t) * D;
            room.dx[count] = f.dx ? f.dx + place(batch, f.x_at, rank, t) * D : nullptr;
        }
        for (int64_t p = 0; p < units.count; ++p) {
            const int64_t first = units.first(p);
            const Word* w = f.weights.hh_back + panel_words<P>(C::GATES * H, first);
            in_tiles(units.width(p), before,
                     BackwardTile<C, P, true>{steps, room.after, room.dy, w, H, first, units});
            in_tiles(units.width(p), alive - before,
                     BackwardTile<C, P, false>{steps + before, nullptr, room.dy + before, w, H, first, units});
        }
    }
    spend(f, room, thread, count, spent);

    const int64_t begun = batch.T ? share.of(batch.alive[0]) : 0;  // and one product more, to the given state
    for (int64_t i = 0; i < begun; ++i) {
        room.after[i] = h_part(steps[i].dgates);
        room.dh[i] = steps[i].dh;
    }
    Product<P>{room.after, room.dh, begun, C::GATES * H, H, f.weights.hh_back, nullptr, true}.run();
}
