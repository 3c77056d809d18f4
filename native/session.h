// A stack of layers that takes one step at a time, for a number of rows at once, and carries their states. All memory is
// taken when it is made; a step takes none.
#pragma once
#include <mutex>

#include "packed.h"

class Session {
   public:
    // `given` are the layers, one above the other. With a table (Packed::table) or an embedding [V, D], the inputs are the
    // numbers of its rows.
    Session(const nb::list& given, int64_t rows, const std::optional<In>& table, const std::optional<In>& embedding,
            int threads)
        : rows_(rows), running_(rows), threads_(threads), alive_(nb::tuple(given)), table_array_(table), embedding_array_(embedding) {
        std::vector<const Packed*> layers;
        for (const nb::handle layer : given) layers.push_back(&nb::cast<const Packed&>(layer));
        if (layers.empty()) throw std::invalid_argument("a session needs a layer");
        if (rows < 1 || threads < 1) throw std::invalid_argument("a session needs a row and a thread");
        for (int64_t row = 0; row < rows; ++row) row_.push_back(row);
        rank_ = row_, length_.assign(size_t(rows), 1), known_.assign(size_t(rows), 0);
        const Packed& first = *layers[0];
        width_ = first.weights().D;
        if (table && embedding) throw std::invalid_argument("a session has a table or an embedding, not both");
        if (table) table_ = data(*table, "table", {-1, first.gate_floats()}), tokens_ = int64_t(table->shape(0));
        if (embedding) embedding_ = data(*embedding, "embedding", {-1, width_}), tokens_ = int64_t(embedding->shape(0));
        x_ = cleared<float>(rows * width_), ids_ = cleared<int64_t>(rows);

        const Batch batch{rows, 1, rank_.data(), length_.data(), &running_, zero_, false};
        const Places at{row_.data(), zero_};
        const float* x = x_.get();
        for (size_t place = 0; place < layers.size(); ++place) {
            const Packed& own = *layers[place];
            const int64_t H = own.weights().H;
            if (place && own.weights().D != layers[place - 1]->weights().H)
                throw std::invalid_argument("layer " + std::to_string(place) + " does not take what the one below gives");
            if (!own.can_forward()) throw std::invalid_argument("these weights are not packed for the way forward");
            Layer layer{own.cell(), &own.kind(), H, cleared<float>(rows * H), cleared<float>(rows * H),
                        cleared<float>(own.cell() == LSTM ? rows * H : 0), {}, {}};
            Forward& f = layer.work;
            f.relu = own.cell() == RNN_RELU, f.batch = batch, f.weights = own.weights();
            f.x = x, f.x_at = f.y_at = at;
            if (table_ && !place) f.table = table_, f.ids = known_.data();
            f.y = layer.y.get(), f.h0 = f.h_n = layer.h.get(), f.c_n = layer.c.get();
            layer.scratch = Room<char>(own.kind().forward_scratch(own.cell(), f, threads) * threads);
            f.scratch = layer.scratch.get();
            x = f.y;
            layers_.push_back(std::move(layer));
        }
    }

    Session(const Session&) = delete;

    void step() {
        if (takes_tokens()) take(ids_.get());
        if (threads_ == 1) return advance();
        const nb::gil_scoped_release released;
        advance();
    }

    // The same with tokens [rows] that come from elsewhere, without Python.
    void feed(const int64_t* ids) { take(ids), advance(); }

    // The rows that take steps from now on: those that are not `done` [rows]; null: all.
    void choose_rows(const uint8_t* done) {
        running_ = 0;
        int64_t past = rows_;
        for (int64_t row = rows_ - 1; row >= 0; --row)
            if (done && done[row]) rank_[size_t(--past)] = row;
        for (int64_t row = 0; row < rows_; ++row)
            if (!done || !done[row]) rank_[size_t(running_++)] = row;
        for (int64_t rank = 0; rank < rows_; ++rank) length_[size_t(rank)] = rank < running_;
    }

    void check(int64_t place, int64_t id) const {
        if (id < 0 || id >= tokens_)
            throw std::invalid_argument("ids[" + std::to_string(place) + "] is " + std::to_string(id) +
                                        ", not between 0 and " + std::to_string(tokens_ - 1));
    }

    // To be held for as long as steps are taken without Python's lock.
    std::unique_lock<std::mutex> alone() {
        std::unique_lock<std::mutex> lock(busy_, std::try_to_lock);
        if (!lock) throw std::runtime_error("a session is for one thread at a time");
        return lock;
    }

    bool takes_tokens() const { return table_ || embedding_; }
    int64_t rows() const { return rows_; }
    int64_t tokens() const { return tokens_; }                   // that it knows
    int64_t width() const { return layers_.back().H; }           // of an output
    const float* top() const { return layers_.back().y.get(); }  // the outputs

    using Array = nb::ndarray<nb::numpy, float>;
    nb::object inputs(nb::handle self) {
        const size_t shape[] = {size_t(rows_), size_t(width_)};
        if (takes_tokens()) return nb::cast(nb::ndarray<nb::numpy, int64_t>(ids_.get(), 1, shape, self));
        return nb::cast(Array(x_.get(), 2, shape, self));
    }
    nb::object outputs(nb::handle self) { return array(layers_.back().y.get(), layers_.back().H, self); }
    nb::list states(nb::handle self) {
        nb::list found;
        for (Layer& layer : layers_) {
            found.append(array(layer.h.get(), layer.H, self));
            if (layer.cell == LSTM) found.append(array(layer.c.get(), layer.H, self));
        }
        return found;
    }

   private:
    struct Layer {
        Cell cell;
        const Kind* kind;
        int64_t H;
        Room<float> y, h, c;
        Forward work;
        Room<char> scratch;
    };

    void take(const int64_t* ids) {
        for (int64_t row = 0; row < rows_; ++row) {
            const int64_t id = ids[row];
            check(row, id);
            if (embedding_) std::copy_n(embedding_ + id * width_, width_, x_.get() + row * width_);
            else known_[size_t(row)] = id;  // as it was checked: Python may write to the inputs meanwhile
        }
    }
    void advance() {
        on_threads(threads_, [this](int thread, int all) {  // its rows need no other's: no barrier between layers
            for (const Layer& layer : layers_) layer.kind->forward(layer.cell, layer.work, thread, all);
        });
    }
    nb::object array(float* numbers, int64_t H, nb::handle self) {
        const size_t shape[] = {size_t(rows_), size_t(H)};
        return nb::cast(Array(numbers, 2, shape, self));
    }

    int64_t rows_, running_, width_ = 0, tokens_ = 0;
    int threads_;
    nb::tuple alive_;  // the weights
    std::optional<In> table_array_, embedding_array_;
    const float *table_ = nullptr, *embedding_ = nullptr;
    const int64_t zero_[1] = {0};
    std::vector<int64_t> row_, rank_, length_, known_;  // places; rows that take steps come first among the ranks
    Room<float> x_;
    Room<int64_t> ids_;
    std::vector<Layer> layers_;
    std::mutex busy_;
};
