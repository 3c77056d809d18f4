// One direction's weights, and running them over a ragged batch.
#pragma once
#include <algorithm>

#include "arrays.h"
#include "memory.h"

// An array for Python, which hands its memory back to be used again.
inline nb::ndarray<nb::numpy, float> owned(Room<float>& room, size_t dimensions, const size_t* shape) {
    float* const memory = room.release();
    return {memory, dimensions, shape, nb::capsule(memory, [](void* block) noexcept { give(block); })};
}

// Rows sorted by length, and who is alive when.
class Order {
   public:
    Order(const Ints& lengths, int64_t T, bool reverse) {
        const int64_t B = int64_t(lengths.shape(0));
        const int64_t* length = data(lengths, "lengths", {B});
        std::vector<int64_t> ending(size_t(T) + 2, 0);  // how many rows are longer than ...
        for (int64_t b = 0; b < B; ++b) {
            if (length[b] < 0 || length[b] > T)
                throw std::invalid_argument("lengths[" + std::to_string(b) + "] is " + std::to_string(length[b]) +
                                            ", not between 0 and " + std::to_string(T));
            ++ending[size_t(length[b])];
        }
        alive_.resize(size_t(T) + 1);
        int64_t longer = 0;
        for (int64_t t = T; t >= 0; --t) {  // a counting sort, longest first, equals in their order
            const int64_t here = ending[size_t(t)];
            ending[size_t(t)] = longer;
            alive_[size_t(t)] = longer;  // rows longer than t
            longer += here;
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
        batch = {B, T, row_.data(), length_.data(), alive_.data(), kept_.data(), reverse};
    }

    // Throws unless every place of every row is below `rows`.
    void check(const char* name, const Places& at, int64_t rows) const {
        for (int64_t rank = 0; rank < batch.B; ++rank)
            for (int64_t t = 0; t < batch.length[rank]; ++t) {
                int64_t place;
                if (__builtin_add_overflow(at.row[batch.row[rank]], at.time[t], &place) || place < 0 || place >= rows)
                    throw std::invalid_argument(std::string(name) + ": row " + std::to_string(batch.row[rank]) +
                                                ", place " + std::to_string(t) + " lies outside of the array");
            }
    }

    Batch batch;
    int64_t total = 0;

   private:
    std::vector<int64_t> row_, length_, alive_, kept_;
};

inline Places places(const Ints& row, const Ints& time, int64_t B, int64_t T) {
    return {data(row, "row places", {B}), data(time, "time places", {T})};
}

inline void check_width(Precision precision, size_t numbers) {
    constexpr int64_t MOST_BYTES = 130'000;  // whose products' sum fits into 32 bits
    if (precision == BYTE && numbers > size_t(MOST_BYTES))
        throw std::invalid_argument("int8 is for widths up to " + std::to_string(MOST_BYTES));
}

// One direction's weights, packed for one instruction set. It does not change once made.
class Packed {
   public:
    Packed(const std::string& cell, const In& w_ih, const In& w_hh, const std::optional<In>& b_ih,
           const std::optional<In>& b_hh, bool forward, bool backward, const std::string& precision,
           const std::optional<std::string>& isa, int threads)
        : kernels_(choose(isa)),
          cell_(cell_of(cell)),
          precision_(precision_of(precision)),
          kind_(kernels_.kinds[precision_]),
          forward_(forward),
          backward_(backward) {
        if (backward && precision_ == BYTE) throw std::invalid_argument("there is no way back in int8");
        if (w_ih.ndim() != 2 || w_hh.ndim() != 2) throw std::invalid_argument("weights are matrices");
        check_width(precision_, std::max(w_ih.shape(1), w_hh.shape(1)));
        const int64_t H = int64_t(w_hh.shape(1)), D = int64_t(w_ih.shape(1)), G = GATES_OF[cell_] * H;
        if (H < 1) throw std::invalid_argument("the state needs a width of 1 or more");
        const float* const ih = data(w_ih, "weight_ih", {G, D});
        const float* const hh = data(w_hh, "weight_hh", {G, H});
        const float* const bias_ih = data(b_ih, "bias_ih", {G}, false);
        const float* const bias_hh = data(b_hh, "bias_hh", {G}, false);

        const float* const source[] = {ih, hh, ih, hh};
        std::vector<int> wanted;
        for (const int which : {IH, IH_BACK, HH, HH_BACK})
            if (which == IH || which == HH ? forward : backward) wanted.push_back(which);
        for (const int which : wanted) panels_[which] = Room<int32_t>(kind_.packed_words(cell_, D, H, which));
        parallel(std::max(threads, 1), [&](int thread, int all) {
            for (const int which : wanted)
                kind_.pack(cell_, D, H, which, source[which], panels_[which].get(), thread, all);
        });

        bias_.resize(size_t(kernels_.bias_floats(cell_, H)));
        kernels_.pack_bias(cell_, H, bias_ih, bias_hh, bias_.data());
        weights_ = {D, H, panels_[IH].get(), panels_[HH].get(), bias_.data(), panels_[IH_BACK].get(),
                    panels_[HH_BACK].get()};
    }

