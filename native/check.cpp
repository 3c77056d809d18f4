// The kernels against the equations in double, without Python: for sanitizers, and for processors that are emulated.
// Outputs are compared; gradients are, by the derivative of a loss along a random direction.
// Prints a line an instruction set and precision; exits with 1 where an error is too large. With --same, whether
// other numbers of threads, and two children at once, compute what a process has.

#include <array>
#include <cmath>
#include <cstdio>
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

// Everything that a gradient is taken of.
struct Values {
    Doubles x, w_ih, w_hh, b_ih, b_hh, h0, c0;
    std::vector<Doubles*> all() { return {&x, &w_ih, &w_hh, &b_ih, &b_hh, &h0, &c0}; }
};

double sigmoid(double x) { return 1 / (1 + std::exp(-x)); }

// The sum of y and the last states, each number times its own weight; y is left in `y`.
double loss(const Case& c, const Values& v, const Doubles& dy, const Doubles& dh, const Doubles& dc, Doubles& y) {
    const int64_t H = c.H, D = c.D, G = GATES_OF[c.cell] * H;
    double sum = 0;
    Doubles gx(static_cast<size_t>(G)), gh(static_cast<size_t>(G));
    y.assign(size_t(c.B * c.T * H), 0);
    for (int64_t b = 0; b < c.B; ++b) {
        Doubles h(v.h0.begin() + b * H, v.h0.begin() + (b + 1) * H);
        Doubles s(v.c0.begin() + b * H, v.c0.begin() + (b + 1) * H);
        for (int64_t t = 0; t < c.length[size_t(b)]; ++t) {
            const int64_t place = b * c.T + (c.reverse ? c.length[size_t(b)] - 1 - t : t);
            for (int64_t g = 0; g < G; ++g) {
                gx[size_t(g)] = v.b_ih[size_t(g)], gh[size_t(g)] = v.b_hh[size_t(g)];
                for (int64_t d = 0; d < D; ++d) gx[size_t(g)] += v.w_ih[size_t(g * D + d)] * v.x[size_t(place * D + d)];
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
                } else {
                    const double n = std::tanh(gx[size_t(2 * H + j)] + sigmoid(a(0)) * gh[size_t(2 * H + j)]);
                    now = n + sigmoid(a(1)) * (now - n);
                }
                y[size_t(place * H + j)] = now;
                sum += now * dy[size_t(place * H + j)];
            }
        }
        for (int64_t j = 0; j < H; ++j) {
            sum += h[size_t(j)] * dh[size_t(b * H + j)];
            if (c.cell == LSTM) sum += s[size_t(j)] * dc[size_t(b * H + j)];
        }
    }
    return sum;
}

Floats single(const Doubles& values) { return Floats(values.begin(), values.end()); }

template <typename Body>
void parallel(int threads, const Body& body) {
    run(threads, [](void* context, int thread, int all) { (*static_cast<const Body*>(context))(thread, all); },
        const_cast<Body*>(&body));
}

