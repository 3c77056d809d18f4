// The layer that scores every token: y = x W^T + bias. W is packed once. Immutable, so many writers may share it.
#pragma once
#include "packed.h"

namespace anaphora {

class Head {
   public:
    Head(const In& weight, const std::optional<In>& bias, const std::string& precision,
         const std::optional<std::string>& isa, int threads)
        : kernels_(choose(isa).precisions[precision_of(precision)]) {
        if (weight.ndim() != 2 || weight.shape(0) < 1 || weight.shape(1) < 1)
            throw std::invalid_argument("a head's weight is a matrix [V, H] of a number at least");
        check_width(precision_of(precision), weight.shape(1));
        tokens_ = int64_t(weight.shape(0)), width_ = int64_t(weight.shape(1));
        const float* const source = data(weight, "weight", {-1, width_});
        if (const float* const given = data(bias, "bias", {tokens_}, false)) bias_.assign(given, given + tokens_);
        panels_ = Buffer<int32_t>(kernels_.matrix_words(width_, tokens_));
        parallel(std::max(threads, 1), [&](int thread, int count) {
            kernels_.pack_matrix(width_, tokens_, source, panels_.get(), thread, count);
        });
    }

    Head(const Head&) = delete;

    int64_t tokens() const { return tokens_; }  // V
    int64_t width() const { return width_; }    // H

    Buffer<char> scratch(int threads) const { return Buffer<char>(kernels_.matrix_scratch(width_) * threads); }

    // x [rows, H] to y [rows, V], without Python.
    void score(const float* x, int64_t rows, float* y, char* scratch, int threads) const {
        MatrixProduct f{};
        f.rows = rows, f.K = width_, f.columns = tokens_;
        f.matrix = panels_.get(), f.bias = bias_.empty() ? nullptr : bias_.data();
        f.x = x, f.y = y;
        f.scratch = scratch;
        on_threads(threads, [&](int thread, int count) { kernels_.matrix_product(f, thread, count); });
    }

    nb::ndarray<nb::numpy, float> logits(const In& x, int threads) const {
        threads = std::max(threads, 1);
        const float* const from = data(x, "x", {-1, width_});
        const int64_t rows = int64_t(x.shape(0));
        Buffer<float> y(rows * tokens_);
        {
            const nb::gil_scoped_release released;
            score(from, rows, y.get(), scratch(threads).get(), threads);
        }
        const size_t shape[] = {size_t(rows), size_t(tokens_)};
        return owned(y, 2, shape);
    }

   private:
    const PrecisionKernels& kernels_;
    int64_t tokens_ = 0, width_ = 0;
    Buffer<int32_t> panels_;
    std::vector<float> bias_;
};

}  // namespace anaphora
