// All kernels of one instruction set. The unit that includes this has opened the namespace of that name; all that is
// made here stays in it, or two sets' copies of one function would be merged by the linker into whichever came first.

#include "activations.h"
#include "precision.h"
#include "panels.h"
#include "tiles.h"
#include "steps.h"
#include "rnn.h"
#include "lstm.h"
#include "gru.h"
#include "packing.h"
#include "share.h"
#include "forward.h"
#include "matrix.h"
#include "backward.h"
#include "cross_entropy.h"

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
    static int64_t kept(Cell cell, int64_t H) { FOR_CELL(cell, return (kept_floats<C, P>(H))) }
    static int64_t scratch(Cell cell, const Forward& f, int threads) {
        FOR_CELL(cell, return (forward_scratch<C, P>(f, threads)))
    }
    static void run(Cell cell, const Forward& f, int thread, int threads) {
        const Tiles tiles(f.batch.B * f.batch.T);
        if (f.kept) FOR_CELL(cell, return (forward<C, P, P::LEARNS && KEEPS[C::CELL]>(f, thread, threads)))
        FOR_CELL(cell, return (forward<C, P, false>(f, thread, threads)))
    }
    static int64_t scratch_back(Cell cell, const Backward& f, int threads) {
        if constexpr (P::LEARNS) FOR_CELL(cell, return (backward_scratch<C, P>(f, threads)))
        else return 0;
    }
    static void run_back(Cell cell, const Backward& f, int thread, int threads) {
        const Tiles tiles(f.batch.B * f.batch.T);
        if constexpr (P::LEARNS) FOR_CELL(cell, return (backward<C, P>(f, thread, threads)))
    }
    static void run_matrix(const MatrixProduct& f, int thread, int threads) {
        const Tiles tiles(f.rows);
        matrix_product<P>(f, thread, threads);
    }
    static int64_t words_back(int64_t K, int64_t columns) {
        if constexpr (P::LEARNS) return back_words<P>(K, columns);
        else return 0;
    }
    static void pack_share_back(int64_t K, int64_t columns, const float* w, int32_t* packed, int thread, int threads) {
        if constexpr (P::LEARNS) pack_back<P>(K, columns, w, packed, thread, threads);
    }
    static int64_t sheet(const CrossEntropy& f) {
        if constexpr (P::LEARNS) return loss_sheet<P>(f);
        else return 0;
    }
    static void run_loss(const CrossEntropy& f, int thread, int threads) {
        const Tiles tiles(f.rows);
        loss_rows<P>(f, thread, threads);
    }
    static void run_loss_columns(const CrossEntropy& f, int thread, int threads) {
        const Tiles tiles(f.rows);
        if constexpr (P::LEARNS) loss_columns<P>(f, thread, threads);
    }
    static constexpr Kind kind = {words, pack_share, kept, scratch, run, scratch_back, run_back,
                                  matrix_words<P>, pack_matrix<P>, matrix_scratch<P>, run_matrix,
                                  words_back, pack_share_back, sheet, loss_scratch<P>, run_loss, run_loss_columns};
};

static int64_t any_gate_floats(Cell cell, int64_t H) { FOR_CELL(cell, return gate_floats<C>(H)) }
static int64_t any_bias_floats(Cell cell, int64_t H) { return any_gate_floats(cell, H) + Panels(H).vectors * LANES; }
static void any_pack_bias(Cell cell, int64_t H, const float* b_ih, const float* b_hh, float* packed) {
    FOR_CELL(cell, return pack_bias<C>(H, b_ih, b_hh, packed))
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
    if (precision == SINGLE) activations<Single>(x, n, sigmoids, tanhs);
    else activations<Half>(x, n, sigmoids, tanhs);
}

#define STRING_OF(name) #name
#define STRING(name) STRING_OF(name)
extern const Kernels kernels = {
    STRING(ISA), HAS_HALF, {SINGLE_KIND, Any<Half>::kind, Any<Byte>::kind},
    any_gate_floats, any_bias_floats, any_pack_bias, activations,
};
