// One direction's weights, and running them over a ragged batch.
#pragma once
#include <algorithm>

#include "arrays.h"
#include "memory.h"

namespace anaphora {

// An array for Python, whose memory is reused after it.
inline nb::ndarray<nb::numpy, float> owned(Buffer<float>& buffer, size_t dimensions, const size_t* shape) {
    float* const memory = buffer.detach();
    return {memory, dimensions, shape, nb::capsule(memory, [](void* block) noexcept { release(block); })};
}

inline int clamped(int threads, int64_t parts) { return int(std::max<int64_t>(1, std::min<int64_t>(threads, parts))); }

// The rows sorted by length, and how many of them run at each step.
class Order {
   public:
    Order(const Integers& lengths, int64_t T, bool reverse) {
        const int64_t B = int64_t(lengths.shape(0));
        const int64_t* length = data(lengths, "lengths", {B});
        std::vector<int64_t> ending(size_t(T) + 2, 0);  // rows of each length, then the next rank for each length
        for (int64_t b = 0; b < B; ++b) {
            if (length[b] < 0 || length[b] > T)
                throw std::invalid_argument("lengths[" + std::to_string(b) + "] is " + std::to_string(length[b]) +
                                            ", not between 0 and " + std::to_string(T));
            ++ending[size_t(length[b])];
        }
        alive_.resize(size_t(T) + 1);
        int64_t longer = 0;
        for (int64_t t = T; t >= 0; --t) {  // a stable counting sort, longest first
            const int64_t count = ending[size_t(t)];
            ending[size_t(t)] = longer;
            alive_[size_t(t)] = longer;  // rows longer than t
            longer += count;
        }
        row_.resize(size_t(B)), length_.resize(size_t(B));
        for (int64_t b = 0; b < B; ++b) {
            const int64_t rank = ending[size_t(length[b])]++;
            row_[size_t(rank)] = b, length_[size_t(rank)] = length[b];
        }
        kept_.resize(size_t(T) + 1);
        for (int64_t t = 0; t < T; ++t) {
            kept_[size_t(t)] = total;
            total += alive_[size_t(t)];
        }
        batch.B = B, batch.T = T;
        batch.row = row_.data(), batch.length = length_.data();
        batch.alive = alive_.data(), batch.kept = kept_.data();
        batch.reverse = reverse;
    }

    // Throws unless every position of every row is below `rows`.
    void check(const char* name, const Positions& at, int64_t rows) const {
        for (int64_t rank = 0; rank < batch.B; ++rank)
            for (int64_t t = 0; t < batch.length[rank]; ++t) {
                int64_t index;
                if (__builtin_add_overflow(at.row[batch.row[rank]], at.time[t], &index) || index < 0 || index >= rows)
                    throw std::invalid_argument(std::string(name) + ": row " + std::to_string(batch.row[rank]) +
                                                ", position " + std::to_string(t) + " lies outside of the array");
            }
    }

    Batch batch;
    int64_t total = 0;  // the sum of all lengths

   private:
    std::vector<int64_t> row_, length_, alive_, kept_;
};

inline Positions positions(const Integers& row, const Integers& time, int64_t B, int64_t T) {
    Positions result;
    result.row = data(row, "row positions", {B});
    result.time = data(time, "time positions", {T});
    return result;
}

inline void check_width(Precision precision, size_t numbers) {
    constexpr int64_t MAX_INT8_WIDTH = 130'000;  // the sum of more products may not fit in 32 bits
    if (precision == INT8 && numbers > size_t(MAX_INT8_WIDTH))
        throw std::invalid_argument("int8 is for widths up to " + std::to_string(MAX_INT8_WIDTH));
}

// One direction's weights, packed for one instruction set. Immutable.
class Packed {
   public:
    Packed(const std::string& cell, const In& w_ih, const In& w_hh, const std::optional<In>& b_ih,
           const std::optional<In>& b_hh, bool forward, bool backward, const std::string& precision,
           const std::optional<std::string>& isa, int threads)
        : Packed(choose(isa), cell_of(cell), w_ih, w_hh, b_ih, b_hh, forward, backward, precision_of(precision),
                 threads) {}

