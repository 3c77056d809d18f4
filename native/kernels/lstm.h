// i = sigmoid(x_i + W_hi h), f = sigmoid(x_f + W_hf h), g = tanh(x_g + W_hg h), o = sigmoid(x_o + W_ho h)
// c' = f c + i g
// h' = o tanh(c')
// where x_. is W_i. x with both biases (Hochreiter and Schmidhuber 1997; Gers et al. 2000).

struct LongShortTermMemory {
    static constexpr int GATES = 4;                   // row blocks of the weights
    static constexpr int KEPT = 4;                    // columns of H that are kept: i f g o
    static constexpr bool KEEPS = true;
    static constexpr int X[GATES] = {0, 1, 2, 3};     // the weights' block behind each column of x W_ih
    static constexpr int H_PART = 0;                  // W_hh's gradients begin at this kept column
    static constexpr bool HAS_C = true;

    // product: W_h. h; s: one row at step t; n hidden units from j on.
    template <bool KEEP>
    INLINE void forward(const Vec* product, const Step& s, int64_t j, int n) {
        float *i_at = s.gates + j, *f_at = i_at + s.H, *g_at = f_at + s.H, *o_at = g_at + s.H;
        const Vec i = sigmoid(load(i_at, n) + product[0]);
        const Vec f = sigmoid(load(f_at, n) + product[1]);
        const Vec g = tanh(load(g_at, n) + product[2]);
        const Vec o = sigmoid(load(o_at, n) + product[3]);
        const Vec c = f * load(s.c + j, n) + i * g;
        store(s.c + j, c, n);
        store(s.h + j, o * tanh(c), n);
        if (KEEP) {
            store(i_at, i, n), store(f_at, f, n), store(g_at, g, n), store(o_at, o, n);
            store(s.cell + j, c, n);
        }
    }

    INLINE void backward(Vec dh, const StepBack& s, int64_t j, int n) {
        const float* at = s.gates + j;
        const Vec one = all(1.0f);
        const Vec i = load(at, n), f = load(at + s.H, n), g = load(at + 2 * s.H, n), o = load(at + 3 * s.H, n);
        const Vec tanh_c = tanh(load(s.cell + j, n));
        const Vec dc = load(s.dc + j, n) + dh * o * (one - tanh_c * tanh_c);
        store(s.dgates + j, dc * g * i * (one - i), n);
        store(s.dgates + s.H + j, dc * load(s.c_before + j, n) * f * (one - f), n);
        store(s.dgates + 2 * s.H + j, dc * i * (one - g * g), n);
        store(s.dgates + 3 * s.H + j, dh * tanh_c * o * (one - o), n);
        store(s.dc + j, dc * f, n);
        store(s.dh + j, Vec{}, n);
    }
};