// The largest error of the outputs, and the error of the derivative, both relative.
std::pair<double, double> check(const Kernels& kernels, Precision precision, const Case& c, unsigned seed) {
    const Kind& kind = kernels.kinds[precision];
    const bool learns = precision != BYTE;
    const int64_t H = c.H, D = c.D, G = GATES_OF[c.cell] * H, kept = KEPT_OF[c.cell] * H, rows = c.B * c.T;
    std::mt19937 random(seed);
    std::normal_distribution<double> normal;
    const auto draw = [&](int64_t n, double scale) {
        Doubles values(static_cast<size_t>(n));
        for (double& value : values) value = float(scale * normal(random));
        return values;
    };
    const double scale = 1 / std::sqrt(double(H));
    Values v{draw(rows * D, 1), draw(G * D, scale), draw(G * H, scale), draw(G, 1), draw(G, 1), draw(c.B * H, 1),
             draw(c.B * H, 1)};
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
    const Batch batch{c.B, c.T, row.data(), length.data(), alive.data(), kept_at.data(), c.reverse};

    const Floats x = single(v.x), w_ih = single(v.w_ih), w_hh = single(v.w_hh), h0 = single(v.h0), c0 = single(v.c0);
    std::vector<Room<int32_t>> panels;
    for (int which = IH; which <= (learns ? HH_BACK : HH); ++which) {
        panels.emplace_back(kind.packed_words(c.cell, D, H, which));
        const float* w = which == IH || which == IH_BACK ? w_ih.data() : w_hh.data();
        parallel(c.threads, [&](int thread, int all) {
            kind.pack(c.cell, D, H, which, w, panels[size_t(which)].get(), thread, all);
        });
    }
    const Floats b_ih = single(v.b_ih), b_hh = single(v.b_hh);
    Floats bias(static_cast<size_t>(kernels.bias_floats(c.cell, H)));
    kernels.pack_bias(c.cell, H, b_ih.data(), b_hh.data(), bias.data());
    const Weights weights{D, H, panels[IH].get(), panels[HH].get(), bias.data(),
                          learns ? panels[IH_BACK].get() : nullptr, learns ? panels[HH_BACK].get() : nullptr};

    Floats y(size_t(rows * H)), h_n(size_t(c.B * H)), c_n = c0;
    const Room<float> for_back(rows * kind.kept_floats(c.cell, H));
    Forward f{};
    f.relu = c.cell == RNN_RELU, f.batch = batch, f.weights = weights, f.x = x.data(), f.x_at = f.y_at = {first.data(), time.data()};
    f.y = y.data(), f.h0 = h0.data(), f.h_n = h_n.data(), f.c_n = c_n.data();
    f.kept = KEEPS[c.cell] && learns ? for_back.get() : nullptr;
    const Room<char> scratch(kind.forward_scratch(c.cell, f, c.threads) * c.threads);
    f.scratch = scratch.get();
    parallel(c.threads, [&](int thread, int all) { kind.forward(c.cell, f, thread, all); });

    double error = 0, largest = 0.1;
    for (size_t i = 0; i < y.size(); ++i)
        error = std::fmax(error, std::fabs(y[i] - expected[i])), largest = std::fmax(largest, std::fabs(expected[i]));

    if (!learns) return {error / largest, 0.0};

    Floats dh_f = single(dh), dc_f = single(dc), dy_f = single(dy), dx(size_t(rows * D));
    Floats dw_ih(static_cast<size_t>(G * D)), dw_hh(static_cast<size_t>(G * H)), db(static_cast<size_t>(kept));
    std::vector<Floats> parts = {Floats(dw_ih.size() * size_t(c.threads)), Floats(dw_hh.size() * size_t(c.threads)),
                                 Floats(db.size() * size_t(c.threads))};
    Backward g{};
    g.relu = c.cell == RNN_RELU, g.batch = batch, g.weights = weights, g.x = x.data(), g.x_at = g.y_at = f.x_at;
    g.y = y.data(), g.dy = dy_f.data(), g.h0 = h0.data(), g.c0 = c0.data();
    g.kept = for_back.get();
    g.dh = dh_f.data(), g.dc = dc_f.data(), g.dx = dx.data();
    Floats* const totals[] = {&dw_ih, &dw_hh, &db};
    for (int i = 0; i < 3; ++i) g.dw[i] = {totals[i]->data(), parts[size_t(i)].data(), int64_t(totals[i]->size())};
    const Room<char> room(kind.backward_scratch(c.cell, g, c.threads) * c.threads);
    g.scratch = room.get();
    parallel(c.threads, [&](int thread, int all) { kind.backward(c.cell, g, thread, all); });
    for (int i = 0; i < 3; ++i)
        for (int thread = 1; thread < c.threads; ++thread)
            for (size_t j = 0; j < totals[i]->size(); ++j)
                (*totals[i])[j] += parts[size_t(i)][size_t(thread - 1) * totals[i]->size() + j];

    // The derivative along a direction, from both sides in double, and from the kernels' gradients.
    Doubles db_ih(static_cast<size_t>(G)), db_hh(static_cast<size_t>(G)), dw(static_cast<size_t>(G * D));
    const int64_t source[] = {1, 2, 0};  // where r, z and n stand among a GRU's kept n r z
    for (int64_t i = 0; i < G; ++i) {
        const int64_t from = c.cell == GRU ? source[i / H] * H + i % H : i;
        db_ih[size_t(i)] = db[size_t(from)], db_hh[size_t(i)] = db[size_t(kept - G + i)];
        for (int64_t d = 0; d < D; ++d) dw[size_t(i * D + d)] = dw_ih[size_t(from * D + d)];
    }
    const auto doubles = [](const Floats& values) { return Doubles(values.begin(), values.end()); };
    const Doubles gradients[] = {doubles(dx), dw, doubles(dw_hh), db_ih, db_hh, doubles(dh_f),
                                 c.cell == LSTM ? doubles(dc_f) : Doubles(size_t(c.B * H))};
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
double check_matrix(const Kernels& kernels, Precision precision, int64_t rows, int64_t K, int64_t columns, int threads) {
    const Kind& kind = kernels.kinds[precision];
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    Floats x(size_t(rows * K)), w(size_t(columns * K)), bias(static_cast<size_t>(columns)), y(size_t(rows * columns));
    for (Floats* const values : {&x, &w, &bias})
        for (float& value : *values) value = normal(random);
    const Room<int32_t> matrix(kind.matrix_words(K, columns));
    const Room<char> scratch(kind.matrix_scratch(K) * threads);
    const MatrixProduct f{rows, K, columns, matrix.get(), bias.data(), x.data(), y.data(), scratch.get()};
    parallel(threads, [&](int thread, int all) { kind.pack_matrix(K, columns, w.data(), matrix.get(), thread, all); });
    parallel(threads, [&](int thread, int all) { kind.matrix_product(f, thread, all); });
    double error = 0, largest = 0;
    for (int64_t i = 0; i < rows * columns; ++i) {
        double expected = bias[size_t(i % columns)];
        for (int64_t k = 0; k < K; ++k) expected += double(x[size_t(i / columns * K + k)]) * w[size_t(i % columns * K + k)];
        const double own = std::fabs(y[size_t(i)] - expected);
        if (!(own <= error)) error = own;  // what is no number stays
        largest = std::fmax(largest, std::fabs(expected));
    }
    return error / largest;
}

double largest_error(const Floats& values, const Doubles& expected, double times = 1) {
    double error = 0, largest = 1e-9;
    for (size_t i = 0; i < values.size(); ++i) {
        const double own = std::fabs(values[i] - times * expected[i]);
        if (!(own <= error)) error = own;  // what is no number stays
        largest = std::fmax(largest, std::fabs(times * expected[i]));
    }
    return error / largest;
}

// The largest error of what the loss of rows finds, and of its gradients, relative to the largest number of each.
std::pair<double, double> check_loss(const Kernels& kernels, Precision precision, int64_t rows, int64_t K,
                                     int64_t columns, int threads) {
    const Kind& kind = kernels.kinds[precision];
    const bool learns = precision != BYTE;
    std::mt19937 random(7);
    std::normal_distribution<float> normal;
    Floats x(size_t(rows * K)), w(size_t(columns * K)), bias(static_cast<size_t>(columns)), found(size_t(2 * rows));
    for (Floats* const values : {&x, &w, &bias})
        for (float& value : *values) value = normal(random) / (values == &w ? std::sqrt(float(K)) : 1.0f);
    std::vector<int64_t> targets;
    for (int64_t i = 0; i < rows; ++i) targets.push_back(int64_t(random() % unsigned(columns)));
    Floats dx(x.size()), dw(w.size()), db(bias.size()), likely(static_cast<size_t>(rows));
    const Room<int32_t> matrix(kind.matrix_words(K, columns)), back(kind.back_words(K, columns));
    CrossEntropy f{};
    f.rows = rows, f.K = K, f.columns = columns, f.matrix = matrix.get(), f.back = back.get(), f.bias = bias.data();
    f.x = x.data(), f.targets = targets.data(), f.share = 0.5f, f.found = found.data();
    if (learns) f.dx = dx.data(), f.dw = dw.data(), f.db = db.data();
    const Room<char> sheet(learns ? kind.loss_sheet(f) : 0), scratch(kind.loss_scratch(f) * threads);
    f.sheet = sheet.get(), f.scratch = scratch.get();
    parallel(threads, [&](int thread, int all) {
        kind.pack_matrix(K, columns, w.data(), matrix.get(), thread, all);
        if (learns) kind.pack_back(K, columns, w.data(), back.get(), thread, all);
    });
    for (const bool add : {false, true}) {
        f.add = add;
        parallel(threads, [&](int thread, int all) { kind.loss_rows(f, thread, all); });
        if (learns) parallel(threads, [&](int thread, int all) { kind.loss_columns(f, thread, all); });
    }

    Doubles dx_then(x.size()), dw_then(w.size()), db_then(bias.size()), scores(static_cast<size_t>(columns)), likely_then;
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
            db_then[size_t(j)] += d;
            for (int64_t k = 0; k < K; ++k) {
                dx_then[size_t(i * K + k)] += d * w[size_t(j * K + k)];
                dw_then[size_t(j * K + k)] += d * x[size_t(i * K + k)];
            }
        }
        likely[size_t(i)] = found[size_t(2 * i)], likely_then.push_back(scores[target] - std::log(sum));
        hits = hits && (precision != SINGLE || (found[size_t(2 * i + 1)] == 1) == (scores[target] == highest));
    }
    const double output = hits ? largest_error(likely, likely_then) : INFINITY;
    if (!learns) return {output, 0};
    const double errors[] = {largest_error(dx, dx_then), largest_error(dw, dw_then, 2), largest_error(db, db_then, 2)};
    return {output, std::fmax(std::fmax(errors[0], errors[1]), errors[2])};
}