    void forward(const In& x, const Integers& x_row, const Integers& x_time, const Integers& lengths, bool reverse,
                 const In& h0, const Out& y, const Integers& y_row, const Integers& y_time, const Out& h_n,
                 const std::optional<Out>& c_n, const std::optional<Out>& kept, int threads) const {
        if (!forward_) throw std::invalid_argument("these weights are not packed for the way forward");
        const int64_t B = int64_t(lengths.shape(0)), T = int64_t(x_time.shape(0)), H = weights_.H;
        const Order order(lengths, T, reverse);
        Forward f{};
        f.relu = info_.relu;
        f.batch = order.batch, f.weights = weights_;
        f.x = data(x, "x", {-1, weights_.D}), f.x_at = positions(x_row, x_time, B, T);
        f.y = data(y, "y", {-1, H}), f.y_at = positions(y_row, y_time, B, T);
        order.check("x", f.x_at, int64_t(x.shape(0))), order.check("y", f.y_at, int64_t(y.shape(0)));
        f.h0 = data(h0, "h0", {B, H}), f.h_n = data(h_n, "h_n", {B, H});
        f.c_n = data(c_n, "c_n", {B, H}, info_.has_c);
        f.kept = data(kept, "kept", {-1, kernels_.kept_floats(H)}, false);
        if (f.kept) check_kept(int64_t(kept->shape(0)), order.total);
        threads = clamped(threads, B);
        const Buffer<char> scratch(kernels_.forward_scratch(f, threads) * threads);
        f.scratch = scratch.get();
        parallel(threads, [&](int thread, int count) { kernels_.forward(f, thread, count); });
    }

    // dh and dc: the gradients of h_n and c_n before, of h0 and c0 after.
    void backward(const In& x, const Integers& x_row, const Integers& x_time, const Integers& lengths, bool reverse,
                  const In& h0, const std::optional<In>& c0, const In& y, const In& dy, const Integers& y_row,
                  const Integers& y_time, const std::optional<In>& kept, const Out& dh, const std::optional<Out>& dc,
                  const std::optional<Out>& dx, const Out& dw_ih, const Out& dw_hh, const Out& db_ih, const Out& db_hh,
                  int threads) const {
        if (!backward_) throw std::invalid_argument("these weights are not packed for the way back");
        const int64_t B = int64_t(lengths.shape(0)), T = int64_t(y_time.shape(0)), H = weights_.H, D = weights_.D;
        const int64_t G = info_.gates * H;
        const Order order(lengths, T, reverse);
        Backward f{};
        f.relu = info_.relu;
        f.batch = order.batch, f.weights = weights_;
        f.x = data(x, "x", {-1, D}), f.x_at = positions(x_row, x_time, B, T);
        f.y = data(y, "y", {-1, H}), f.dy = data(dy, "dy", {int64_t(y.shape(0)), H});
        f.y_at = positions(y_row, y_time, B, T);
        order.check("x", f.x_at, int64_t(x.shape(0))), order.check("y", f.y_at, int64_t(y.shape(0)));
        f.h0 = data(h0, "h0", {B, H}), f.c0 = data(c0, "c0", {B, H}, info_.has_c);
        f.kept = data(kept, "kept", {-1, kernels_.kept_floats(H)}, info_.keeps);
        if (f.kept) check_kept(int64_t(kept->shape(0)), order.total);
        f.dh = data(dh, "dh", {B, H}), f.dc = data(dc, "dc", {B, H}, info_.has_c);
        f.dx = data(dx, "dx", {int64_t(x.shape(0)), D}, false);
        float* const to_ih = data(db_ih, "db_ih", {G});
        float* const to_hh = data(db_hh, "db_hh", {G});
        f.dw_ih.total = data(dw_ih, "dw_ih", {G, D}), f.dw_ih.size = G * D;
        f.dw_hh.total = data(dw_hh, "dw_hh", {G, H}), f.dw_hh.size = G * H;
        f.db.size = info_.dgates * H;

        threads = clamped(threads, B);
        const Buffer<char> scratch(kernels_.backward_scratch(f, threads) * threads);
        const Buffer<float> db(f.db.size), parts((f.dw_ih.size + f.dw_hh.size + f.db.size) * (threads - 1));
        f.scratch = scratch.get();
        f.db.total = db.get();
        f.dw_ih.parts = parts.get();
        f.dw_hh.parts = f.dw_ih.parts + f.dw_ih.size * (threads - 1);
        f.db.parts = f.dw_hh.parts + f.dw_hh.size * (threads - 1);
        parallel(threads, [&](int thread, int count) { kernels_.backward(f, thread, count); });
        if (threads > 1)
            parallel(threads, [&](int thread, int count) {
                for (const GradientSum& sum : {f.dw_ih, f.dw_hh, f.db})
                    for (int other = 1; other < count; ++other)
                        for (int64_t j = sum.size * thread / count; j < sum.size * (thread + 1) / count; ++j)
                            sum.total[j] += sum.parts[(other - 1) * sum.size + j];
            });
        kernels_.bias_gradients(H, f.db.total, to_ih, to_hh);
    }

