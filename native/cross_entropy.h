// The cross-entropy of a linear layer over a whole batch, one chunk of rows after another.
#pragma once
#include "packed.h"

namespace anaphora {

constexpr int64_t LOSS_CHUNK_FLOATS = 1 << 23;  // of d, that exist at once
constexpr int64_t MIN_CHUNK_ROWS = 128;         // however many columns there are: enough to share among threads
constexpr int64_t MAX_PADDING = 240;            // columns that pad a chunk's last block (LOSS_BLOCK)

// The targets' log-probabilities under x W^T + bias, and 1 where no column has a higher one, [N, 2]. If `dx`, `dw` and
// `db` are given, it writes the gradients of -(sum of log-probabilities) * share there.
inline nb::ndarray<nb::numpy, float> cross_entropy(const In& x, const In& weight, const In& bias,
                                                   const Integers& targets, float share, const std::optional<Out>& dx,
                                                   const std::optional<Out>& dw, const std::optional<Out>& db,
                                                   const std::string& precision, const std::optional<std::string>& isa,
                                                   int threads) {
    const Precision precision_id = precision_of(precision);
    const PrecisionKernels& kernels = choose(isa).precisions[precision_id];
    if (weight.ndim() != 2 || weight.shape(0) < 1 || weight.shape(1) < 1)
        throw std::invalid_argument("a head's weight is a matrix [V, H] of a number at least");
    check_width(precision_id, weight.shape(1));
    const int64_t V = int64_t(weight.shape(0)), K = int64_t(weight.shape(1)), N = int64_t(targets.shape(0));
    if (dx && !kernels.loss_columns) throw std::invalid_argument("there is no way back in int8");
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
    Buffer<float> result(2 * N);
    {
        const nb::gil_scoped_release released;
        const Buffer<int32_t> matrix(kernels.matrix_words(K, V)), back(f.dx ? kernels.back_words(K, V) : 0);
        on_threads(threads, [&](int thread, int count) {
            kernels.pack_matrix(K, V, w, matrix.get(), thread, count);
            if (f.dx) kernels.pack_back(K, V, w, back.get(), thread, count);
        });
        f.matrix = matrix.get(), f.back = back.get(), f.result = result.get();
        f.rows = N;
        if (f.dx) {  // chunks of equal size, whatever the number of threads: no sum depends on it
            const int64_t max_rows = std::max(LOSS_CHUNK_FLOATS / (V + MAX_PADDING), MIN_CHUNK_ROWS);
            const int64_t chunks = std::max<int64_t>(1, (N + max_rows - 1) / max_rows);
            f.rows = (N + chunks - 1) / chunks;
        }
        const Buffer<char> chunk(f.dx ? kernels.loss_chunk(f) : 0), scratch(kernels.loss_scratch(f) * threads);
        f.chunk = chunk.get(), f.scratch = scratch.get();
        for (int64_t first = 0; first < std::max<int64_t>(N, 1); first += f.rows) {
            CrossEntropy part = f;
            part.rows = std::min(f.rows, N - first);
            part.x += first * K, part.targets += first, part.result += 2 * first, part.add = first > 0;
            if (part.dx) part.dx += first * K;
            on_threads(threads, [&](int thread, int count) { kernels.loss_rows(part, thread, count); });
            if (part.dx) on_threads(threads, [&](int thread, int count) { kernels.loss_columns(part, thread, count); });
            if (N == 0) break;
        }
    }
    return owned(result, 2, shape);
}

}  // namespace anaphora
