// r = sigmoid(x_r + W_hr h)
// z = sigmoid(x_z + W_hz h)
// q = W_hn h + b_hn
// n = tanh(x_n + r q)
// h' = (1 - z) n + z h
// torch's and cuDNN's GRU: the reset gate stands after the product (Cho et al. 2014, as cuDNN computes it). x_r and x_z
// hold both biases, x_n its own.

struct GatedRecurrentUnit {
    static constexpr int GATES = 3;
    static constexpr int KEPT = 4;              // n r z q: what x reaches stands first, what h reaches last
    static constexpr bool KEEPS = true;
    static constexpr int X[GATES] = {2, 0, 1};  // n r z of the weights' r z n
    static constexpr int H_PART = 1;
    static constexpr bool HAS_C = false;

    template <bool KEEP>
    INLINE void forward(const Vec* product, const Step& s, int64_t j, int n) {
        float *n_at = s.gates + j, *r_at = n_at + s.H, *z_at = r_at + s.H, *q_at = z_at + s.H;
        const Vec r = sigmoid(load(r_at, n) + product[0]);
        const Vec z = sigmoid(load(z_at, n) + product[1]);
        const Vec q = product[2] + load(s.bias_h + j, n);
        const Vec new_ = tanh(load(n_at, n) + r * q);
        store(s.h + j, new_ + z * (load(s.h_before + j, n) - new_), n);
        if (KEEP) store(n_at, new_, n), store(r_at, r, n), store(z_at, z, n), store(q_at, q, n);
    }

    INLINE void backward(Vec dh, const StepBack& s, int64_t j, int n) {
        const float* at = s.gates + j;
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
