// One row at one step, as the cells see it. Cells take hidden units in vectors: u is the index of a vector, and n the
// number of its lanes that are units (LANES in all but the last vector). Arrays that only the kernels read (x W_ih,
// what is kept) are grouped by vector, with everything that belongs to one vector side by side: a step then touches few
// cache lines, and no two rows share one.
#pragma once
#include "precision.h"

namespace anaphora::ISA {

template <typename Kept>
struct Step {
    bool relu;              // relu instead of tanh
    const float* bias_h;    // [units, LANES]
    const float* h_before;  // [H]
    float* h;               // [H] out
    float* c;               // [H] where the cell has c: c before, c after
    const float* x;         // [units, GATES, LANES] x W_ih with the biases
    char* kept;             // [units] of Record: out
};

template <typename Kept>
struct StepBack {
    int64_t H;
    bool relu;
    const float* h_before;  // [H]
    const float* h;         // [H]
    const char* c_before;   // where the cell has c: the first vector of c before the step
    int64_t c_stride;       // bytes from one vector of c to the next
    const char* kept;       // [units] of Record
    float* dh;              // [H] out: the gradient of h_before, without the part that flows through W_hh
    float* dc;              // [H] where the cell has c: the gradient of c before, of c_before after
    Kept* dgates;           // [DGATES * H] out
};

// What is kept of one vector of hidden units: the gates, and c.
template <typename C, typename Kept>
struct Record {
    static constexpr int64_t C_AT = C::DGATES * LANES * int64_t(sizeof(Kept));
    static constexpr int64_t BYTES = !C::KEEPS ? 0 : C_AT + (C::HAS_C ? LANES * int64_t(sizeof(float)) : 0);

    static Kept* gates(char* kept, int64_t u) { return reinterpret_cast<Kept*>(kept + u * BYTES); }
    static const Kept* gates(const char* kept, int64_t u) { return reinterpret_cast<const Kept*>(kept + u * BYTES); }
    static float* c(char* kept, int64_t u) { return reinterpret_cast<float*>(kept + u * BYTES + C_AT); }
    static const float* c(const char* kept, int64_t u) {
        return reinterpret_cast<const float*>(kept + u * BYTES + C_AT);
    }
};

// What the table in kernels.h says of a cell.
template <Cell CELL>
struct CellBase {
    static constexpr int GATES = CELL_INFO[CELL].gates, DGATES = CELL_INFO[CELL].dgates;
    static constexpr bool KEEPS = CELL_INFO[CELL].keeps, HAS_C = CELL_INFO[CELL].has_c;
};

}  // namespace anaphora::ISA
