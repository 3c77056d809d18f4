// All kernels of one instruction set. The unit that includes this has opened the namespace of that name; all that is
// made here stays in it, or two sets' copies of one function would be merged by the linker into whichever came first.

#include "activations.h"
#include "precision.h"
#include "panels.h"
#include "steps.h"
#include "rnn.h"
#include "lstm.h"
#include "gru.h"
#include "scan.h"

#define FOR_CELL(cell, call)                                \
    switch (cell) {                                         \
        case LSTM: { using C = LongShortTermMemory; call; } \
        case GRU: { using C = GatedRecurrentUnit; call; }   \
        default: { using C = Simple; call; }                \
    }

template <typename P>
struct Any {
    static int64_t words(Cell cell, int64_t D, int64_t H, int which) {
        FOR_CELL(cell, return (packed_words<C, P>(D, H, which)))
    }
    static void pack_share(Cell cell, int64_t D, int64_t H, int which, const float* w, int32_t* packed, int thread,
                           int threads) {
        FOR_CELL(cell, return (pack<C, P>(D, H, which, w, packed, thread, threads)))
    }
    static int64_t scratch(Cell cell, const Forward& f, int threads) {
        FOR_CELL(cell, return (forward_scratch<C, P>(f, threads)))
    }
    static void run(Cell cell, const Forward& f, int thread, int threads) {
        if (f.gates) FOR_CELL(cell, return (forward<C, P, P::LEARNS && KEEPS[C::CELL]>(f, thread, threads)))
        FOR_CELL(cell, return (forward<C, P, false>(f, thread, threads)))
    }
    static int64_t scratch_back(Cell cell, const Backward& f, int threads) {
        if constexpr (P::LEARNS) FOR_CELL(cell, return (backward_scratch<C, P>(f, threads)))
        else return 0;
    }
    static void run_back(Cell cell, const Backward& f, int thread, int threads) {
        if constexpr (P::LEARNS) FOR_CELL(cell, return (backward<C, P>(f, thread, threads)))
    }
    static constexpr Kind kind = {words, pack_share, scratch, run, scratch_back, run_back};
};

template <typename P>
static void activations(const float* x, int64_t n, float* sigmoids, float* tanhs) {
    for (int64_t i = 0; i < n; i += LANES) {
        const int count = n - i < LANES ? int(n - i) : LANES;
        store(sigmoids + i, P::sigmoid(load(x + i, count)), count);
        store(tanhs + i, P::tanh(load(x + i, count)), count);
    }
}
static void activations(Precision precision, const float* x, int64_t n, float* sigmoids, float* tanhs) {
    if (precision == SINGLE) activations<Single>(x, n, sigmoids, tanhs);
    else activations<Half>(x, n, sigmoids, tanhs);
}

#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)
extern const Kernels kernels = {
    STRING(ISA), HAS_HALF, {SINGLE_KIND, Any<Half>::kind, Any<Byte>::kind}, activations,
};
