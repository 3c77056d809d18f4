// h' = tanh(x + W_hh h) or relu(x + W_hh h), where x is W_ih x with both biases (Elman 1990).

template <bool RELU>
struct Simple {
    static constexpr int GATES = 1;
    static constexpr int KEPT = 1;      // x W_ih; nothing of it is needed again: h' tells its own slope
    static constexpr bool KEEPS = false;
    static constexpr int X[GATES] = {0};
    static constexpr int H_PART = 0;
    static constexpr bool HAS_C = false;

    template <bool KEEP>
    INLINE void forward(const Vec* product, const Step& s, int64_t j, int n) {
        const Vec x = load(s.gates + j, n) + product[0];
        const Vec h = RELU ? relu(x) : tanh(x);
        store(s.h + j, h, n);
    }

    INLINE void backward(Vec dh, const StepBack& s, int64_t j, int n) {
        const Vec h = load(s.h + j, n);
        store(s.dgates + j, RELU ? (h <= all(0.0f) ? Vec{} : dh) : dh * (all(1.0f) - h * h), n);
        store(s.dh + j, Vec{}, n);
    }
};
