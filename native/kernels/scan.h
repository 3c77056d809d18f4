// The loop over time, for all cells. A thread takes every `threads`-th rank, so that each has long rows and short ones,
// and runs them from the first step to the last without waiting for anyone: rows know nothing of each other.

constexpr int64_t SHEET = 1 << 17;  // floats of x W_ih that are made at a time: they stay in cache until they are read

// Packing. W_ih [G, D] and W_hh [G, H] come as torch has them.
//
// IH:      K = D, columns: vectors of the gates, see below            x -> gates
// HH:      K = H, columns: vectors of the gates                       h -> gates
// IH_BACK: K = the gates that x reaches, in their order, columns: D   dgates -> dx
// HH_BACK: K = the gates that h reaches, columns: H                   dgates -> dh
//
// IH and HH have the gates of one vector of hidden units side by side; a panel of HH holds them all, so that a tile has
// all that a step needs in registers. In a cell of one gate it holds up to four vectors.

template <typename C>
int64_t gate_floats(int64_t H) { return Panels(H).vectors * C::GATES * LANES; }

// From one row to the next, in lines of the cache: an odd number, or the same place of all rows would fall into one set.
INLINE int64_t odd_lines(int64_t bytes) { return (bytes + 63) / 64 | 1; }

template <typename C, typename P>
int64_t kept_floats(int64_t H) {
    const int64_t bytes = Panels(H).vectors * Record<C, typename P::Kept>::BYTES;
    return bytes ? odd_lines(bytes) * 16 : 0;
}

// [units, GATES, LANES] what is added to x W_ih, then [units, LANES] what is added to W_hh h of the gate that x and h
// reach apart (GRU's n).
template <typename C>
void pack_bias(int64_t H, const float* b_ih, const float* b_hh, float* packed) {
    const Panels units(H);
    float* const apart = packed + gate_floats<C>(H);
    for (int64_t j = 0; j < units.vectors * LANES; ++j) {
        const auto of = [&](const float* bias, int gate) { return bias && j < H ? bias[C::X[gate] * H + j] : 0.0f; };
        for (int gate = 0; gate < C::GATES; ++gate)
            packed[(j / LANES * C::GATES + gate) * LANES + j % LANES] =
                of(b_ih, gate) + (gate < C::H_PART ? 0.0f : of(b_hh, gate));
        apart[j] = C::H_PART ? of(b_hh, 0) : 0.0f;
    }
}

template <typename C, typename P>
int64_t packed_words(int64_t D, int64_t H, int which) {
    constexpr int64_t G = C::GATES;
    switch (which) {
        case IH: return panel_words<P>(D, G * Panels(H).vectors);
        case HH: return panel_words<P>(H, G * Panels(H).vectors);
        case IH_BACK: return panel_words<P>(G * H, Panels(D).vectors);
        default: return panel_words<P>(G * H, Panels(H).vectors);
    }
}

template <typename C, typename P>
void pack(int64_t D, int64_t H, int which, const float* w, Word* packed, int thread, int threads) {
    const int64_t G = C::GATES * H, width = which == IH || which == IH_BACK ? D : H;  // W is [G, width]
    const auto kept = [H](int64_t row) { return C::X[row / H] * H + row % H; };
    if (which == HH && C::GATES > 1) {
        const Panels units(H);
        for (int64_t u = thread; u < units.vectors; u += threads)
            pack_columns<P>(packed + panel_words<P>(H, u * C::GATES), C::GATES, H, [&](int gate, int lane) {
                return lane < units.lanes(u) ? w + (gate * H + u * LANES + lane) * width : nullptr;
            });
        return;
    }
    const bool back = which == IH_BACK || which == HH_BACK;
    const int64_t K = back ? G : width;
    const Panels panels(back ? width : gate_floats<C>(H));
    for (int64_t p = thread; p < panels.count; p += threads) {
        const int64_t first = panels.first(p);
        Word* const panel = packed + panel_words<P>(K, first);
        if constexpr (P::LEARNS)
            if (back) {
                pack_rows<P>(panel, panels.width(p), K, [&](int64_t k) {
                    return w + (which == IH_BACK ? kept(k) : k) * width + first * LANES;
                }, [&](int v) { return panels.lanes(first + v); });
                continue;
            }
        pack_columns<P>(panel, panels.width(p), K, [&](int v, int lane) {
            const int64_t j = (first + v) / C::GATES * LANES + lane, gate = C::X[(first + v) % C::GATES];
            return j < H ? w + (gate * H + j) * width : nullptr;
        });
    }
}

// The ranks of one thread: thread, thread + threads, ...
struct Share {
    int thread, threads;
    int64_t of(int64_t ranks) const { return ranks > thread ? (ranks - thread + threads - 1) / threads : 0; }
    int64_t rank(int64_t i) const { return thread + i * threads; }
};

INLINE int64_t place(const Batch& b, const Places& at, int64_t rank, int64_t t) {
    return at.row[b.row[rank]] + at.time[b.reverse ? b.length[rank] - 1 - t : t];
}

// Forward

// Lays arrays out one after another in a thread's scratch. Without memory it only counts.
struct Carver {
    uintptr_t base;
    int64_t bytes = 0;

    template <typename T>
    T* take(int64_t count) {
        T* const array = reinterpret_cast<T*>(base + uintptr_t(bytes));
        bytes = up(bytes + count * int64_t(sizeof(T)), 64);
        return array;
    }
};

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
        x_words = stride(f.weights.D), h_words = stride(f.weights.H);
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

    static int64_t stride(int64_t numbers) { return up(words_of<P>(numbers) + P::ROW_TAIL, 16) + 16; }
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
    Outer<P>{columns, room.x, count, G, D, own(f.dw[0], thread), room.panel, add}.run();
    for (int64_t i = 0; i < lines && !TURNED; ++i) columns[i] += h_part;
    Outer<P>{columns + (TURNED ? h_part : 0), room.h_before, count, G, H, own(f.dw[1], thread), room.panel, add}.run();
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