    void forward(const In& x, const Ints& x_row, const Ints& x_time, const Ints& lengths, bool reverse, const In& h0,
                 const Out& y, const Ints& y_row, const Ints& y_time, const Out& h_n, const std::optional<Out>& c_n,
                 const std::optional<Out>& kept, int threads) const {
        if (!forward_) throw std::invalid_argument("these weights are not packed for the way forward");
        const int64_t B = int64_t(lengths.shape(0)), T = int64_t(x_time.shape(0)), H = weights_.H;
        const Order order(lengths, T, reverse);
        Forward f{};
        f.relu = cell_ == RNN_RELU;
        f.batch = order.batch, f.weights = weights_;
        f.x = data(x, "x", {-1, weights_.D}), f.x_at = places(x_row, x_time, B, T);
        f.y = data(y, "y", {-1, H}), f.y_at = places(y_row, y_time, B, T);
        order.check("x", f.x_at, int64_t(x.shape(0))), order.check("y", f.y_at, int64_t(y.shape(0)));
        f.h0 = data(h0, "h0", {B, H}), f.h_n = data(h_n, "h_n", {B, H});
        f.c_n = data(c_n, "c_n", {B, H}, cell_ == LSTM);
        f.kept = data(kept, "kept", {-1, kind_.kept_floats(cell_, H)}, false);
        if (f.kept) check_kept(int64_t(kept->shape(0)), order.total);
        threads = within(threads, B);
        const Room<char> scratch(kind_.forward_scratch(cell_, f, threads) * threads);
        f.scratch = scratch.get();
        parallel(threads, [&](int thread, int all) { kind_.forward(cell_, f, thread, all); });
    }

