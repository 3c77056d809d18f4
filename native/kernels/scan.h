// The loop over time, for all cells. A thread takes every `threads`-th rank, so that each has long rows and short ones,
// and runs them from the first step to the last without waiting for anyone: rows know nothing of each other.

constexpr int64_t SHEET = 1 << 17;  // floats of x W_ih that are made at a time: they stay in cache until they are read

constexpr int64_t up(int64_t n, int64_t to) { return (n + to - 1) / to * to; }

// Packing. W_ih [G, D] and W_hh [G, H] come as torch has them.
//
// IH:      K = D, columns: the kept gates, in the kept order      x -> gates
// HH:      K = H, columns: the gates, see below                   h -> gates
// IH_BACK: K = the kept gates, in the kept order, columns: D      dgates -> dx
// HH_BACK: K = the gates, columns: H                              dgates -> dh
//
// A panel of HH holds every gate of one vector of hidden units, so that a tile has all that a step needs in registers.
// A cell of one gate has plain panels.

template <typename C>
int64_t packed_floats(int64_t D, int64_t H, int which) {
    constexpr int64_t G = C::GATES;
    switch (which) {
        case IH: return D * Panels(G * H).vectors * LANES;
        case HH: return H * G * Panels(H).vectors * LANES;
        case IH_BACK: return G * H * Panels(D).vectors * LANES;
        default: return G * H * Panels(H).vectors * LANES;
    }
}