    // x W_ih for every row of `values` [V, gates * H] (without biases), with the biases, in the kernels' layout.
    nb::ndarray<nb::numpy, float> table(const In& values) const {
        const int64_t G = info_.gates * weights_.H, width = gate_floats();
        const float* const from = data(values, "values", {-1, G});
        const size_t shape[] = {size_t(values.shape(0)), size_t(width)};
        Buffer<float> rows(int64_t(shape[0]) * width);
        std::vector<float> packed(bias_.size());
        for (int64_t v = 0; v < int64_t(shape[0]); ++v) {
            kernels_.pack_bias(weights_.H, from + v * G, nullptr, packed.data());
            for (int64_t j = 0; j < width; ++j) rows.get()[v * width + j] = packed[size_t(j)] + bias_[size_t(j)];
        }
        return owned(rows, 2, shape);
    }

    const char* isa() const { return isa_; }
    int64_t hidden() const { return weights_.H; }
    int64_t numbers() const { return info_.gates * weights_.H * (weights_.D + weights_.H); }  // of the two matrices
    int64_t gate_floats() const { return kernels_.gate_floats(weights_.H); }
    const CellInfo& info() const { return info_; }
    const CellKernels& kernels() const { return kernels_; }
    const Weights& weights() const { return weights_; }
    bool can_forward() const { return forward_; }

   private:
    Packed(const Kernels& kernels, Cell cell, const In& w_ih, const In& w_hh, const std::optional<In>& b_ih,
           const std::optional<In>& b_hh, bool forward, bool backward, Precision precision, int threads)
        : isa_(kernels.name),
          info_(CELL_INFO[cell]),
          kernels_(kernels.precisions[precision].cells[cell]),
          forward_(forward),
          backward_(backward) {
        if (backward && !kernels_.backward) throw std::invalid_argument("there is no way back in int8");
        if (w_ih.ndim() != 2 || w_hh.ndim() != 2) throw std::invalid_argument("weights are matrices");
        check_width(precision, std::max(w_ih.shape(1), w_hh.shape(1)));
        const int64_t H = int64_t(w_hh.shape(1)), D = int64_t(w_ih.shape(1)), G = info_.gates * H;
        if (H < 1) throw std::invalid_argument("the state needs a width of 1 or more");
        const float* const ih = data(w_ih, "weight_ih", {G, D});
        const float* const hh = data(w_hh, "weight_hh", {G, H});
        const float* const bias_ih = data(b_ih, "bias_ih", {G}, false);
        const float* const bias_hh = data(b_hh, "bias_hh", {G}, false);

        std::vector<Packing> wanted;
        if (forward) wanted.insert(wanted.end(), {IH, HH});
        if (backward) wanted.insert(wanted.end(), {IH_BACK, HH_BACK});
        for (const Packing which : wanted) panels_[which] = Buffer<int32_t>(kernels_.packed_words(D, H, which));
        parallel(std::max(threads, 1), [&](int thread, int count) {
            for (const Packing which : wanted) {
                const float* const source = which == IH || which == IH_BACK ? ih : hh;
                kernels_.pack(D, H, which, source, panels_[which].get(), thread, count);
            }
        });

        bias_.resize(size_t(kernels_.bias_floats(H)));
        kernels_.pack_bias(H, bias_ih, bias_hh, bias_.data());
        weights_.D = D, weights_.H = H;
        weights_.ih = panels_[IH].get(), weights_.ih_back = panels_[IH_BACK].get();
        weights_.hh = panels_[HH].get(), weights_.hh_back = panels_[HH_BACK].get();
        weights_.bias = bias_.data();
    }

    static void check_kept(int64_t rows, int64_t positions) {
        if (rows < positions)
            throw std::invalid_argument("kept needs a row for each of " + std::to_string(positions) + " positions");
    }

    const char* isa_;
    const CellInfo& info_;
    const CellKernels& kernels_;
    bool forward_, backward_;
    Buffer<int32_t> panels_[PACKINGS];
    std::vector<float> bias_;
    Weights weights_{};
};

}  // namespace anaphora
