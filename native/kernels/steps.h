// One row at one step, as the cells see it; n hidden units are read and written at a time. `Kept` is the kind of number
// that the gates are kept in.

template <typename Kept>
struct Step {
    int64_t H;
    bool relu;              // a plain cell with relu in the place of tanh
    const float* bias_h;    // [H]
    const float* h_before;  // [H]
    float* h;               // [H] out
    float* c;               // [H] LSTM: c before, c after
    const float* x;         // [KEPT * H] x W_ih with the biases
    Kept* gates;            // [KEPT * H] out, to keep
    float* cell;            // [H] LSTM: out, a copy of c to keep
};

template <typename Kept>
struct StepBack {
    int64_t H;
    bool relu;              // a plain cell with relu in the place of tanh
    const float* h_before;  // [H]
    const float* h;         // [H]
    const float* c_before;  // [H]
    const float* cell;      // [H] LSTM: c after the step
    const Kept* gates;      // [KEPT * H]
    float* dh;              // [H] out: what reaches h_before past the product with W_hh
    float* dc;              // [H] LSTM: of c before, of c_before after
    Kept* dgates;           // [KEPT * H] out
};
