// Forward: a few steps of x W_ih at a time, then those steps one after another.

constexpr int64_t SHEET = 1 << 17;  // floats of x W_ih that are made at a time: they stay in cache until they are read

template <typename C, typename P>
struct ForwardRoom {
    static constexpr bool CODED = P::PER > 1;  // rows are rounded into words before they are multiplied
    int64_t most;               // rows of one sheet
    int64_t x_words, h_words;   // from one coded row to the next
    int64_t x_floats;           // from one row of the sheet to the next
    float* sheet;               // [most, x_floats] x W_ih
    Word* x;                    // [most, x_words] rows of x, where they are coded
    Word* h[2];                 // [rows of the thread, h_words] coded states, before a step and after
    const Word** from;          // [most] rows of x
    float** to;                 // [most] where their products go
    Step<typename P::Kept>* steps;  // [rows of the thread]
    const Word** before;        // [rows of the thread]
    int64_t bytes;

    ForwardRoom(const Forward& f, int thread, int threads, bool real = true) {
        const int64_t rows = (f.batch.B + threads - 1) / threads;
        x_floats = odd_lines(gate_floats<C>(f.weights.H) * 4) * 16;
        most = SHEET / x_floats > rows ? SHEET / x_floats : rows;
        if (f.batch.T * rows < most) most = f.batch.T * rows;
        const int64_t coded = CODED ? up(rows, ROWS_AT_ONCE) : 0;
        x_words = coded_stride<P>(f.weights.D), h_words = coded_stride<P>(f.weights.H);
        Carver carver{0};
        for (int pass = 0; pass < (real ? 2 : 1); ++pass) {
            if (pass) carver = {reinterpret_cast<uintptr_t>(f.scratch) + uintptr_t(thread * carver.bytes)};
            sheet = carver.take<float>(f.table ? 0 : most * x_floats);
            x = carver.take<Word>(CODED && !f.table ? up(most, ROWS_AT_ONCE) * x_words : 0);
            h[0] = carver.take<Word>(coded * h_words), h[1] = carver.take<Word>(coded * h_words);
            from = carver.take<const Word*>(most);
            to = carver.take<float*>(most);
            steps = carver.take<Step<typename P::Kept>>(rows);
            before = carver.take<const Word*>(rows);
        }
        bytes = carver.bytes;
    }
};

template <typename C, typename P>
int64_t forward_scratch(const Forward& f, int threads) {
    return ForwardRoom<C, P>(f, 0, threads, false).bytes;
}

template <typename C, typename P, bool KEEP>
struct ForwardTile {
    const Step<typename P::Kept>* steps;
    const Word* const* h_before;
    const Word* panel;
    int64_t H, first_vector;
    const Panels& units;

    using Kept = Record<C, typename P::Kept>;

    template <int R, int N>
    void run(int64_t first, Rows<R> tile = {}) const {
        if (KEEP)  // needed last, and in no stream that the processor could foresee
            for (int r = 0; r < tile.count; ++r)
                for (int64_t byte = 0; byte < N / C::GATES * Kept::BYTES; byte += 64)
                    __builtin_prefetch(steps[first + r].kept + first_vector * Kept::BYTES + byte, 1);
        Vec sum[R][N];
        multiply<P, R, N>(h_before + first, tile, panel, H, sum);
        for (int r = 0; r < tile.count; ++r)
            for (int u = 0; u < N / C::GATES; ++u) {
                const int64_t vector = first_vector + u;
                const int n = units.lanes(vector);
                if (n == LANES) C::template forward<P, KEEP>(sum[r] + u, steps[first + r], vector, LANES);
                else C::template forward<P, KEEP>(sum[r] + u, steps[first + r], vector, n);
            }
    }
};

