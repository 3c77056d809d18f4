// One row at one step, as the cells see it. Hidden units are taken in vectors: u is a vector's number, n says how many of
// its lanes are units (all but in the last). What only the kernels read (x W_ih, what is kept) lies vector by vector with
// all that belongs to one side by side, in whole vectors: a step touches few lines of the cache, and no two rows' the same.

template <typename Kept>
struct Step {
    bool relu;              // a plain cell with relu in the place of tanh
    const float* bias_h;    // [units, LANES]
    const float* h_before;  // [H]
    float* h;               // [H] out
    float* c;               // [H] LSTM: c before, c after
    const float* x;         // [units, GATES, LANES] x W_ih with the biases
    char* kept;             // [units] of Record: out
};

template <typename Kept>
struct StepBack {
    int64_t H;
    bool relu;
    const float* h_before;  // [H]
    const float* h;         // [H]
    const char* c_before;   // LSTM: the first vector of c before the step
    int64_t c_stride;       // bytes from one of them to the next
    const char* kept;       // [units] of Record
    float* dh;              // [H] out: what reaches h_before past the product with W_hh
    float* dc;              // [H] LSTM: of c before, of c_before after
    Kept* dgates;           // [KEPT * H] out
};

// What is kept of one vector of hidden units: the gates, and c.
template <typename C, typename Kept>
struct Record {
    static constexpr int64_t C_AT = C::KEPT * LANES * int64_t(sizeof(Kept));
    static constexpr int64_t BYTES = !KEEPS[C::CELL] ? 0 : C_AT + (C::HAS_C ? LANES * int64_t(sizeof(float)) : 0);

    static Kept* gates(char* kept, int64_t u) { return reinterpret_cast<Kept*>(kept + u * BYTES); }
    static const Kept* gates(const char* kept, int64_t u) { return reinterpret_cast<const Kept*>(kept + u * BYTES); }
    static float* c(char* kept, int64_t u) { return reinterpret_cast<float*>(kept + u * BYTES + C_AT); }
    static const float* c(const char* kept, int64_t u) { return reinterpret_cast<const float*>(kept + u * BYTES + C_AT); }
};
