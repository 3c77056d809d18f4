// The interface between the kernels and their callers: plain data and tables of functions. Nothing here is compiled
// once per instruction set.
//
// Contract of all kernels:
// - `scratch` is aligned to 64 bytes. Every thread uses its own part of it, of as many bytes as the matching *_scratch
//   function returns (a multiple of 64). Its contents are undefined before and after a call.
// - Arrays of the caller are never read or written outside of the shape in their comment. Rows of bfloat16 and int8
//   numbers are copied to scratch first; a matrix tile always loads 16 of those and may read rows past the last.
//   Scratch has room for whole tiles, and what is read there reaches no result.
// - A kernel is called once for every thread of `threads`. Threads do not wait for each other.
#pragma once
#include <cstdint>

namespace anaphora {

// The cells. A new cell takes four steps: its kernel in kernels/NAME.h, its line here, its #include in kernels/unit.h,
// and its name in Python (src/anaphora/engine/native.py).
//
// name    as Python spells it
// Kernel  the class in kernels/NAME.h
// gates   row blocks of H in the weights
// dgates  blocks of H in the gates' gradients: one more than gates where x and h reach a gate separately (GRU's n)
// keeps   whether forward keeps the gates' values for backward; without, backward needs h only
// has_c   whether there is a second state c
// relu    whether relu takes the place of tanh
//       id        name        Kernel              gates dgates keeps  has_c  relu
#define ANAPHORA_CELLS(CELL)                                         \
    CELL(RNN_TANH, "rnn_tanh", ElmanRnn, 1, 1, false, false, false)  \
    CELL(RNN_RELU, "rnn_relu", ElmanRnn, 1, 1, false, false, true)   \
    CELL(LSTM, "lstm", LongShortTermMemory, 4, 4, true, true, false) \
    CELL(GRU, "gru", GatedRecurrentUnit, 3, 4, true, false, false)

struct CellInfo {
    const char* name;
    int gates, dgates;
    bool keeps, has_c, relu;
};

#define ANAPHORA_CELL_ID(id, ...) id,
enum Cell { ANAPHORA_CELLS(ANAPHORA_CELL_ID) CELLS };
#undef ANAPHORA_CELL_ID

#define ANAPHORA_CELL_INFO(id, name, Kernel, gates, dgates, keeps, has_c, relu) \
    {name, gates, dgates, keeps, has_c, relu},
constexpr CellInfo CELL_INFO[CELLS] = {ANAPHORA_CELLS(ANAPHORA_CELL_INFO)};
#undef ANAPHORA_CELL_INFO

// The type that weights, and the rows they are multiplied with, are rounded to. Everything else is float32.
enum Precision { FLOAT32, BFLOAT16, INT8, PRECISIONS };
constexpr const char* PRECISION_NAMES[PRECISIONS] = {"float32", "bfloat16", "int8"};

// Position t of row b is at data + (row[b] + time[t]) * width. Covers batch-first, time-first, packed and concatenated
// sequences.
struct Positions {
    const int64_t* row;   // [B]
    const int64_t* time;  // [T]
};

// A ragged batch. A rank is the index of a row among the rows sorted by length, longest first. At step t the ranks
// 0 .. alive[t] - 1 are still running. Step t of a reversed row is its position length - 1 - t.
struct Batch {
    int64_t B, T;
    const int64_t* row;     // [B] rank -> row
    const int64_t* length;  // [B] by rank
    const int64_t* alive;   // [T]
    const int64_t* kept;    // [T] index of step t in `kept` arrays: rank r is at kept[t] + r
    bool reverse;
};

// The layouts that weights are packed in (kernels/packing.h).
enum Packing { IH, HH, IH_BACK, HH_BACK, PACKINGS };

// The weights of one direction, packed in panels (kernels/panels.h).
struct Weights {
    int64_t D, H;
    const int32_t* ih;       // W_ih, for x -> gates
    const int32_t* hh;       // W_hh, for h -> gates
    const float* bias;       // the biases, in the layout of pack_bias
    const int32_t* ih_back;  // W_ih, for dgates -> dx
    const int32_t* hh_back;  // W_hh, for dgates -> dh
};

struct Forward {
    bool relu;  // CellInfo::relu
    Batch batch;
    Weights weights;
    const float* x;      // [*, D]
    const int64_t* ids;  // [*] instead of x: indices of the table's rows
    const float* table;  // [*, gate_floats] x W_ih with the biases
    Positions x_at;
    float* y;  // [*, H]
    Positions y_at;
    const float* h0;  // [B, H]
    float* h_n;       // [B, H]
    float* c_n;       // [B, H] where the cell has c: c0 before, c_n after
    void* kept;       // [*, kept_floats] for backward, or null
    void* scratch;    // threads * forward_scratch bytes
};

// A gradient that every thread sums for itself: the first one in `total`, the others in `parts`.
struct GradientSum {
    float* total;  // [size]
    float* parts;  // [threads - 1, size]
    int64_t size;
};

struct Backward {
    bool relu;  // CellInfo::relu
    Batch batch;
    Weights weights;
    const float* x;  // [*, D]
    Positions x_at;
    const float* y;   // [*, H]
    const float* dy;  // [*, H], at y's positions
    Positions y_at;
    const float* h0;    // [B, H]
    const float* c0;    // [B, H]
    const void* kept;   // [*, kept_floats]
    float* dh;          // [B, H] the gradient of h_n before, of h0 after
    float* dc;          // [B, H] the same for c
    float* dx;          // [*, D] at x's positions, or null
    GradientSum dw_ih;  // [gates * H, D]
    GradientSum dw_hh;  // [gates * H, H]
    GradientSum db;     // [dgates * H], to be read with bias_gradients
    void* scratch;      // threads * backward_scratch bytes
};

// y = x W^T + bias, for a matrix W that belongs to no cell.
struct MatrixProduct {
    int64_t rows, K, columns;
    const int32_t* matrix;  // W [columns, K], in the layout of pack_matrix
    const float* bias;      // [columns], or null
    const float* x;         // [rows, K]
    float* y;               // [rows, columns]
    void* scratch;          // threads * matrix_scratch bytes
};

// The cross-entropy of rows whose classes are columns of x W^T + bias, and its gradients.
struct CrossEntropy {
    int64_t rows, K, columns;  // rows of one chunk
    const int32_t* matrix;     // W [columns, K], in the layout of pack_matrix
    const int32_t* back;       // the same, in the layout of pack_back
    const float* bias;         // [columns]
    const float* x;            // [rows, K]
    const int64_t* targets;    // [rows]
    float share;               // the weight of one row in the loss
    float* result;             // [rows, 2] the target's log-probability, and 1 where no column has a higher one
    float* dx;                 // [rows, K], or null: no gradients are wanted
    float* dw;                 // [columns, K]
    float* db;                 // [columns]
    bool add;                  // whether dw and db are added to; otherwise they are overwritten
    void* chunk;               // loss_chunk bytes, aligned to 64, for gradients
    void* scratch;             // threads * loss_scratch bytes
};

// h[t] = a[t] * h[t - 1] + b[t], elementwise (kernels/linear_scan.h). Only batch.B, row, length and reverse are read.
// Arrays may not overlap. What lies past a row's end is neither read nor written.
struct LinearScan {
    Batch batch;
    int64_t T, H;
    const float* a;   // [B, T, H]
    const float* b;   // [B, T, H]
    const float* h0;  // [B, H]
    float* y;         // [B, T, H] h after every step
    float* h_n;       // [B, H] h after the last step of each row; h0 where the row is empty
};

struct LinearScanBackward {
    Batch batch;
    int64_t T, H;
    const float* a;     // [B, T, H]
    const float* h0;    // [B, H]
    const float* y;     // [B, T, H] as the scan wrote it
    const float* dy;    // [B, T, H]
    const float* dh_n;  // [B, H]
    float* da;          // [B, T, H]
    float* db;          // [B, T, H]
    float* dh0;         // [B, H]
};

// The kernels of one cell in one precision. int8 has no backward: there the last two are null.
struct CellKernels {
    int64_t (*gate_floats)(int64_t H);  // floats in one row of x W_ih
    int64_t (*bias_floats)(int64_t H);
    void (*pack_bias)(int64_t H, const float* b_ih, const float* b_hh, float* packed);  // null: zeros
    // From the summed db [dgates * H] the two biases' gradients [gates * H].
    void (*bias_gradients)(int64_t H, const float* db, float* db_ih, float* db_hh);
    int64_t (*packed_words)(int64_t D, int64_t H, Packing which);
    void (*pack)(int64_t D, int64_t H, Packing which, const float* w, int32_t* packed, int thread, int threads);
    int64_t (*kept_floats)(int64_t H);  // per row and step, for backward
    int64_t (*forward_scratch)(const Forward&, int threads);
    void (*forward)(const Forward&, int thread, int threads);
    int64_t (*backward_scratch)(const Backward&, int threads);
    void (*backward)(const Backward&, int thread, int threads);
};

// The kernels of one precision. int8 has no gradients: there back_words, pack_back, loss_chunk and loss_columns are
// null.
struct PrecisionKernels {
    CellKernels cells[CELLS];
    int64_t (*matrix_words)(int64_t K, int64_t columns);
    void (*pack_matrix)(int64_t K, int64_t columns, const float* w, int32_t* packed, int thread, int threads);
    int64_t (*matrix_scratch)(int64_t K);  // for any number of rows
    void (*matrix_product)(const MatrixProduct&, int thread, int threads);
    int64_t (*back_words)(int64_t K, int64_t columns);
    void (*pack_back)(int64_t K, int64_t columns, const float* w, int32_t* packed, int thread, int threads);
    int64_t (*loss_chunk)(const CrossEntropy&);
    int64_t (*loss_scratch)(const CrossEntropy&);
    void (*loss_rows)(const CrossEntropy&, int thread, int threads);     // result and dx
    void (*loss_columns)(const CrossEntropy&, int thread, int threads);  // dw and db, after loss_rows of all threads
};

// The kernels of one instruction set.
struct Kernels {
    const char* name;
    bool has_bfloat16;  // whether it multiplies bfloat16 faster than float32
    PrecisionKernels precisions[PRECISIONS];
    void (*activations)(Precision, const float* x, int64_t n, float* sigmoid, float* tanh);
    void (*linear_scan)(const LinearScan&, int thread, int threads);
    void (*linear_scan_backward)(const LinearScanBackward&, int thread, int threads);
};

namespace portable {
extern const Kernels kernels;
}
#if defined(__x86_64__)
namespace avx2 {
extern const Kernels kernels;
}
namespace avx512 {
extern const Kernels kernels;
}
namespace avx512_bf16 {
extern const Kernels kernels;
}
#if defined(__linux__)
namespace amx {
extern const Kernels kernels;
}
#endif
#endif

}  // namespace anaphora