#if defined(__unix__) || defined(__APPLE__)
bool check_same() {
    Case c{LSTM, 37, 9, 20, 40, false, 2, {}};
    for (int64_t b = 0; b < c.B; ++b) c.length.push_back(b % (c.T + 1));
    bool good = true;
    for (const Kernels* kernels : available())
        for (const Precision precision : {SINGLE, HALF, BYTE}) {
            const auto own = check(*kernels, precision, c, 1);
            for (const int threads : {1, 9}) {
                Case other = c;
                other.threads = threads;
                if (check(*kernels, precision, other, 1).first == own.first) continue;
                std::printf("%s: %d threads compute something else\n", kernels->name, threads);
                good = false;
            }
            pid_t children[2];
            for (pid_t& child : children)
                if ((child = fork()) == 0) _exit(check(*kernels, precision, c, 1) == own ? 0 : 1);
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

}  // namespace

int main(int count, char** arguments) {
#if defined(__unix__) || defined(__APPLE__)
    if (count > 1 && std::string(arguments[1]) == "--same") return check_same() ? 0 : 1;
#endif
    const int64_t sizes[][4] = {{1, 1, 1, 1},  {3, 4, 5, 15},  {7, 9, 3, 17}, {33, 3, 20, 16}, {2, 5, 70, 33},
                                {0, 3, 4, 5},  {4, 0, 4, 5},   {5, 12, 9, 64}, {13, 30, 6, 8}};
    const char* const names[PRECISIONS] = {"float32", "bfloat16", "int8"};
    const double most[PRECISIONS] = {1e-5, 3e-2, 6e-2};
    bool good = true;
    for (const Kernels* kernels : available())
        for (int precision = 0; precision < PRECISIONS; ++precision) {
            double outputs = 0, gradients = 0;
            unsigned seed = 0;
            for (int cell = 0; cell < CELLS; ++cell)
                for (const auto& [B, T, D, H] : sizes)
                    for (const bool reverse : {false, true})
                        for (const bool ragged : {false, true})
                            for (const int threads : {1, 2}) {
                                if (threads > 1 && B < 2) continue;
                                std::mt19937 random(++seed);
                                Case c{Cell(cell), B, T, D, H, reverse, threads, {}};
                                for (int64_t b = 0; b < B; ++b)
                                    c.length.push_back(ragged ? int64_t(random() % unsigned(T + 1)) : T);
                                const auto [output, gradient] = check(*kernels, Precision(precision), c, seed);
                                // The slope of relu has corners that a difference may straddle.
                                const double allowed = most[precision], corners = cell == RNN_RELU ? 1e-3 : 0;
                                const bool right = output < allowed && gradient < std::fmax(allowed, corners);
                                if (!right)
                                    std::printf("%s %s: cell %d B%d T%d D%d H%d %s %s %d threads: %.1e %.1e\n",
                                                kernels->name, names[precision], cell, int(B), int(T), int(D), int(H),
                                                reverse ? "reverse" : "forward", ragged ? "ragged" : "full", threads,
                                                output, gradient);
                                good = good && right;
                                outputs = std::fmax(outputs, output), gradients = std::fmax(gradients, gradient);
                            }
            for (const auto& [rows, K, columns] : {std::array<int64_t, 3>{1, 1, 1}, {1, 40, 65}, {7, 33, 17}, {70, 300, 50}})
                for (const int threads : {1, 3}) {
                    const double error = check_matrix(*kernels, Precision(precision), rows, K, columns, threads);
                    if (!(error < most[precision]))
                        std::printf("%s %s: [%d, %d] times [%d, %d]: %.1e\n", kernels->name, names[precision], int(rows),
                                    int(K), int(K), int(columns), error);
                    good = good && error < most[precision], outputs = std::fmax(outputs, error);
                }
            for (const auto& [rows, K, columns] : {std::array<int64_t, 3>{1, 1, 1}, {7, 33, 17}, {130, 20, 300}, {37, 70, 2100}})
                for (const int threads : {1, 3}) {
                    const auto [output, gradient] = check_loss(*kernels, Precision(precision), rows, K, columns, threads);
                    const bool right = output < most[precision] && gradient < most[precision];
                    if (!right)
                        std::printf("%s %s: loss of [%d, %d] over %d, %d threads: %.1e %.1e\n", kernels->name,
                                    names[precision], int(rows), int(K), int(columns), threads, output, gradient);
                    good = good && right;
                    outputs = std::fmax(outputs, output), gradients = std::fmax(gradients, gradient);
                }
            std::printf("%s: %s outputs within %.1e, gradients within %.1e\n", kernels->name, names[precision], outputs,
                        gradients);
        }
    return good ? 0 : 1;
}