template <typename C, typename P, bool KEEP>
void forward(const Forward& f, int thread, int threads) {
    const Batch& batch = f.batch;
    const int64_t H = f.weights.H, D = f.weights.D, G = gate_floats<C>(H), kept = kept_floats<C, P>(H) * 4;
    const Panels units(H);
    const Share share{thread, threads};
    ForwardRoom<C, P> room(f, thread, threads);
    constexpr bool CODED = ForwardRoom<C, P>::CODED;
    const Word **const from = room.from, **const h_before = room.before;
    float** const to = room.to;
    Step<typename P::Kept>* const steps = room.steps;

    for (int64_t i = 0; i < share.of(batch.B); ++i) {
        const int64_t row = batch.row[share.rank(i)];
        if (batch.length[share.rank(i)] == 0)  // empty rows end where they begin
            for (int64_t j = 0; j < H; ++j) f.h_n[row * H + j] = f.h0[row * H + j];
        else if constexpr (CODED) P::encode(f.h0 + row * H, H, room.h[0] + i * room.h_words);
    }
    for (int64_t t0 = 0, t1; t0 < batch.T; t0 = t1) {
        int64_t count = 0;
        for (t1 = t0; t1 < batch.T; ++t1) {  // as many steps as fit the sheet
            const int64_t alive = share.of(batch.alive[t1]);
            if (alive == 0 || (count && count + alive > room.most)) break;
            for (int64_t i = 0; i < alive; ++i, ++count) {
                const int64_t rank = share.rank(i), at = place(batch, f.x_at, rank, t1);
                if (f.table) {
                    to[count] = const_cast<float*>(f.table) + f.ids[at] * G;
                    continue;
                }
                from[count] = reinterpret_cast<const Word*>(f.x + at * D);
                if constexpr (CODED) {
                    P::encode(f.x + at * D, D, room.x + count * room.x_words);
                    from[count] = room.x + count * room.x_words;
                }
                to[count] = room.sheet + count * room.x_floats;
            }
        }
        if (t1 == t0) return;
        if (!f.table) Product<P>{from, to, count, D, G, f.weights.ih, f.weights.bias, false}.run();
        float** x = to;
        for (int64_t t = t0; t < t1; ++t) {
            const int64_t alive = share.of(batch.alive[t]);
            for (int64_t i = 0; i < alive; ++i) {
                const int64_t rank = share.rank(i), row = batch.row[rank], stored = batch.kept[t] + rank;
                const float* before = t ? f.y + place(batch, f.y_at, rank, t - 1) * H : f.h0 + row * H;
                h_before[i] = CODED ? room.h[0] + i * room.h_words : reinterpret_cast<const Word*>(before);
                steps[i] = {f.relu,
                            f.weights.bias + G,
                            before,
                            f.y + place(batch, f.y_at, rank, t) * H,
                            C::HAS_C ? f.c_n + row * H : nullptr,
                            x[i],
                            KEEP ? static_cast<char*>(f.kept) + stored * kept : nullptr};
            }
            x += alive;
            if constexpr (C::GATES > 1) {
                for (int64_t u = 0; u < units.vectors; ++u) {
                    const Word* panel = f.weights.hh + panel_words<P>(H, u * C::GATES);
                    in_tiles<C::GATES>(alive, ForwardTile<C, P, KEEP>{steps, h_before, panel, H, u, units});
                }
            } else {
                for (int64_t p = 0; p < units.count; ++p) {
                    const Word* panel = f.weights.hh + panel_words<P>(H, units.first(p));
                    in_tiles(units.width(p), alive,
                             ForwardTile<C, P, KEEP>{steps, h_before, panel, H, units.first(p), units});
                }
            }
            const int64_t going_on = t + 1 < batch.T ? share.of(batch.alive[t + 1]) : 0;
            for (int64_t i = going_on; i < alive; ++i) {
                const int64_t row = batch.row[share.rank(i)];
                for (int64_t j = 0; j < H; ++j) f.h_n[row * H + j] = steps[i].h[j];
            }
            if constexpr (CODED) {
                for (int64_t i = 0; i < going_on; ++i) P::encode(steps[i].h, H, room.h[1] + i * room.h_words);
                Word* const old = room.h[0];
                room.h[0] = room.h[1], room.h[1] = old;
            }
        }
    }
}
