// Compares the kernels with the equations in double, without Python: for sanitizers and emulated processors. Outputs
// are compared directly, and gradients by the derivative of a loss along a random direction. Prints a line for each
// instruction set and precision; exits with 1 if an error is too large. With --same, it checks that other numbers of
// threads, and two child processes at once, compute the same.

#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <vector>

#include "dispatch.h"
#include "memory.h"
#include "pool.h"

#if defined(__unix__) || defined(__APPLE__)
#include <sys/wait.h>
#include <unistd.h>
#endif

namespace anaphora {
namespace {

using Doubles = std::vector<double>;
using Floats = std::vector<float>;

struct Case {
    Cell cell;
    int64_t B, T, D, H;
    bool reverse;
    int threads;
    std::vector<int64_t> length;
};

Case make_case(Cell cell, int64_t B, int64_t T, int64_t D, int64_t H, bool reverse, int threads) {
    Case c{};
    c.cell = cell;
    c.B = B, c.T = T, c.D = D, c.H = H;
    c.reverse = reverse, c.threads = threads;
    return c;
}

// Everything that has a gradient.
struct Values {
    Doubles x, w_ih, w_hh, b_ih, b_hh, h0, c0;
    std::vector<Doubles*> all() { return {&x, &w_ih, &w_hh, &b_ih, &b_hh, &h0, &c0}; }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The sum of y and the last states, each number times a weight of its own. Writes y to `y`.
double loss(const Case& c, const Values& v, const Doubles& dy, const Doubles& dh, const Doubles& dc, Doubles& y) {
    const int64_t H = c.H, D = c.D, G = CELL_INFO[c.cell].gates * H;
    double sum = 0;
    Doubles gx(static_cast<size_t>(G)), gh(static_cast<size_t>(G));
    y.assign(size_t(c.B * c.T * H), 0);
    for (int64_t b = 0; b < c.B; ++b) {
        Doubles h(v.h0.begin() + b * H, v.h0.begin() + (b + 1) * H);
        Doubles s(v.c0.begin() + b * H, v.c0.begin() + (b + 1) * H);
        for (int64_t t = 0; t < c.length[size_t(b)]; ++t) {
            const int64_t position = b * c.T + (c.reverse ? c.length[size_t(b)] - 1 - t : t);
            for (int64_t g = 0; g < G; ++g) {
                gx[size_t(g)] = v.b_ih[size_t(g)], gh[size_t(g)] = v.b_hh[size_t(g)];
                for (int64_t d = 0; d < D; ++d)
                    gx[size_t(g)] += v.w_ih[size_t(g * D + d)] * v.x[size_t(position * D + d)];
                for (int64_t k = 0; k < H; ++k) gh[size_t(g)] += v.w_hh[size_t(g * H + k)] * h[size_t(k)];
            }
            for (int64_t j = 0; j < H; ++j) {
                const auto a = [&](int gate) { return gx[size_t(gate * H + j)] + gh[size_t(gate * H + j)]; };
                double& now = h[size_t(j)];
                if (c.cell == RNN_TANH) now = std::tanh(a(0));
                else if (c.cell == RNN_RELU) now = std::fmax(a(0), 0);
                else if (c.cell == LSTM) {
                    s[size_t(j)] = sigmoid(a(1)) * s[size_t(j)] + sigmoid(a(0)) * std::tanh(a(2));
                    now = sigmoid(a(3)) * std::tanh(s[size_t(j)]);
                } else if (c.cell == GRU) {
                    const double n = std::tanh(gx[size_t(2 * H + j)] + sigmoid(a(0)) * gh[size_t(2 * H + j)]);
                    now = n + sigmoid(a(1)) * (now - n);
                } else std::abort();  // a new cell needs its equation here
                y[size_t(position * H + j)] = now;
                sum += now * dy[size_t(position * H + j)];
            }
        }
        for (int64_t j = 0; j < H; ++j) {
            sum += h[size_t(j)] * dh[size_t(b * H + j)];
            if (CELL_INFO[c.cell].has_c) sum += s[size_t(j)] * dc[size_t(b * H + j)];
        }
    }
    return sum;
}

Floats floats(const Doubles& values) { return Floats(values.begin(), values.end()); }

template <typename Body>
void parallel(int threads, const Body& body) {
    const Task task = [](void* context, int thread, int count) { (*static_cast<const Body*>(context))(thread, count); };
    run(threads, task, const_cast<Body*>(&body));
}

// The largest error of the outputs, and the error of the derivative, both relative.
std::pair<double, double> check(const Kernels& all_kernels, Precision precision, const Case& c, unsigned seed) {
    const CellKernels& kernels = all_kernels.precisions[precision].cells[c.cell];
    const CellInfo& info = CELL_INFO[c.cell];
    const bool learns = kernels.backward;
    const int64_t H = c.H, D = c.D, G = info.gates * H, dgates = info.dgates * H, rows = c.B * c.T;
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    const auto draw = [&](int64_t n, double scale) {
        Doubles values(static_cast<size_t>(n));
        for (double& value : values) value = float(scale * normal(random));
        return values;
    };
    const double scale = 1 / std::sqrt(double(H));
    Values v{draw(rows * D, 1), draw(G * D, scale), draw(G * H, scale), draw(G, 1),
             draw(G, 1),        draw(c.B * H, 1),   draw(c.B * H, 1)};
    const Doubles dy = draw(rows * H, 1), dh = draw(c.B * H, 1), dc = draw(c.B * H, 1);
    Doubles expected, other;
    loss(c, v, dy, dh, dc, expected);

    // The batch, sorted by length.
    std::vector<int64_t> row, length, alive(size_t(c.T) + 1), kept_at(size_t(c.T) + 1), first, time;
    for (int64_t n = c.T; n >= 0; --n)
        for (int64_t b = 0; b < c.B; ++b)
            if (c.length[size_t(b)] == n) row.push_back(b), length.push_back(n);
    int64_t total = 0;
    for (int64_t t = 0; t < c.T; ++t) {
        for (const int64_t n : length) alive[size_t(t)] += n > t;
        kept_at[size_t(t)] = total, total += alive[size_t(t)], time.push_back(t);
    }
    for (int64_t b = 0; b < c.B; ++b) first.push_back(b * c.T);
    Batch batch{};
    batch.B = c.B, batch.T = c.T, batch.reverse = c.reverse;
    batch.row = row.data(), batch.length = length.data(), batch.alive = alive.data(), batch.kept = kept_at.data();

    const Floats x = floats(v.x), w_ih = floats(v.w_ih), w_hh = floats(v.w_hh), h0 = floats(v.h0), c0 = floats(v.c0);
    std::vector<Buffer<int32_t>> panels;
    for (const Packing which : {IH, HH, IH_BACK, HH_BACK}) {
        const bool back = which == IH_BACK || which == HH_BACK;
        panels.emplace_back(back && !learns ? 0 : kernels.packed_words(D, H, which));
        if (back && !learns) continue;
        const float* w = which == IH || which == IH_BACK ? w_ih.data() : w_hh.data();
        parallel(c.threads, [&](int thread, int count) {
            kernels.pack(D, H, which, w, panels[size_t(which)].get(), thread, count);
        });
    }
    const Floats b_ih = floats(v.b_ih), b_hh = floats(v.b_hh);
    Floats bias(static_cast<size_t>(kernels.bias_floats(H)));
    kernels.pack_bias(H, b_ih.data(), b_hh.data(), bias.data());
    Weights weights{};
    weights.D = D, weights.H = H;
    weights.ih = panels[IH].get(), weights.ih_back = panels[IH_BACK].get();
    weights.hh = panels[HH].get(), weights.hh_back = panels[HH_BACK].get();
    weights.bias = bias.data();

    Floats y(size_t(rows * H)), h_n(size_t(c.B * H)), c_n = c0;
    const Buffer<float> kept(rows * kernels.kept_floats(H));
    Forward f{};
    f.relu = info.relu, f.batch = batch, f.weights = weights, f.x = x.data();
    f.x_at.row = first.data(), f.x_at.time = time.data(), f.y_at = f.x_at;
    f.y = y.data(), f.h0 = h0.data(), f.h_n = h_n.data(), f.c_n = c_n.data();
    f.kept = info.keeps && learns ? kept.get() : nullptr;
    const Buffer<char> scratch(kernels.forward_scratch(f, c.threads) * c.threads);
    f.scratch = scratch.get();
    parallel(c.threads, [&](int thread, int count) { kernels.forward(f, thread, count); });

    double error = 0, largest = 0.1;
    for (size_t i = 0; i < y.size(); ++i)
        error = std::fmax(error, std::fabs(y[i] - expected[i])), largest = std::fmax(largest, std::fabs(expected[i]));

    if (!learns) return {error / largest, 0.0};

    Floats dh_f = floats(dh), dc_f = floats(dc), dy_f = floats(dy), dx(size_t(rows * D));
    Floats dw_ih(static_cast<size_t>(G * D)), dw_hh(static_cast<size_t>(G * H)), db(static_cast<size_t>(dgates));
    Floats db_ih(static_cast<size_t>(G)), db_hh(static_cast<size_t>(G));
    std::vector<Floats> parts = {Floats(dw_ih.size() * size_t(c.threads)), Floats(dw_hh.size() * size_t(c.threads)),
                                 Floats(db.size() * size_t(c.threads))};
    Backward g{};
    g.relu = info.relu, g.batch = batch, g.weights = weights, g.x = x.data(), g.x_at = g.y_at = f.x_at;
    g.y = y.data(), g.dy = dy_f.data(), g.h0 = h0.data(), g.c0 = c0.data();
    g.kept = kept.get();
    g.dh = dh_f.data(), g.dc = dc_f.data(), g.dx = dx.data();
    Floats* const totals[] = {&dw_ih, &dw_hh, &db};
    GradientSum* const sums[] = {&g.dw_ih, &g.dw_hh, &g.db};
    for (size_t i = 0; i < 3; ++i) {
        sums[i]->total = totals[i]->data(), sums[i]->parts = parts[i].data();
        sums[i]->size = int64_t(totals[i]->size());
    }
    const Buffer<char> scratch_back(kernels.backward_scratch(g, c.threads) * c.threads);
    g.scratch = scratch_back.get();
    parallel(c.threads, [&](int thread, int count) { kernels.backward(g, thread, count); });
    for (int i = 0; i < 3; ++i)
        for (int thread = 1; thread < c.threads; ++thread)
            for (size_t j = 0; j < totals[i]->size(); ++j)
                (*totals[i])[j] += parts[size_t(i)][size_t(thread - 1) * totals[i]->size() + j];

    // The derivative along a direction, from both sides in double, and from the kernels' gradients.
    kernels.bias_gradients(H, db.data(), db_ih.data(), db_hh.data());
    const auto doubles = [](const Floats& values) { return Doubles(values.begin(), values.end()); };
    const Doubles gradients[] = {doubles(dx),
                                 doubles(dw_ih),
                                 doubles(dw_hh),
                                 doubles(db_ih),
                                 doubles(db_hh),
                                 doubles(dh_f),
                                 info.has_c ? doubles(dc_f) : Doubles(size_t(c.B * H))};
    double along = 0, size = 1e-9;
    Values ahead = v, behind = v;
    const double step = 1e-5;
    for (size_t k = 0; k < 7; ++k)
        for (size_t i = 0; i < v.all()[k]->size(); ++i) {
            const double direction = normal(random);
            const double term = direction * gradients[k][i];
            along += term, size += std::fabs(term);
            (*ahead.all()[k])[i] += step * direction, (*behind.all()[k])[i] -= step * direction;
        }
    const double slope = (loss(c, ahead, dy, dh, dc, other) - loss(c, behind, dy, dh, dc, other)) / (2 * step);
    return {error / largest, std::fabs(along - slope) / size};
}

// The largest relative error of y = x W^T + bias.
double check_matrix(const PrecisionKernels& kernels, int64_t rows, int64_t K, int64_t columns, int threads) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    Floats x(size_t(rows * K)), w(size_t(columns * K)), bias(static_cast<size_t>(columns)), y(size_t(rows * columns));
    for (Floats* const values : {&x, &w, &bias})
        for (float& value : *values) value = normal(random);
    const Buffer<int32_t> matrix(kernels.matrix_words(K, columns));
    const Buffer<char> scratch(kernels.matrix_scratch(K) * threads);
    MatrixProduct f{};
    f.rows = rows, f.K = K, f.columns = columns;
    f.matrix = matrix.get(), f.bias = bias.data(), f.x = x.data(), f.y = y.data();
    f.scratch = scratch.get();
    parallel(threads,
             [&](int thread, int count) { kernels.pack_matrix(K, columns, w.data(), matrix.get(), thread, count); });
    parallel(threads, [&](int thread, int count) { kernels.matrix_product(f, thread, count); });
    double error = 0, largest = 0;
    for (int64_t i = 0; i < rows * columns; ++i) {
        double expected = bias[size_t(i % columns)];
        for (int64_t k = 0; k < K; ++k)
            expected += double(x[size_t(i / columns * K + k)]) * w[size_t(i % columns * K + k)];
        const double difference = std::fabs(y[size_t(i)] - expected);
        if (!(difference <= error)) error = difference;  // NaN stays
        largest = std::fmax(largest, std::fabs(expected));
    }
    return error / largest;
}

double largest_error(const Floats& values, const Doubles& expected, double times = 1) {
    double error = 0, largest = 1e-9;
    for (size_t i = 0; i < values.size(); ++i) {
        const double difference = std::fabs(values[i] - times * expected[i]);
        if (!(difference <= error)) error = difference;  // NaN stays
        largest = std::fmax(largest, std::fabs(times * expected[i]));
    }
    return error / largest;
}

// The largest errors of the log-probabilities, and of the gradients, relative to the largest number of each.
std::pair<double, double> check_loss(const PrecisionKernels& kernels, bool exact, int64_t rows, int64_t K,
                                     int64_t columns, int threads) {
    const bool learns = kernels.loss_columns;
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    Floats x(size_t(rows * K)), w(size_t(columns * K)), bias(static_cast<size_t>(columns));
    Floats result(size_t(2 * rows));
    for (Floats* const values : {&x, &w, &bias})
        for (float& value : *values) value = normal(random) / (values == &w ? std::sqrt(float(K)) : 1.0f);
    std::vector<int64_t> targets;
    for (int64_t i = 0; i < rows; ++i) targets.push_back(int64_t(random() % unsigned(columns)));
    Floats dx(x.size()), dw(w.size()), db(bias.size()), log_probability(static_cast<size_t>(rows));
    const Buffer<int32_t> matrix(kernels.matrix_words(K, columns)), back(learns ? kernels.back_words(K, columns) : 0);
    CrossEntropy f{};
    f.rows = rows, f.K = K, f.columns = columns, f.matrix = matrix.get(), f.back = back.get(), f.bias = bias.data();
    f.x = x.data(), f.targets = targets.data(), f.share = 0.5f, f.result = result.data();
    if (learns) f.dx = dx.data(), f.dw = dw.data(), f.db = db.data();
    const Buffer<char> chunk(learns ? kernels.loss_chunk(f) : 0), scratch(kernels.loss_scratch(f) * threads);
    f.chunk = chunk.get(), f.scratch = scratch.get();
    parallel(threads, [&](int thread, int count) {
        kernels.pack_matrix(K, columns, w.data(), matrix.get(), thread, count);
        if (learns) kernels.pack_back(K, columns, w.data(), back.get(), thread, count);
    });
    for (const bool add : {false, true}) {
        f.add = add;
        parallel(threads, [&](int thread, int count) { kernels.loss_rows(f, thread, count); });
        if (learns) parallel(threads, [&](int thread, int count) { kernels.loss_columns(f, thread, count); });
    }

    Doubles dx_exact(x.size()), dw_exact(w.size()), db_exact(bias.size()), scores(static_cast<size_t>(columns));
    Doubles log_exact;
    bool hits = true;
    for (int64_t i = 0; i < rows; ++i) {
        const size_t target = size_t(targets[size_t(i)]);
        double sum = 0, highest = -INFINITY;
        for (int64_t j = 0; j < columns; ++j) {
            double& score = scores[size_t(j)];
            score = bias[size_t(j)];
            for (int64_t k = 0; k < K; ++k) score += double(x[size_t(i * K + k)]) * w[size_t(j * K + k)];
            sum += std::exp(score), highest = std::fmax(highest, score);
        }
        for (int64_t j = 0; j < columns; ++j) {
            const double d = f.share * (std::exp(scores[size_t(j)]) / sum - (size_t(j) == target));
            db_exact[size_t(j)] += d;
            for (int64_t k = 0; k < K; ++k) {
                dx_exact[size_t(i * K + k)] += d * w[size_t(j * K + k)];
                dw_exact[size_t(j * K + k)] += d * x[size_t(i * K + k)];
            }
        }
        log_probability[size_t(i)] = result[size_t(2 * i)], log_exact.push_back(scores[target] - std::log(sum));
        hits = hits && (!exact || (result[size_t(2 * i + 1)] == 1) == (scores[target] == highest));
    }
    const double output = hits ? largest_error(log_probability, log_exact) : INFINITY;
    if (!learns) return {output, 0};
    const double errors[] = {largest_error(dx, dx_exact), largest_error(dw, dw_exact, 2),
                             largest_error(db, db_exact, 2)};
    return {output, std::fmax(std::fmax(errors[0], errors[1]), errors[2])};
}

#if defined(__unix__) || defined(__APPLE__)
bool check_same() {
    Case c = make_case(LSTM, 37, 9, 20, 40, false, 2);
    for (int64_t b = 0; b < c.B; ++b) c.length.push_back(b % (c.T + 1));
    bool good = true;
    for (const Kernels* kernels : available())
        for (const Precision precision : {FLOAT32, BFLOAT16, INT8}) {
            const auto expected = check(*kernels, precision, c, 1);
            for (const int threads : {1, 9}) {
                Case other = c;
                other.threads = threads;
                if (check(*kernels, precision, other, 1).first == expected.first) continue;
                std::printf("%s: %d threads compute something else\n", kernels->name, threads);
                good = false;
            }
            pid_t children[2];
            for (pid_t& child : children)
                if ((child = fork()) == 0) _exit(check(*kernels, precision, c, 1) == expected ? 0 : 1);
            for (const pid_t child : children) {
                int status = 1;
                if (waitpid(child, &status, 0) == child && status == 0) continue;
                std::printf("%s: a child computes something else\n", kernels->name);
                good = false;
            }
        }
    return good;
}
#endif

// h[t] = a[t] h[t - 1] + b[t] and its gradients: the largest error of each, relative to the largest number.
std::pair<double, double> check_scan(const Kernels& kernels, int64_t B, int64_t T, int64_t H, bool reverse,
                                     int threads) {
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    const auto draw = [&](int64_t n) {
        Floats values(static_cast<size_t>(n));
        for (float& value : values) value = normal(random);
        return values;
    };
    std::vector<int64_t> row, length;
    for (int64_t b = B - 1; b >= 0; --b) row.push_back(b), length.push_back(B > 1 ? T * b / (B - 1) : T);
    const Floats a = draw(B * T * H), b = draw(B * T * H), h0 = draw(B * H), dy = draw(B * T * H), dh_n = draw(B * H);
    Floats y(a.size()), h_n(h0.size()), da(a.size()), db(a.size()), dh0(h0.size());
    LinearScan f{};
    f.batch.B = B, f.batch.row = row.data(), f.batch.length = length.data(), f.batch.reverse = reverse;
    f.T = T, f.H = H;
    f.a = a.data(), f.b = b.data(), f.h0 = h0.data(), f.y = y.data(), f.h_n = h_n.data();
    LinearScanBackward g{};
    g.batch = f.batch, g.T = T, g.H = H;
    g.a = a.data(), g.h0 = h0.data(), g.y = y.data(), g.dy = dy.data(), g.dh_n = dh_n.data();
    g.da = da.data(), g.db = db.data(), g.dh0 = dh0.data();
    parallel(threads, [&](int thread, int count) { kernels.linear_scan(f, thread, count); });
    parallel(threads, [&](int thread, int count) { kernels.linear_scan_backward(g, thread, count); });

    Doubles y_exact(y.size()), h_n_exact(h_n.size()), da_exact(da.size()), db_exact(db.size()), dh0_exact(dh0.size());
    for (int64_t rank = 0; rank < B; ++rank)
        for (int64_t j = 0; j < H; ++j) {
            const int64_t steps = length[size_t(rank)], state = row[size_t(rank)] * H + j;
            const auto at = [&](int64_t t) {
                return size_t((row[size_t(rank)] * T + (reverse ? steps - 1 - t : t)) * H + j);
            };
            double h = h0[size_t(state)], dh = dh_n[size_t(state)];
            for (int64_t t = 0; t < steps; ++t) y_exact[at(t)] = h = a[at(t)] * h + b[at(t)];
            h_n_exact[size_t(state)] = h;
            for (int64_t t = steps - 1; t >= 0; --t) {
                dh += dy[at(t)];
                da_exact[at(t)] = dh * (t ? y_exact[at(t - 1)] : double(h0[size_t(state)]));
                db_exact[at(t)] = dh;
                dh *= a[at(t)];
            }
            dh0_exact[size_t(state)] = dh;
        }
    return {
        std::fmax(largest_error(y, y_exact), largest_error(h_n, h_n_exact)),
        std::fmax(std::fmax(largest_error(da, da_exact), largest_error(db, db_exact)), largest_error(dh0, dh0_exact))};
}

int check_all() {
    const int64_t sizes[][4] = {{1, 1, 1, 1}, {3, 4, 5, 15}, {7, 9, 3, 17},  {33, 3, 20, 16}, {2, 5, 70, 33},
                                {0, 3, 4, 5}, {4, 0, 4, 5},  {5, 12, 9, 64}, {13, 30, 6, 8}};
    const double tolerances[PRECISIONS] = {1e-5, 3e-2, 6e-2};
    bool good = true;
    for (const Kernels* kernels : available()) {
        for (const auto& [B, T, H] : {std::array<int64_t, 3>{1, 7, 1}, {3, 5, 13}, {2, 4, 40}, {5, 3, 16}, {3, 0, 4}})
            for (const bool reverse : {false, true})
                for (const int threads : {1, 2, 9}) {
                    const auto [output, gradient] = check_scan(*kernels, B, T, H, reverse, threads);
                    const bool right = output < tolerances[FLOAT32] && gradient < tolerances[FLOAT32];
                    if (!right)
                        std::printf("%s: linear scan of [%d, %d, %d], %d threads: %.1e %.1e\n", kernels->name, int(B),
                                    int(T), int(H), threads, output, gradient);
                    good = good && right;
                }
        for (int precision = 0; precision < PRECISIONS; ++precision) {
            const PrecisionKernels& matrices = kernels->precisions[precision];
            const double tolerance = tolerances[precision];
            double outputs = 0, gradients = 0;
            unsigned seed = 0;
            for (int cell = 0; cell < CELLS; ++cell)
                for (const auto& [B, T, D, H] : sizes)
                    for (const bool reverse : {false, true})
                        for (const bool ragged : {false, true})
                            for (const int threads : {1, 2}) {
                                if (threads > 1 && B < 2) continue;
                                std::mt19937 random(++seed);
                                Case c = make_case(Cell(cell), B, T, D, H, reverse, threads);
                                for (int64_t b = 0; b < B; ++b)
                                    c.length.push_back(ragged ? int64_t(random() % unsigned(T + 1)) : T);
                                const auto [output, gradient] = check(*kernels, Precision(precision), c, seed);
                                // The finite difference may straddle a corner of relu.
                                const double corners = CELL_INFO[cell].relu ? 1e-3 : 0;
                                const bool right = output < tolerance && gradient < std::fmax(tolerance, corners);
                                if (!right)
                                    std::printf("%s %s: %s B%d T%d D%d H%d %s %s %d threads: %.1e %.1e\n",
                                                kernels->name, PRECISION_NAMES[precision], CELL_INFO[cell].name, int(B),
                                                int(T), int(D), int(H), reverse ? "reverse" : "forward",
                                                ragged ? "ragged" : "full", threads, output, gradient);
                                good = good && right;
                                outputs = std::fmax(outputs, output), gradients = std::fmax(gradients, gradient);
                            }
            for (const auto& [rows, K, columns] :
                 {std::array<int64_t, 3>{1, 1, 1}, {1, 40, 65}, {7, 33, 17}, {70, 300, 50}})
                for (const int threads : {1, 3}) {
                    const double error = check_matrix(matrices, rows, K, columns, threads);
                    if (!(error < tolerance))
                        std::printf("%s %s: [%d, %d] times [%d, %d]: %.1e\n", kernels->name, PRECISION_NAMES[precision],
                                    int(rows), int(K), int(K), int(columns), error);
                    good = good && error < tolerance, outputs = std::fmax(outputs, error);
                }
            for (const auto& [rows, K, columns] :
                 {std::array<int64_t, 3>{1, 1, 1}, {7, 33, 17}, {130, 20, 300}, {37, 70, 2100}})
                for (const int threads : {1, 3}) {
                    const auto [output, gradient] =
                        check_loss(matrices, precision == FLOAT32, rows, K, columns, threads);
                    const bool right = output < tolerance && gradient < tolerance;
                    if (!right)
                        std::printf("%s %s: loss of [%d, %d] over %d, %d threads: %.1e %.1e\n", kernels->name,
                                    PRECISION_NAMES[precision], int(rows), int(K), int(columns), threads, output,
                                    gradient);
                    good = good && right;
                    outputs = std::fmax(outputs, output), gradients = std::fmax(gradients, gradient);
                }
            std::printf("%s: %s outputs within %.1e, gradients within %.1e\n", kernels->name,
                        PRECISION_NAMES[precision], outputs, gradients);
        }
    }
    return good ? 0 : 1;
}

}  // namespace
}  // namespace anaphora

int main([[maybe_unused]] int count, [[maybe_unused]] char** arguments) {
#if defined(__unix__) || defined(__APPLE__)
    if (count > 1 && std::string(arguments[1]) == "--same") return anaphora::check_same() ? 0 : 1;
#endif
    return anaphora::check_all();
}
