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

template <typename C>
int64_t forward_scratch(const Forward& f, int threads) {
    const int64_t rows = (f.batch.B + threads - 1) / threads, kept = C::KEPT * f.weights.H;
    const int64_t sheet = f.gates ? 0 : (SHEET > rows * kept ? SHEET : rows * kept);
    const int64_t most = (SHEET / kept > rows ? SHEET / kept : rows);  // rows of one sheet
    return up(sheet * int64_t(sizeof(float)), 64) + up(most * 2 * int64_t(sizeof(void*)), 64) +
           up(rows * int64_t(sizeof(Step) + sizeof(void*)), 64);
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
    const int64_t rows = (batch.B + threads - 1) / threads, most = SHEET / kept > rows ? SHEET / kept : rows;

    char* scratch = static_cast<char*>(f.scratch) + thread * forward_scratch<C>(f, threads);
    float* sheet = reinterpret_cast<float*>(scratch);
    if (!f.gates) scratch += up((SHEET > rows * kept ? SHEET : rows * kept) * sizeof(float), 64);
    const float** from = reinterpret_cast<const float**>(scratch);
    float** to = const_cast<float**>(from + most);
    scratch += up(most * 2 * sizeof(void*), 64);
    Step* steps = reinterpret_cast<Step*>(scratch);
    const float** h_before = reinterpret_cast<const float**>(steps + rows);

    for (int64_t i = 0; i < share.of(batch.B); ++i) {  // empty rows end where they begin
        const int64_t row = batch.row[share.rank(i)];
        if (batch.length[share.rank(i)] == 0)
            for (int64_t j = 0; j < H; ++j) f.h_n[row * H + j] = f.h0[row * H + j];
    }
    for (int64_t t0 = 0, t1; t0 < batch.T; t0 = t1) {
        int64_t count = 0;
        for (t1 = t0; t1 < batch.T; ++t1) {  // as many steps as fit the sheet
            const int64_t alive = share.of(batch.alive[t1]);
            if (alive == 0 || (count && count + alive > most)) break;
            for (int64_t i = 0; i < alive; ++i, ++count) {
                const int64_t rank = share.rank(i);
                from[count] = f.x + place(batch, f.x_at, rank, t1) * D;
                to[count] = f.gates ? f.gates + (batch.kept[t1] + rank) * kept : sheet + count * kept;
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

constexpr int64_t sheet_rows(int64_t rows) { return rows > SHEET_ROWS ? rows : SHEET_ROWS; }

// Floats from one row of a sheet to the next: never a power of two, or the same column of all rows would fall into one
// set of the cache.
constexpr int64_t sheet_stride(int64_t kept) { return up(kept, 16) + 16; }

template <typename C>
int64_t backward_scratch(const Backward& f, int threads) {
    const int64_t rows = (f.batch.B + threads - 1) / threads, most = sheet_rows(rows), stride = sheet_stride(C::KEPT * f.weights.H);
    return up((2 * most + 1) * stride * int64_t(sizeof(float)), 64) + most * 4 * int64_t(sizeof(Vec)) +
           up(most * 4 * int64_t(sizeof(void*)), 64) + up(rows * int64_t(sizeof(StepBack) + 2 * sizeof(void*)), 64);
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

// What a full sheet gives: dx, and its share of the weights' and biases' gradients.
template <typename C>
void spend(const Backward& f, int thread, int64_t count, const float** dgates, const float** x, const float** h_before,
           float* const* dx, float* panel, bool add) {
    const int64_t H = f.weights.H, D = f.weights.D, G = C::GATES * H, kept = C::KEPT * H;
    if (f.dx) Product{dgates, dx, count, G, D, f.weights.ih_back, nullptr, false}.run();
    for (int64_t j = 0; j < kept; j += LANES) {  // a sheet's sum first: one long sum would lose a digit
        const int n = kept - j < LANES ? int(kept - j) : LANES;
        Vec sum{};
        for (int64_t i = 0; i < count; ++i) sum += load(dgates[i] + j, n);
        float* const db = own(f.dw[2], thread) + j;
        store(db, add ? load(db, n) + sum : sum, n);
    }
    Outer{dgates, x, count, G, D, own(f.dw[0], thread), panel, add}.run();
    for (int64_t i = 0; i < count; ++i) dgates[i] += C::H_PART * H;
    Outer{dgates, h_before, count, G, H, own(f.dw[1], thread), panel, add}.run();
}

template <typename C>
void backward(const Backward& f, int thread, int threads) {
    const Batch& batch = f.batch;
    const int64_t H = f.weights.H, D = f.weights.D, kept = C::KEPT * H;
    const Share share{thread, threads};
    const int64_t rows = (batch.B + threads - 1) / threads, most = sheet_rows(rows), stride = sheet_stride(kept);

    char* scratch = static_cast<char*>(f.scratch) + thread * backward_scratch<C>(f, threads);
    float* sheets[2] = {reinterpret_cast<float*>(scratch), reinterpret_cast<float*>(scratch) + most * stride};
    float* zeros = sheets[1] + most * stride;
    scratch += up((2 * most + 1) * stride * sizeof(float), 64);
    float* panel = reinterpret_cast<float*>(scratch);
    scratch += most * 4 * sizeof(Vec);
    const float** dgates = reinterpret_cast<const float**>(scratch);
    const float **x = dgates + most, **h_before = x + most;
    float** dx = const_cast<float**>(h_before + most);
    scratch += up(most * 4 * sizeof(void*), 64);
    StepBack* steps = reinterpret_cast<StepBack*>(scratch);
    const float** after = reinterpret_cast<const float**>(steps + rows);
    const float** dy = after + rows;
    for (int64_t j = 0; j < kept; ++j) zeros[j] = 0.0f;

    const Panels units(H);
    int64_t count = 0;
    bool spent = false;
    for (int64_t t = batch.T - 1; t >= 0; --t) {
        const int64_t alive = share.of(batch.alive[t]);
        const int64_t before = t + 1 < batch.T ? share.of(batch.alive[t + 1]) : 0;
        if (count + alive > most) {
            spend<C>(f, thread, count, dgates, x, h_before, dx, panel, spent);
            count = 0, spent = true;
            float* const full = sheets[0];
            sheets[0] = sheets[1], sheets[1] = full;
        }
        for (int64_t i = 0; i < alive; ++i, ++count) {
            const int64_t rank = share.rank(i), row = batch.row[rank];
            const int64_t here = place(batch, f.y_at, rank, t), stored = batch.kept[t] + rank;
            after[i] = (i < before ? steps[i].dgates : zeros) + C::H_PART * H;
            dy[i] = f.dy + here * H;
            steps[i] = {H,
                        t ? f.y + place(batch, f.y_at, rank, t - 1) * H : f.h0 + row * H,
                        f.y + here * H,
                        !C::HAS_C ? nullptr : t ? f.cells + (batch.kept[t - 1] + rank) * H : f.c0 + row * H,
                        C::HAS_C ? f.cells + stored * H : nullptr,
                        C::KEEPS ? f.gates + stored * kept : nullptr,
                        f.dh + row * H,
                        C::HAS_C ? f.dc + row * H : nullptr,
                        sheets[0] + count * stride};
            dgates[count] = steps[i].dgates, h_before[count] = steps[i].h_before;
            x[count] = f.x + place(batch, f.x_at, rank, t) * D;
            dx[count] = f.dx ? f.dx + place(batch, f.x_at, rank, t) * D : nullptr;
        }
        for (int64_t p = 0; p < units.count; ++p) {
            const float* w = f.weights.hh_back + units.first(p) * C::GATES * H * LANES;
            in_tiles(units.width(p), alive, BackwardTile<C>{steps, after, dy, w, H, units.first(p), units});
        }
    }
    spend<C>(f, thread, count, dgates, x, h_before, dx, panel, spent);

    const int64_t begun = batch.T ? share.of(batch.alive[0]) : 0;  // and one product more, to the given state
    float** dh = dx;
    for (int64_t i = 0; i < begun; ++i) {
        after[i] = steps[i].dgates + C::H_PART * H;
        dh[i] = steps[i].dh;
    }
    Product{after, dh, begun, C::GATES * H, H, f.weights.hh_back, nullptr, true}.run();
}