    // dh and dc: the gradients of h_n and c_n before, of h0 and c0 after.
    void backward(const In& x, const Ints& x_row, const Ints& x_time, const Ints& lengths, bool reverse, const In& h0,
                  const std::optional<In>& c0, const In& y, const In& dy, const Ints& y_row, const Ints& y_time,
                  const std::optional<In>& kept, const Out& dh,
                  const std::optional<Out>& dc, const std::optional<Out>& dx, const Out& dw_ih, const Out& dw_hh,
                  const Out& db, int threads) const {
        if (!backward_) throw std::invalid_argument("these weights are not packed for the way back");
        const int64_t B = int64_t(lengths.shape(0)), T = int64_t(y_time.shape(0)), H = weights_.H, D = weights_.D;
        const int64_t biases = KEPT_OF[cell_] * H, G = GATES_OF[cell_] * H;
        const Order order(lengths, T, reverse);
        const bool lstm = cell_ == LSTM;
        Backward f{};
        f.relu = cell_ == RNN_RELU;
        f.batch = order.batch, f.weights = weights_;
        f.x = data(x, "x", {-1, D}), f.x_at = places(x_row, x_time, B, T);
        f.y = data(y, "y", {-1, H}), f.dy = data(dy, "dy", {int64_t(y.shape(0)), H});
        f.y_at = places(y_row, y_time, B, T);
        order.check("x", f.x_at, int64_t(x.shape(0))), order.check("y", f.y_at, int64_t(y.shape(0)));
        f.h0 = data(h0, "h0", {B, H}), f.c0 = data(c0, "c0", {B, H}, lstm);
        f.kept = data(kept, "kept", {-1, kind_.kept_floats(cell_, H)}, KEEPS[cell_]);
        if (f.kept) check_kept(int64_t(kept->shape(0)), order.total);
        f.dh = data(dh, "dh", {B, H}), f.dc = data(dc, "dc", {B, H}, lstm);
        f.dx = data(dx, "dx", {int64_t(x.shape(0)), D}, false);
        float* const totals[] = {data(dw_ih, "dw_ih", {G, D}), data(dw_hh, "dw_hh", {G, H}), data(db, "db", {biases})};
        const int64_t sizes[] = {G * D, G * H, biases};

        threads = within(threads, B);
        const Room<char> scratch(kind_.backward_scratch(cell_, f, threads) * threads);
        f.scratch = scratch.get();
        const Room<float> sums((sizes[0] + sizes[1] + sizes[2]) * (threads - 1));  // the first thread's are the totals
        float* parts[3] = {sums.get()};
        for (int i = 1; i < 3; ++i) parts[i] = parts[i - 1] + sizes[i - 1] * (threads - 1);
        for (int i = 0; i < 3; ++i) f.dw[i] = {totals[i], parts[i], sizes[i]};
        parallel(threads, [&](int thread, int all) { kind_.backward(cell_, f, thread, all); });
        if (threads == 1) return;
        parallel(threads, [&](int thread, int all) {
            for (int i = 0; i < 3; ++i)
                for (int other = 1; other < all; ++other)
                    for (int64_t j = sizes[i] * thread / all; j < sizes[i] * (thread + 1) / all; ++j)
                        totals[i][j] += parts[i][(other - 1) * sizes[i] + j];
        });
    }

    // x W_ih for every row of `values` [V, gates * H] (without biases) as the kernels take it, with the biases.
    nb::ndarray<nb::numpy, float> table(const In& values) const {
        const int64_t G = GATES_OF[cell_] * weights_.H, width = gate_floats();
        const float* const from = data(values, "values", {-1, G});
        const size_t shape[] = {size_t(values.shape(0)), size_t(width)};
        Room<float> rows(int64_t(shape[0]) * width);
        std::vector<float> one(bias_.size());
        for (int64_t v = 0; v < int64_t(shape[0]); ++v) {
            kernels_.pack_bias(cell_, weights_.H, from + v * G, nullptr, one.data());
            for (int64_t j = 0; j < width; ++j) rows.get()[v * width + j] = one[size_t(j)] + bias_[size_t(j)];
        }
        return owned(rows, 2, shape);
    }

    const char* isa() const { return kernels_.name; }
    int64_t hidden() const { return weights_.H; }
    int64_t biases() const { return KEPT_OF[cell_] * weights_.H; }  // that have a gradient
    int64_t numbers() const { return GATES_OF[cell_] * weights_.H * (weights_.D + weights_.H); }
    int64_t gate_floats() const { return kernels_.gate_floats(cell_, weights_.H); }
    Cell cell() const { return cell_; }
    const Kind& kind() const { return kind_; }
    const Weights& weights() const { return weights_; }
    bool can_forward() const { return forward_; }

   private:
    static void check_kept(int64_t rows, int64_t places) {
        if (rows < places)
            throw std::invalid_argument("kept needs a row for each of " + std::to_string(places) + " places");
    }
    static int within(int threads, int64_t rows) {
        return int(std::max<int64_t>(1, std::min<int64_t>(threads, rows)));
    }

    const Kernels& kernels_;
    Cell cell_;
    Precision precision_;
    const Kind& kind_;
    bool forward_, backward_;
    Room<int32_t> panels_[4];
    std::vector<float> bias_;
    Weights weights_{};
};
