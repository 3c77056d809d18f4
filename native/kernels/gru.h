// r = sigmoid(x_r + W_hr h)
// z = sigmoid(x_z + W_hz h)
// q = W_hn h + b_hn
// n = tanh(x_n + r q)
// h' = (1 - z) n + z h
// The GRU of torch and cuDNN: the reset gate is applied after the product (Cho et al. 2014, as cuDNN computes it). x_r
// and x_z include both biases, x_n its own.
#pragma once
#include "steps.h"

namespace anaphora::ISA {

struct GatedRecurrentUnit : CellBase<GRU> {
    // Kept values and gradients are ordered n r z q: x reaches the first three, h the last three.
    static constexpr int X[GATES] = {2, 0, 1};  // n r z among the weights' r z n
    static constexpr int H_PART = 1;            // the last three are r z q, the weights' order

    template <typename P, bool KEEP>
    INLINE void forward(const Vec* product, const Step<typename P::Kept>& s, int64_t u, int n) {
        const int64_t j = u * LANES;
        const float* const x = s.x + u * GATES * LANES;
        const Vec r = P::sigmoid(load(x + LANES) + product[0]);
        const Vec z = P::sigmoid(load(x + 2 * LANES) + product[1]);
        const Vec q = product[2] + load(s.bias_h + j);
        const Vec new_ = P::tanh(load(x) + r * q);
        store(s.h + j, new_ + z * (load(s.h_before + j, n) - new_), n);
        if (KEEP) {
            auto* const kept = Record<GatedRecurrentUnit, typename P::Kept>::gates(s.kept, u);
            store(kept, new_, LANES), store(kept + LANES, r, LANES);
            store(kept + 2 * LANES, z, LANES), store(kept + 3 * LANES, q, LANES);
        }
    }

    template <typename P>
    INLINE void backward(Vec dh, const StepBack<typename P::Kept>& s, int64_t u, int n) {
        const int64_t j = u * LANES;
        const auto* const at = Record<GatedRecurrentUnit, typename P::Kept>::gates(s.kept, u);
        const Vec one = broadcast(1.0f);
        const Vec new_ = load(at, LANES), r = load(at + LANES, LANES);
        const Vec z = load(at + 2 * LANES, LANES), q = load(at + 3 * LANES, LANES);
        const Vec dn = dh * (one - z) * (one - new_ * new_);
        store(s.dgates + j, dn, n);
        store(s.dgates + s.H + j, dn * q * r * (one - r), n);
        store(s.dgates + 2 * s.H + j, dh * (load(s.h_before + j, n) - new_) * z * (one - z), n);
        store(s.dgates + 3 * s.H + j, dn * r, n);
        store(s.dh + j, dh * z, n);
    }
};

}  // namespace anaphora::ISA
