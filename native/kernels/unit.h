// All kernels of one instruction set, in tables. The unit that includes this has defined ISA as the set's name, and
// MULTIPLIES_BFLOAT16 if it is a set that multiplies bfloat16: such a set has no float32 kernels of its own and takes
// those of another (dispatch.cpp).
#pragma once
#include "backward.h"
#include "cross_entropy.h"
#include "forward.h"
#include "gru.h"
#include "linear_scan.h"
#include "lstm.h"
#include "rnn.h"

namespace anaphora::ISA {

template <typename C, typename P>
constexpr CellKernels cell_kernels() {
    CellKernels k{};
    k.gate_floats = gate_floats<C>;
    k.bias_floats = bias_floats<C>;
    k.pack_bias = pack_bias<C>;
    k.bias_gradients = bias_gradients<C>;
    k.packed_words = packed_words<C, P>;
    k.pack = pack<C, P>;
    k.kept_floats = kept_floats<C, P>;
    k.forward_scratch = forward_scratch<C, P>;
    k.forward = forward<C, P>;
    if constexpr (P::LEARNS) {
        k.backward_scratch = backward_scratch<C, P>;
        k.backward = backward<C, P>;
    }
    return k;
}

template <typename P>
constexpr PrecisionKernels precision_kernels() {
    PrecisionKernels k{};
#define CELL_KERNELS(id, name, Kernel, ...) k.cells[id] = cell_kernels<Kernel, P>();
    ANAPHORA_CELLS(CELL_KERNELS)
#undef CELL_KERNELS
    k.matrix_words = matrix_words<P>;
    k.pack_matrix = pack_matrix<P>;
    k.matrix_scratch = matrix_scratch<P>;
    k.matrix_product = matrix_product<P>;
    k.loss_scratch = loss_scratch<P>;
    k.loss_rows = loss_rows<P>;
    if constexpr (P::LEARNS) {
        k.back_words = back_words<P>;
        k.pack_back = pack_back<P>;
        k.loss_chunk = loss_chunk<P>;
        k.loss_columns = loss_columns<P>;
    }
    return k;
}

template <typename P>
static void activations(const float* x, int64_t n, float* sigmoids, float* tanhs) {
    for (int64_t i = 0; i < n; i += LANES) {
        const int count = n - i < LANES ? int(n - i) : LANES;
        store(sigmoids + i, P::sigmoid(load(x + i, count)), count);
        store(tanhs + i, P::tanh(load(x + i, count)), count);
    }
}
static void activations(Precision precision, const float* x, int64_t n, float* sigmoids, float* tanhs) {
    if (precision == FLOAT32) activations<Float32>(x, n, sigmoids, tanhs);
    else activations<BFloat16>(x, n, sigmoids, tanhs);
}

#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)
static constexpr Kernels all_kernels() {
    Kernels k{};
    k.name = STRING(ISA);
#if defined(MULTIPLIES_BFLOAT16)
    k.has_bfloat16 = true;
#else
    k.precisions[FLOAT32] = precision_kernels<Float32>();
#endif
    k.precisions[BFLOAT16] = precision_kernels<BFloat16>();
    k.precisions[INT8] = precision_kernels<Int8>();
    k.activations = activations;
    k.linear_scan = linear_scan;
    k.linear_scan_backward = linear_scan_backward;
    return k;
}
#undef STRING
#undef STRING_OF

extern constexpr Kernels kernels = all_kernels();

}  // namespace anaphora::ISA
