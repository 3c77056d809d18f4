// The loss of a linear layer over a whole batch, a sheet of rows after another.
#pragma once
#include "packed.h"

constexpr int64_t SHEET_NUMBERS = 1 << 23;  // of d, that exist at once
constexpr int64_t LEAST_ROWS = 128;         // of a sheet, however many columns: enough to deal out among threads
constexpr int64_t MOST_PADDING = 240;       // columns that a sheet has beside its own, the last block's (SHEET_BLOCK)

// The targets' log-probabilities under x W^T + bias, and 1 where no column has more, [N, 2]; where `dx`, `dw` and `db`
// are given, the gradients of -(sum of log-probabilities) * share.
inline nb::ndarray<nb::numpy, float> cross_entropy(
    const In& x, const In& weight, const In& bias, const ::Ints& targets, float share, const std::optional<Out>& dx,
    const std::optional<Out>& dw, const std::optional<Out>& db, const std::string& precision,
    const std::optional<std::string>& isa, int threads) {
    const Precision rounded = precision_of(precision);
    const Kind& kind = choose(isa).kinds[rounded];
    if (weight.ndim() != 2 || weight.shape(0) < 1 || weight.shape(1) < 1)
        throw std::invalid_argument("a head's weight is a matrix [V, H] of a number at least");
    check_width(rounded, weight.shape(1));
    const int64_t V = int64_t(weight.shape(0)), K = int64_t(weight.shape(1)), N = int64_t(targets.shape(0));
    if (dx && rounded == BYTE) throw std::invalid_argument("there is no way back in int8");
    CrossEntropy f{};
    f.K = K, f.columns = V, f.share = share;
    f.x = data(x, "x", {N, K}), f.bias = data(bias, "bias", {V});
    f.targets = data(targets, "targets", {N});
    for (int64_t n = 0; n < N; ++n)
        if (f.targets[n] < 0 || f.targets[n] >= V)
            throw std::invalid_argument("targets[" + std::to_string(n) + "] is " + std::to_string(f.targets[n]) +
                                        ", not between 0 and " + std::to_string(V - 1));
    const float* const w = data(weight, "weight", {V, K});
    f.dx = data(dx, "dx", {N, K}, false);
    f.dw = data(dw, "dw", {V, K}, f.dx != nullptr), f.db = data(db, "db", {V}, f.dx != nullptr);
    threads = std::max(threads, 1);

    const size_t shape[] = {size_t(N), 2};
    Room<float> found(2 * N);
    {
        const nb::gil_scoped_release released;
        const Room<int32_t> matrix(kind.matrix_words(K, V)), back(f.dx ? kind.back_words(K, V) : 0);
        on_threads(threads, [&](int thread, int all) {
            kind.pack_matrix(K, V, w, matrix.get(), thread, all);
            if (f.dx) kind.pack_back(K, V, w, back.get(), thread, all);
        });
        f.matrix = matrix.get(), f.back = back.get(), f.found = found.get();
        f.rows = N;
        if (f.dx) {  // sheets of equal size, the same for any number of threads: no sum depends on it
            const int64_t most = std::max(SHEET_NUMBERS / (V + MOST_PADDING), LEAST_ROWS);
            const int64_t sheets = std::max<int64_t>(1, (N + most - 1) / most);
            f.rows = (N + sheets - 1) / sheets;
        }
        const Room<char> sheet(f.dx ? kind.loss_sheet(f) : 0), scratch(kind.loss_scratch(f) * threads);
        f.sheet = sheet.get(), f.scratch = scratch.get();
        for (int64_t first = 0; first < std::max<int64_t>(N, 1); first += f.rows) {
            CrossEntropy part = f;
            part.rows = std::min(f.rows, N - first);
            part.x += first * K, part.targets += first, part.found += 2 * first, part.add = first > 0;
            if (part.dx) part.dx += first * K;
            on_threads(threads, [&](int thread, int all) { kind.loss_rows(part, thread, all); });
            if (part.dx) on_threads(threads, [&](int thread, int all) { kind.loss_columns(part, thread, all); });
            if (N == 0) break;
        }
    }
    return owned(found, 2, shape);
}
