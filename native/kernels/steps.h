// One row at one step, as the cells see it; n hidden units are read and written at a time.

struct Step {
    int64_t H;
    const float* bias_h;    // [H]
    const float* h_before;  // [H]
    float* h;               // [H] out
    float* c;               // [H] LSTM: c before, c after
    float* gates;           // [KEPT * H] x W_ih before, the gates after
    float* cell;            // [H] LSTM: out, a copy of c to keep
};

struct StepBack {
    int64_t H;
    const float* h_before;  // [H]
    const float* h;         // [H]
    const float* c_before;  // [H]
    const float* cell;      // [H] LSTM: c after the step
    const float* gates;     // [KEPT * H]
    float* dh;              // [H] out: what reaches h_before past the product with W_hh
    float* dc;              // [H] LSTM: of c before, of c_before after
    float* dgates;          // [KEPT * H] out
};