template <typename C>
void pack(int64_t D, int64_t H, int which, const float* w, float* packed, int thread, int threads) {
    const int64_t G = C::GATES * H, width = which == IH || which == IH_BACK ? D : H;  // W is [G, width]
    const auto kept = [H](int64_t row) { return C::X[row / H] * H + row % H; };
    if (which == HH && C::GATES > 1) {
        const Panels units(H);
        for (int64_t u = thread; u < units.vectors; u += threads)
            pack_panel(packed + u * C::GATES * H * LANES, C::GATES, 0, H, 1, [&](int gate, int lane) {
                return lane < units.lanes(u) ? w + (gate * H + u * LANES + lane) * width : nullptr;
            });
        return;
    }
    const bool back = which == IH_BACK || which == HH_BACK;
    const int64_t K = back ? G : width;
    const Panels panels(back ? width : G);
    for (int64_t p = thread; p < panels.count; p += threads) {
        const int64_t first = panels.first(p);
        float* panel = packed + first * K * LANES;
        const auto column = [&](int v, int lane, int64_t k0) -> const float* {
            const int64_t j = (first + v) * LANES + lane;
            if (lane >= panels.lanes(first + v)) return nullptr;
            return back ? w + k0 * width + j : w + (which == IH ? kept(j) : j) * width;
        };
        for (int gate = 0; gate < (back ? C::GATES : 1); ++gate) {
            const int64_t k0 = gate * H, from = which == IH_BACK ? kept(k0) : k0;
            pack_panel(panel, panels.width(p), k0, back ? k0 + H : K, back ? width : 1,
                       [&](int v, int lane) { return column(v, lane, from); });
        }
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

template <typename C>
struct ForwardRoom {
    int64_t most;          // rows of one sheet
    float* sheet;          // [most, KEPT * H] x W_ih, where the gates are not kept
    const float** from;    // [most] rows of x
    float** to;            // [most] where their products go
    Step* steps;           // [rows of the thread]
    const float** before;  // [rows of the thread]
    int64_t bytes;

    ForwardRoom(const Forward& f, int thread, int threads, bool real = true) {
        const int64_t rows = (f.batch.B + threads - 1) / threads, kept = C::KEPT * f.weights.H;
        most = SHEET / kept > rows ? SHEET / kept : rows;
        Carver carver{0};
        for (int pass = 0; pass < (real ? 2 : 1); ++pass) {
            if (pass) carver = {reinterpret_cast<uintptr_t>(f.scratch) + uintptr_t(thread * carver.bytes)};
            sheet = carver.take<float>(f.gates ? 0 : most * kept);
            from = carver.take<const float*>(most);
            to = carver.take<float*>(most);
            steps = carver.take<Step>(rows);
            before = carver.take<const float*>(rows);
        }
        bytes = carver.bytes;
    }
};

template <typename C>
int64_t forward_scratch(const Forward& f, int threads) {
    return ForwardRoom<C>(f, 0, threads, false).bytes;
}

template <typename C, bool KEEP>
struct ForwardTile {
    const Step* steps;
    const float* const* h_before;
    const float* panel;
    int64_t H, first_vector;
    const Panels& units;

    template <int R, int N>
    void run(int64_t first) const {
        Vec sum[R][N];
        multiply<R, N>(h_before + first, panel, H, sum);
        for (int r = 0; r < R; ++r)
            for (int u = 0; u < N / C::GATES; ++u) {
                const int64_t vector = first_vector + u;
                C::template forward<KEEP>(sum[r] + u, steps[first + r], vector * LANES, units.lanes(vector));
            }
    }
};

template <typename C, bool KEEP>
void forward(const Forward& f, int thread, int threads) {
    const Batch& batch = f.batch;
    const int64_t H = f.weights.H, D = f.weights.D, kept = C::KEPT * H;
    const Panels units(H);
    const Share share{thread, threads};
    const ForwardRoom<C> room(f, thread, threads);
    const float **const from = room.from, **const h_before = room.before;
    float** const to = room.to;
    Step* const steps = room.steps;

    for (int64_t i = 0; i < share.of(batch.B); ++i) {  // empty rows end where they begin
        const int64_t row = batch.row[share.rank(i)];
        if (batch.length[share.rank(i)] == 0)
            for (int64_t j = 0; j < H; ++j) f.h_n[row * H + j] = f.h0[row * H + j];
    }
    for (int64_t t0 = 0, t1; t0 < batch.T; t0 = t1) {
        int64_t count = 0;
        for (t1 = t0; t1 < batch.T; ++t1) {  // as many steps as fit the sheet
            const int64_t alive = share.of(batch.alive[t1]);
            if (alive == 0 || (count && count + alive > room.most)) break;
            for (int64_t i = 0; i < alive; ++i, ++count) {
                const int64_t rank = share.rank(i);
                from[count] = f.x + place(batch, f.x_at, rank, t1) * D;
                to[count] = f.gates ? f.gates + (batch.kept[t1] + rank) * kept : room.sheet + count * kept;
            }
        }
        if (t1 == t0) return;
        Product{from, to, count, D, C::GATES * H, f.weights.ih, f.weights.bias, false}.run();
        float** gates = to;
        for (int64_t t = t0; t < t1; ++t) {
            const int64_t alive = share.of(batch.alive[t]);
            for (int64_t i = 0; i < alive; ++i) {
                const int64_t rank = share.rank(i), row = batch.row[rank];
                const float* before = t ? f.y + place(batch, f.y_at, rank, t - 1) * H : f.h0 + row * H;
                h_before[i] = before;
                steps[i] = {H,
                            f.weights.bias_h,
                            before,
                            f.y + place(batch, f.y_at, rank, t) * H,
                            C::HAS_C ? f.c_n + row * H : nullptr,
                            gates[i],
                            KEEP && C::HAS_C ? f.cells + (batch.kept[t] + rank) * H : nullptr};
            }
            gates += alive;
            if constexpr (C::GATES > 1) {
                for (int64_t u = 0; u < units.vectors; ++u) {
                    const float* panel = f.weights.hh + u * C::GATES * H * LANES;
                    in_tiles<C::GATES>(alive, ForwardTile<C, KEEP>{steps, h_before, panel, H, u, units});
                }
            } else {
                for (int64_t p = 0; p < units.count; ++p) {
                    const float* panel = f.weights.hh + units.first(p) * H * LANES;
                    in_tiles(units.width(p), alive,
                             ForwardTile<C, KEEP>{steps, h_before, panel, H, units.first(p), units});
                }
            }
            const int64_t going_on = t + 1 < batch.T ? share.of(batch.alive[t + 1]) : 0;
            for (int64_t i = going_on; i < alive; ++i) {
                const int64_t row = batch.row[share.rank(i)];
                for (int64_t j = 0; j < H; ++j) f.h_n[row * H + j] = steps[i].h[j];
            }
        }
    }
}

// Backward. A thread goes back through its rows a few steps at a time: when a sheet of dgates is full, its products
// are added to the thread's own sums, while it is in cache. The sheet before is kept, for the step after.

constexpr int64_t SHEET_ROWS = 384;

// The stride of a sheet's rows is never a power of two, or the same column of all rows would fall into one set of the
// cache.
template <typename C>
struct BackwardRoom {
    int64_t most;            // rows of one sheet
    int64_t stride;          // floats from one of them to the next
    float* sheets[2];        // [most, KEPT * H] dgates: of the steps at hand, and of those after
    float* zeros;            // [KEPT * H] the dgates after a row's last step
    float* panel;            // [most, 4 vectors]
    const float** dgates;    // [most] the rows of the sheet at hand, and what belongs to them
    const float** x;         // [most]
    const float** h_before;  // [most]
    float** dx;              // [most]
    StepBack* steps;         // [rows of the thread]
    const float** after;     // [rows of the thread] dgates of the step after
    const float** dy;        // [rows of the thread]
    float** dh;              // [rows of the thread]
    int64_t bytes;

    BackwardRoom(const Backward& f, int thread, int threads, bool real = true) {
        const int64_t rows = (f.batch.B + threads - 1) / threads;
        most = rows > SHEET_ROWS ? rows : SHEET_ROWS;
        stride = up(C::KEPT * f.weights.H, 16) + 16;
        Carver carver{0};
        for (int pass = 0; pass < (real ? 2 : 1); ++pass) {
            if (pass) carver = {reinterpret_cast<uintptr_t>(f.scratch) + uintptr_t(thread * carver.bytes)};
            sheets[0] = carver.take<float>(most * stride);
            sheets[1] = carver.take<float>(most * stride);
            zeros = carver.take<float>(stride);
            panel = carver.take<float>(most * 4 * LANES);
            dgates = carver.take<const float*>(most);
            x = carver.take<const float*>(most);
            h_before = carver.take<const float*>(most);
            dx = carver.take<float*>(most);
            steps = carver.take<StepBack>(rows);
            after = carver.take<const float*>(rows);
            dy = carver.take<const float*>(rows);
            dh = carver.take<float*>(rows);
        }
        bytes = carver.bytes;
    }
};

template <typename C>
int64_t backward_scratch(const Backward& f, int threads) {
    return BackwardRoom<C>(f, 0, threads, false).bytes;
}

template <typename C>
struct BackwardTile {
    const StepBack* steps;
    const float* const* after;  // dgates of the step after, from H_PART on
    const float* const* dy;
    const float* panel;
    int64_t H, first_vector;
    const Panels& units;

    template <int R, int N>
    void run(int64_t first) const {
        Vec sum[R][N];
        multiply<R, N>(after + first, panel, C::GATES * H, sum);
        for (int v = 0; v < N; ++v) {
            const int64_t j = (first_vector + v) * LANES;
            const int n = units.lanes(first_vector + v);
            for (int r = 0; r < R; ++r) {
                const StepBack& s = steps[first + r];
                C::backward(sum[r][v] + load(dy[first + r] + j, n) + load(s.dh + j, n), s, j, n);
            }
        }
    }
};

INLINE float* own(const Sum& sum, int thread) { return thread ? sum.parts + (thread - 1) * sum.size : sum.total; }

// What a full sheet of `count` rows gives: dx, and its share of the weights' and biases' gradients.
template <typename C>
void spend(const Backward& f, const BackwardRoom<C>& room, int thread, int64_t count, bool add) {
    const int64_t H = f.weights.H, D = f.weights.D, G = C::GATES * H, kept = C::KEPT * H;
    const float** const dgates = room.dgates;
    if (f.dx) Product{dgates, room.dx, count, G, D, f.weights.ih_back, nullptr, false}.run();
    for (int64_t j = 0; j < kept; j += LANES) {  // a sheet's sum first: one long sum would lose a digit
        const int n = kept - j < LANES ? int(kept - j) : LANES;
        Vec sum{};
        for (int64_t i = 0; i < count; ++i) sum += load(dgates[i] + j, n);
        float* const db = own(f.dw[2], thread) + j;
        store(db, add ? load(db, n) + sum : sum, n);
    }
    Outer{dgates, room.x, count, G, D, own(f.dw[0], thread), room.panel, add}.run();
    for (int64_t i = 0; i < count; ++i) dgates[i] += C::H_PART * H;
    Outer{dgates, room.h_before, count, G, H, own(f.dw[1], thread), room.panel, add}.run();
}

template <typename C>
void backward(const Backward& f, int thread, int threads) {
    const Batch& batch = f.batch;
    const int64_t H = f.weights.H, D = f.weights.D, kept = C::KEPT * H;
    const Share share{thread, threads};
    BackwardRoom<C> room(f, thread, threads);
    StepBack* const steps = room.steps;
    for (int64_t j = 0; j < kept; ++j) room.zeros[j] = 0.0f;

    const Panels units(H);
    int64_t count = 0;
    bool spent = false;
    for (int64_t t = batch.T - 1; t >= 0; --t) {
        const int64_t alive = share.of(batch.alive[t]);
        const int64_t before = t + 1 < batch.T ? share.of(batch.alive[t + 1]) : 0;
        if (count + alive > room.most) {
            spend(f, room, thread, count, spent);
            count = 0, spent = true;
            float* const full = room.sheets[0];
            room.sheets[0] = room.sheets[1], room.sheets[1] = full;
        }
        for (int64_t i = 0; i < alive; ++i, ++count) {
            const int64_t rank = share.rank(i), row = batch.row[rank];
            const int64_t here = place(batch, f.y_at, rank, t), stored = batch.kept[t] + rank;
            room.after[i] = (i < before ? steps[i].dgates : room.zeros) + C::H_PART * H;
            room.dy[i] = f.dy + here * H;
            steps[i] = {H,
                        t ? f.y + place(batch, f.y_at, rank, t - 1) * H : f.h0 + row * H,
                        f.y + here * H,
                        !C::HAS_C ? nullptr : t ? f.cells + (batch.kept[t - 1] + rank) * H : f.c0 + row * H,
                        C::HAS_C ? f.cells + stored * H : nullptr,
                        C::KEEPS ? f.gates + stored * kept : nullptr,
                        f.dh + row * H,
                        C::HAS_C ? f.dc + row * H : nullptr,
                        room.sheets[0] + count * room.stride};
            room.dgates[count] = steps[i].dgates, room.h_before[count] = steps[i].h_before;
            room.x[count] = f.x + place(batch, f.x_at, rank, t) * D;
            room.dx[count] = f.dx ? f.dx + place(batch, f.x_at, rank, t) * D : nullptr;
        }
        for (int64_t p = 0; p < units.count; ++p) {
            const float* w = f.weights.hh_back + units.first(p) * C::GATES * H * LANES;
            in_tiles(units.width(p), alive, BackwardTile<C>{steps, room.after, room.dy, w, H, units.first(p), units});
        }
    }
    spend(f, room, thread, count, spent);

    const int64_t begun = batch.T ? share.of(batch.alive[0]) : 0;  // and one product more, to the given state
    for (int64_t i = 0; i < begun; ++i) {
        room.after[i] = steps[i].dgates + C::H_PART * H;
        room.dh[i] = steps[i].dh;
    }
    Product{room.after, room.dh, begun, C::GATES * H, H, f.weights.hh_back, nullptr, true}.run();
}
