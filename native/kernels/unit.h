// All kernels of one instruction set. The unit that includes this has opened the namespace of that name; all that is
// made here stays in it, or two sets' copies of one function would be merged by the linker into whichever came first.

#include "activations.h"
#include "panels.h"
#include "steps.h"
#include "rnn.h"
#include "lstm.h"
#include "gru.h"
#include "scan.h"

#define FOR_CELL(cell, call)                              \
    switch (cell) {                                       \
        case RNN_TANH: { using C = Simple<false>; call; } \
        case RNN_RELU: { using C = Simple<true>; call; }  \
        case LSTM: { using C = LongShortTermMemory; call; } \
        default: { using C = GatedRecurrentUnit; call; }  \
    }

static int64_t any_packed_floats(Cell cell, int64_t D, int64_t H, int which) {
    FOR_CELL(cell, return packed_floats<C>(D, H, which))
}
static void any_pack(Cell cell, int64_t D, int64_t H, int which, const float* w, float* packed, int thread,
                     int threads) {
    FOR_CELL(cell, return pack<C>(D, H, which, w, packed, thread, threads))
}
static int64_t any_forward_scratch(Cell cell, const Forward& f, int threads) {
    FOR_CELL(cell, return forward_scratch<C>(f, threads))
}
static void any_forward(Cell cell, const Forward& f, int thread, int threads) {
    if (f.gates) FOR_CELL(cell, return (forward<C, C::KEEPS>(f, thread, threads)))
    FOR_CELL(cell, return (forward<C, false>(f, thread, threads)))
}
static int64_t any_backward_scratch(Cell cell, const Backward& f, int threads) {
    FOR_CELL(cell, return backward_scratch<C>(f, threads))
}
static void any_backward(Cell cell, const Backward& f, int thread, int threads) {
    FOR_CELL(cell, return backward<C>(f, thread, threads))
}
static void activations(const float* x, int64_t n, float* sigmoids, float* tanhs) {
    for (int64_t i = 0; i < n; i += LANES) {
        const int count = n - i < LANES ? int(n - i) : LANES;
        store(sigmoids + i, sigmoid(load(x + i, count)), count);
        store(tanhs + i, tanh(load(x + i, count)), count);
    }
}

#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)
extern const Kernels kernels = {
    STRING(ISA),         any_packed_floats,    any_pack,     any_forward_scratch, any_forward,
    any_backward_scratch, any_backward,        activations,
};
