// i = sigmoid(x_i + W_hi h), f = sigmoid(x_f + W_hf h), g = tanh(x_g + W_hg h), o = sigmoid(x_o + W_ho h)
// c' = f c + i g
// h' = o tanh(c')
// where x_. is W_i. x with both biases (Hochreiter and Schmidhuber 1997; Gers et al. 2000).
#pragma once
#include "steps.h"

namespace anaphora::ISA {

struct LongShortTermMemory : CellBase<LSTM> {
    // Gates and their gradients are ordered i f g o, as in the weights.
    static constexpr int X[GATES] = {0, 1, 2, 3};  // the weights' row block of each gate in x W_ih
    static constexpr int H_PART = 0;               // the first block of dgates that W_hh's gradient takes

    // product: W_h. h; s: one row at step t.
    template <typename P, bool KEEP>
    INLINE void forward(const Vec* product, const Step<typename P::Kept>& s, int64_t u, int n) {
        const int64_t j = u * LANES;
        const float* const x = s.x + u * GATES * LANES;
        const Vec i = P::sigmoid(load(x) + product[0]);
        const Vec f = P::sigmoid(load(x + LANES) + product[1]);
        const Vec g = P::tanh(load(x + 2 * LANES) + product[2]);
        const Vec o = P::sigmoid(load(x + 3 * LANES) + product[3]);
        const Vec c = f * load(s.c + j, n) + i * g;
        store(s.c + j, c, n);
        store(s.h + j, o * P::tanh(c), n);
        if (KEEP) {
            using Kept = Record<LongShortTermMemory, typename P::Kept>;
            auto* const kept = Kept::gates(s.kept, u);
            store(kept, i, LANES), store(kept + LANES, f, LANES);
            store(kept + 2 * LANES, g, LANES), store(kept + 3 * LANES, o, LANES);
            store(Kept::c(s.kept, u), c);
        }
    }

    template <typename P>
    INLINE void backward(Vec dh, const StepBack<typename P::Kept>& s, int64_t u, int n) {
        using Kept = Record<LongShortTermMemory, typename P::Kept>;
        const int64_t j = u * LANES;
        const auto* const at = Kept::gates(s.kept, u);
        const Vec one = broadcast(1.0f);
        const Vec i = load(at, LANES), f = load(at + LANES, LANES);
        const Vec g = load(at + 2 * LANES, LANES), o = load(at + 3 * LANES, LANES);
        const Vec tanh_c = P::tanh(load(Kept::c(s.kept, u)));
        const Vec c_before = load(reinterpret_cast<const float*>(s.c_before + u * s.c_stride), n);
        const Vec dc = load(s.dc + j, n) + dh * o * (one - tanh_c * tanh_c);
        store(s.dgates + j, dc * g * i * (one - i), n);
        store(s.dgates + s.H + j, dc * c_before * f * (one - f), n);
        store(s.dgates + 2 * s.H + j, dc * i * (one - g * g), n);
        store(s.dgates + 3 * s.H + j, dh * tanh_c * o * (one - o), n);
        store(s.dc + j, dc * f, n);
        store(s.dh + j, Vec{}, n);
    }
};

}  // namespace anaphora::ISA
