// Generates tokens: a head scores a session's outputs, a token is drawn (sampling.h), and the session reads it. A
// writer allocates everything when it is made; a token allocates nothing.
#pragma once
#include <cmath>

#include "head.h"
#include "sampling.h"
#include "session.h"

namespace anaphora {

class Writer {
   public:
    using Tokens = nb::ndarray<const int64_t, nb::c_contig, nb::device::cpu>;
    using Drawn = nb::ndarray<int64_t, nb::c_contig, nb::device::cpu>;
    using Flags = nb::ndarray<const uint8_t, nb::c_contig, nb::device::cpu>;
    using Done = nb::ndarray<uint8_t, nb::c_contig, nb::device::cpu>;

    // `threads` is for scoring and drawing; the session has its own number.
    Writer(Session& session, const Head& head, int threads)
        : session_(session), head_(head), rows_(session.rows()), tokens_(head.tokens()), threads_(threads) {
        const auto differ = [](const std::string& what, int64_t a, const std::string& other, int64_t b) {
            if (a != b) throw std::invalid_argument(what + std::to_string(a) + other + std::to_string(b));
        };
        if (threads < 1) throw std::invalid_argument("a writer needs a thread");
        if (!session.takes_tokens()) throw std::invalid_argument("a writer needs a session that takes tokens");
        differ("the head takes rows of ", head.width(), " numbers, the session gives ", session.width());
        differ("the head scores tokens: ", tokens_, ", the session knows ", session.tokens());
        if (tokens_ > Sampler::MAX_TOKENS)
            throw std::invalid_argument("a writer is for up to " + std::to_string(Sampler::MAX_TOKENS) + " tokens");
        logits_ = cleared<float>(rows_ * tokens_), seen_ = cleared<uint8_t>(rows_ * tokens_);
        next_ = cleared<int64_t>(rows_);
        scratch_ = head.scratch(threads);
        for (int thread = 0; thread < std::min<int64_t>(threads, rows_); ++thread) samplers_.emplace_back(tokens_);
    }

    Writer(const Writer&) = delete;

    // Reads the given tokens: [n], the same for all rows, or [n, rows]. If one of them is unknown, it reads none.
    void read(const Tokens& ids) {
        const bool same = ids.ndim() == 1;
        const int64_t* const given = same ? data(ids, "ids", {-1}) : data(ids, "ids", {-1, rows_});
        const int64_t n = int64_t(ids.shape(0)), rows = same ? 1 : rows_;
        const auto lock = session_.exclusive();
        const nb::gil_scoped_release released;
        for (int64_t i = 0; i < n * rows; ++i) session_.check(i / rows, given[i]);
        for (int64_t i = 0; i < n; ++i) {
            for (int64_t row = 0; row < rows_; ++row) next_.get()[row] = given[i * rows + row % rows];
            step();
        }
    }

    // Draws n tokens for each row into `out` [n, rows], fewer if all rows are done, and returns how many. A row that is
    // `done` [rows] does not advance and gets -1. A row that draws `end` reads it and is done. If scores cannot be
    // drawn from, it raises after the last token that could be drawn.
    int64_t write(const Drawn& out, double temperature, int64_t top_k, double top_p, double repetition_penalty,
                  uint64_t seed, const std::optional<Flags>& banned, int64_t end, const Done& done) {
        const auto check = [](const char* name, double value, double least, double most) {
            if (!(value >= least && value <= most && std::isfinite(value)))
                throw std::invalid_argument(std::string(name) + " is out of range");
        };
        check("temperature", temperature, 0, HUGE_VAL), check("top_k", double(top_k), 0, HUGE_VAL);
        check("top_p", top_p, 0, 1), check("repetition_penalty", repetition_penalty, 1, HUGE_VAL);
        int64_t* const to = data(out, "out", {-1, rows_});
        const int64_t n = int64_t(out.shape(0));
        const uint8_t* const ban = data(banned, "banned", {tokens_}, false);
        Sampling sampling{};
        sampling.temperature = temperature, sampling.top_k = top_k, sampling.top_p = top_p;
        sampling.repetition_penalty = repetition_penalty, sampling.seed = seed, sampling.banned = ban;
        uint8_t* const is_done = data(done, "done", {rows_});
        const auto lock = session_.exclusive();
        const nb::gil_scoped_release released;
        const AllRowsAfterwards restore{session_};
        session_.choose_rows(is_done);
        int64_t written = 0;
        for (; written < n && std::find(is_done, is_done + rows_, 0) != is_done + rows_; ++written) {
            draw(sampling, is_done);
            bool ended = false;
            for (int64_t row = 0; row < rows_; ++row) {
                const int64_t id = next_.get()[row];
                to[written * rows_ + row] = is_done[row] ? -1 : id;
                ended = ended || (!is_done[row] && id == end);
            }
            ++position;
            step(is_done);
            if (!ended) continue;
            for (int64_t row = 0; row < rows_; ++row) is_done[row] = is_done[row] || next_.get()[row] == end;
            session_.choose_rows(is_done);
        }
        return written;
    }

    // Views: the scores that the last tokens were drawn from; the tokens that each row has read (not 0).
    nb::object logits(nb::handle self) { return view(logits_.get(), self); }
    nb::object seen(nb::handle self) { return view(seen_.get(), self); }

    uint64_t position = 0;  // tokens drawn so far: the index of the next random number

   private:
    struct AllRowsAfterwards {
        Session& session;
        ~AllRowsAfterwards() { session.choose_rows(nullptr); }
    };

    template <typename T>
    nb::object view(T* numbers, nb::handle self) {
        const size_t shape[] = {size_t(rows_), size_t(tokens_)};
        return nb::cast(nb::ndarray<nb::numpy, T>(numbers, 2, shape, self));
    }

    void draw(const Sampling& sampling, const uint8_t* done) {
        head_.score(session_.top(), rows_, logits_.get(), scratch_.get(), threads_);
        on_threads(int(samplers_.size()), [&](int thread, int count) {
            for (int64_t row = thread; row < rows_; row += count) {
                if (done[row]) {
                    next_.get()[row] = 0;  // any valid token
                    continue;
                }
                const float* const scores = logits_.get() + row * tokens_;
                const uint8_t* const seen = seen_.get() + row * tokens_;
                next_.get()[row] = samplers_[size_t(thread)].draw(scores, seen, sampling, position, uint32_t(row));
            }
        });
        for (int64_t row = 0; row < rows_; ++row) {
            const int64_t id = next_.get()[row];
            if (id == Sampler::NOT_NUMBERS) throw std::invalid_argument("the network's scores are not numbers");
            if (id == Sampler::NONE_LEFT)
                throw std::invalid_argument("no token is left to draw: all are banned, or impossible by their scores");
        }
    }

    void step(const uint8_t* done = nullptr) {
        session_.feed(next_.get());
        for (int64_t row = 0; row < rows_; ++row)
            if (!done || !done[row]) seen_.get()[row * tokens_ + next_.get()[row]] = 1;
    }

    Session& session_;
    const Head& head_;
    int64_t rows_, tokens_;
    int threads_;
    Buffer<float> logits_;
    Buffer<uint8_t> seen_;
    Buffer<int64_t> next_;
    Buffer<char> scratch_;
    std::vector<Sampler> samplers_;
};

}  // namespace anaphora
