// A stack of layers that runs one step at a time, for several rows at once, and carries their states. It allocates
// everything when it is made; a step allocates nothing.
#pragma once
#include <mutex>

#include "packed.h"

namespace anaphora {

class Session {
   public:
    // `packed` are the layers, from bottom to top. With a table (Packed::table) or an embedding [V, D], the inputs are
    // indices of its rows.
    Session(const nb::list& packed, int64_t rows, const std::optional<In>& table, const std::optional<In>& embedding,
            int threads)
        : rows_(rows),
          running_(rows),
          threads_(threads),
          packed_(nb::tuple(packed)),
          table_array_(table),
          embedding_array_(embedding) {
        std::vector<const Packed*> layers;
        for (const nb::handle layer : packed) layers.push_back(&nb::cast<const Packed&>(layer));
        if (layers.empty()) throw std::invalid_argument("a session needs a layer");
        if (rows < 1 || threads < 1) throw std::invalid_argument("a session needs a row and a thread");
        for (int64_t row = 0; row < rows; ++row) row_.push_back(row);
        rank_ = row_, length_.assign(size_t(rows), 1), checked_ids_.assign(size_t(rows), 0);
        const Packed& first = *layers[0];
        width_ = first.weights().D;
        if (table && embedding) throw std::invalid_argument("a session has a table or an embedding, not both");
        if (table) table_ = data(*table, "table", {-1, first.gate_floats()}), tokens_ = int64_t(table->shape(0));
        if (embedding) embedding_ = data(*embedding, "embedding", {-1, width_}), tokens_ = int64_t(embedding->shape(0));
        x_ = cleared<float>(rows * width_), ids_ = cleared<int64_t>(rows);

        Batch batch{};
        batch.B = rows, batch.T = 1;
        batch.row = rank_.data(), batch.length = length_.data();
        batch.alive = &running_, batch.kept = zero_;
        Positions at;
        at.row = row_.data(), at.time = zero_;
        const float* x = x_.get();
        for (size_t index = 0; index < layers.size(); ++index) {
            const Packed& weights = *layers[index];
            const int64_t H = weights.weights().H;
            if (index && weights.weights().D != layers[index - 1]->weights().H)
                throw std::invalid_argument("layer " + std::to_string(index) +
                                            " does not take what the one below gives");
            if (!weights.can_forward()) throw std::invalid_argument("these weights are not packed for the way forward");
            Layer layer;
            layer.kernels = &weights.kernels();
            layer.H = H;
            layer.has_c = weights.info().has_c;
            layer.y = cleared<float>(rows * H), layer.h = cleared<float>(rows * H);
            layer.c = cleared<float>(layer.has_c ? rows * H : 0);
            Forward& f = layer.work;
            f.relu = weights.info().relu, f.batch = batch, f.weights = weights.weights();
            f.x = x, f.x_at = f.y_at = at;
            if (table_ && !index) f.table = table_, f.ids = checked_ids_.data();
            f.y = layer.y.get(), f.h0 = f.h_n = layer.h.get(), f.c_n = layer.c.get();
            layer.scratch = Buffer<char>(layer.kernels->forward_scratch(f, threads) * threads);
            f.scratch = layer.scratch.get();
            x = f.y;
            layers_.push_back(std::move(layer));
        }
    }

    Session(const Session&) = delete;

    void step() {
        if (takes_tokens()) set_ids(ids_.get());
        if (threads_ == 1) return advance();
        const nb::gil_scoped_release released;
        advance();
    }

    // The same with the given tokens [rows], without Python.
    void feed(const int64_t* ids) { set_ids(ids), advance(); }

    // Selects the rows that run from now on: those that are not `done` [rows]; null: all.
    void choose_rows(const uint8_t* done) {
        running_ = 0;
        int64_t past = rows_;
        for (int64_t row = rows_ - 1; row >= 0; --row)
            if (done && done[row]) rank_[size_t(--past)] = row;
        for (int64_t row = 0; row < rows_; ++row)
            if (!done || !done[row]) rank_[size_t(running_++)] = row;
        for (int64_t rank = 0; rank < rows_; ++rank) length_[size_t(rank)] = rank < running_;
    }

    void check(int64_t index, int64_t id) const {
        if (id < 0 || id >= tokens_)
            throw std::invalid_argument("ids[" + std::to_string(index) + "] is " + std::to_string(id) +
                                        ", not between 0 and " + std::to_string(tokens_ - 1));
    }

    // Held while steps run without Python's lock.
    std::unique_lock<std::mutex> exclusive() {
        std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
        if (!lock) throw std::runtime_error("a session is for one thread at a time");
        return lock;
    }

    bool takes_tokens() const { return table_ || embedding_; }
    int64_t rows() const { return rows_; }
    int64_t tokens() const { return tokens_; }                   // the size of the vocabulary
    int64_t width() const { return layers_.back().H; }           // of an output
    const float* top() const { return layers_.back().y.get(); }  // the outputs [rows, width]

    using Array = nb::ndarray<nb::numpy, float>;
    nb::object inputs(nb::handle self) {
        const size_t shape[] = {size_t(rows_), size_t(width_)};
        if (takes_tokens()) return nb::cast(nb::ndarray<nb::numpy, int64_t>(ids_.get(), 1, shape, self));
        return nb::cast(Array(x_.get(), 2, shape, self));
    }
    nb::object outputs(nb::handle self) { return array(layers_.back().y.get(), layers_.back().H, self); }
    nb::list states(nb::handle self) {
        nb::list result;
        for (Layer& layer : layers_) {
            result.append(array(layer.h.get(), layer.H, self));
            if (layer.has_c) result.append(array(layer.c.get(), layer.H, self));
        }
        return result;
    }

   private:
    struct Layer {
        const CellKernels* kernels = nullptr;
        int64_t H = 0;
        bool has_c = false;
        Buffer<float> y, h, c;
        Forward work{};
        Buffer<char> scratch;
    };

    void set_ids(const int64_t* ids) {
        for (int64_t row = 0; row < rows_; ++row) {
            const int64_t id = ids[row];
            check(row, id);
            if (embedding_) std::copy_n(embedding_ + id * width_, width_, x_.get() + row * width_);
            else checked_ids_[size_t(row)] = id;  // a copy: Python may write to the inputs meanwhile
        }
    }
    void advance() {
        on_threads(threads_, [this](int thread, int count) {  // rows are independent: no barrier between layers
            for (const Layer& layer : layers_) layer.kernels->forward(layer.work, thread, count);
        });
    }
    nb::object array(float* numbers, int64_t H, nb::handle self) {
        const size_t shape[] = {size_t(rows_), size_t(H)};
        return nb::cast(Array(numbers, 2, shape, self));
    }

    int64_t rows_, running_, width_ = 0, tokens_ = 0;
    int threads_;
    nb::tuple packed_;  // keeps the weights alive
    std::optional<In> table_array_, embedding_array_;
    const float *table_ = nullptr, *embedding_ = nullptr;
    const int64_t zero_[1] = {0};
    std::vector<int64_t> row_, rank_, length_, checked_ids_;  // running rows come first in rank_
    Buffer<float> x_;
    Buffer<int64_t> ids_;
    std::vector<Layer> layers_;
    std::mutex busy_;
};

}  // namespace anaphora
