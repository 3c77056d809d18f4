// How a token is drawn from a network's scores. The rule stands, in words and in NumPy, in
// src/anaphora/runtime/sampling.py; here it is fast. This unit is compiled without fused multiplications, and all past
// the scores is done in double and in whole numbers: the same scores give the same tokens on every machine.
#pragma once
#include <cstdint>

#include "memory.h"

struct Sampling {
    double temperature;  // 0: the highest score
    int64_t top_k;       // 0: all
    double top_p, repetition_penalty;
    uint64_t seed;
    const uint8_t* banned;  // [V] or null
};

class Sampler {
   public:
    static constexpr int ID_BITS = 23;  // of a key; the others hold a weight
    static constexpr int64_t MOST_TOKENS = int64_t(1) << ID_BITS;
    enum : int64_t { NOT_NUMBERS = -1, NONE_LEFT = -2 };

    explicit Sampler(int64_t tokens);  // 1 to MOST_TOKENS; drawing takes no memory

    // A token, or what is wrong. logits and seen are [tokens]. `position` and `row` choose the random number.
    int64_t draw(const float* logits, const uint8_t* seen, const Sampling& by, uint64_t position, uint32_t row);

   private:
    template <typename Measure>
    void cut(uint64_t goal, const Measure& measure);
    uint64_t key(int64_t id) const { return weight_.get()[id] << ID_BITS | uint64_t(MOST_TOKENS - 1 - id); }
    uint64_t total() const;

    int64_t tokens_;
    Room<double> score_;     // [tokens]
    Room<uint64_t> weight_;  // [tokens] probabilities, as multiples of 2^-40 of the highest
    Room<uint64_t> keys_;    // [tokens] for `cut`
    Room<uint64_t> sum_;     // [BUCKETS]
};

// Philox4x32-10 (Salmon et al. 2011).
void philox(uint32_t (&counter)[4], uint64_t key);
