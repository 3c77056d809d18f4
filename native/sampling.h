// Draws tokens from a network's scores. src/anaphora/runtime/sampling.py defines the rule, in words and in NumPy; this
// is the fast version. The unit is compiled without fused multiplications, and everything after the scores is computed
// in double and in integers, so the same scores give the same tokens on every machine.
#pragma once
#include <cstdint>

#include "memory.h"

namespace anaphora {

struct Sampling {
    double temperature;  // 0: the highest score
    int64_t top_k;       // 0: all
    double top_p, repetition_penalty;
    uint64_t seed;
    const uint8_t* banned;  // [V] or null
};

class Sampler {
   public:
    static constexpr int ID_BITS = 23;  // of a key; its other bits hold a weight
    static constexpr int64_t MAX_TOKENS = int64_t(1) << ID_BITS;
    enum : int64_t { NOT_NUMBERS = -1, NONE_LEFT = -2 };

    explicit Sampler(int64_t tokens);  // 1 to MAX_TOKENS; drawing allocates nothing

    // A token, or one of the errors above. logits and seen are [tokens]. `position` and `row` select the random number.
    int64_t draw(const float* logits, const uint8_t* seen, const Sampling& by, uint64_t position, uint32_t row);

   private:
    template <typename Measure>
    void cut(uint64_t goal, const Measure& measure);
    uint64_t key(int64_t id) const { return weight_.get()[id] << ID_BITS | uint64_t(MAX_TOKENS - 1 - id); }
    uint64_t total() const;

    int64_t tokens_;
    Buffer<double> score_;     // [tokens]
    Buffer<uint64_t> weight_;  // [tokens] probabilities, in multiples of 2^-40 of the highest
    Buffer<uint64_t> keys_;    // [tokens] for `cut`
    Buffer<uint64_t> sum_;     // [BUCKETS]
};

// Philox4x32-10 (Salmon et al. 2011).
void philox(uint32_t (&counter)[4], uint64_t key);

}  // namespace anaphora
