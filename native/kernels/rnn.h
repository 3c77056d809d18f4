// h' = tanh(x + W_hh h) or relu(x + W_hh h), where x is W_ih x with both biases (Elman 1990).
#pragma once
#include "steps.h"

namespace anaphora::ISA {

struct ElmanRnn : CellBase<RNN_TANH> {  // of RNN_RELU too, whose line in the table differs in relu alone
    static constexpr int X[GATES] = {0};
    static constexpr int H_PART = 0;

    template <typename P, bool KEEP>
    INLINE void forward(const Vec* product, const Step<typename P::Kept>& s, int64_t u, int n) {
        const Vec x = load(s.x + u * LANES) + product[0];
        store(s.h + u * LANES, s.relu ? relu(x) : P::tanh(x), n);
    }

    template <typename P>
    INLINE void backward(Vec dh, const StepBack<typename P::Kept>& s, int64_t u, int n) {  // h gives its own slope
        const int64_t j = u * LANES;
        const Vec h = load(s.h + j, n);
        store(s.dgates + j, s.relu ? (h <= broadcast(0.0f) ? Vec{} : dh) : dh * (broadcast(1.0f) - h * h), n);
        store(s.dh + j, Vec{}, n);
    }
};

}  // namespace anaphora::ISA
