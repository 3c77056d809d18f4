// r = sigmoid(x_r + W_hr h)
// z = sigmoid(x_z + W_hz h)
// q = W_hn h + b_hn
// n = tanh(x_n + r q)
// h' = (1 - z) n + z h
// torch's and cuDNN's GRU: the reset gate stands after the product (Cho et al. 2014, as cuDNN computes it). x_r and x_z
// hold both biases, x_n its own.

struct GatedRecurrentUnit {
    static constexpr Cell CELL = GRU;
    static constexpr int GATES = 3, KEPT = 4;   // kept are n r z q: what x reaches stands first, what h reaches last
    static constexpr int X[GATES] = {2, 0, 1};  // n r z of the weights' r z n
    static constexpr int H_PART = 1;
    static constexpr bool HAS_C = false;

    template <typename P, bool KEEP>
    INLINE void forward(const Vec* product, const Step<typename P::Kept>& s, int64_t j, int n) {
        const float* const x = s.x + j;
        const Vec r = P::sigmoid(load(x + s.H, n) + product[0]);
        const Vec z = P::sigmoid(load(x + 2 * s.H, n) + product[1]);
        const Vec q = product[2] + load(s.bias_h + j, n);
        const Vec new_ = P::tanh(load(x, n) + r * q);
        store(s.h + j, new_ + z * (load(s.h_before + j, n) - new_), n);
        if (KEEP) {
            typename P::Kept* const kept = s.gates + j;
            store(kept, new_, n), store(kept + s.H, r, n), store(kept + 2 * s.H, z, n), store(kept + 3 * s.H, q, n);
        }
    }

    template <typename P>
    INLINE void backward(Vec dh, const StepBack<typename P::Kept>& s, int64_t j, int n) {
        const typename P::Kept* at = s.gates + j;
        const Vec one = all(1.0f);
        const Vec new_ = load(at, n), r = load(at + s.H, n), z = load(at + 2 * s.H, n), q = load(at + 3 * s.H, n);
        const Vec dn = dh * (one - z) * (one - new_ * new_);
        store(s.dgates + j, dn, n);
        store(s.dgates + s.H + j, dn * q * r * (one - r), n);
        store(s.dgates + 2 * s.H + j, dh * (load(s.h_before + j, n) - new_) * z * (one - z), n);
        store(s.dgates + 3 * s.H + j, dn * r, n);
        store(s.dh + j, dh * z, n);
    }
};
