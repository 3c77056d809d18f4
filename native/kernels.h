// What the instruction sets' units offer, and what they are given. Plain data: nothing here is compiled twice.
#pragma once
#include <cstdint>

enum Cell { RNN_TANH, RNN_RELU, LSTM, GRU, CELLS };
constexpr int GATES_OF[CELLS] = {1, 1, 4, 3};  // row blocks of the weights
constexpr int KEPT_OF[CELLS] = {1, 1, 4, 4};   // columns of H that the gates' gradients take
constexpr bool KEEPS[CELLS] = {false, false, true, true};

// What weights and the rows that they are multiplied with are rounded to; all else is float.
enum Precision { SINGLE, HALF, BYTE, PRECISIONS };

// Where place t of row b stands in an array of rows: data + (row[b] + time[t]) * width. Batch first, time first,
// packed and concatenated sequences are all of this form.
struct Places {
    const int64_t* row;   // [B]
    const int64_t* time;  // [T]
};

// A ragged batch. A rank is a row's number among the rows sorted by length, longest first; at step t the ranks
// 0 .. alive[t] - 1 are still running. Step t of a reversed row is its place length - 1 - t.
struct Batch {
    int64_t B, T;
    const int64_t* row;     // [B] rank -> row
    const int64_t* length;  // [B] by rank
    const int64_t* alive;   // [T]
    const int64_t* kept;    // [T] where step t stands in what is kept: rank r at kept[t] + r
    bool reverse;
};

// One direction's weights, in panels (kernels/panels.h).
struct Weights {
    int64_t D, H;
    const int32_t* ih;       // W_ih, for x -> gates
    const int32_t* hh;       // W_hh, for h -> gates
    const float* bias;       // the biases, as pack_bias has laid them out
    const int32_t* ih_back;  // W_ih, for dgates -> dx
    const int32_t* hh_back;  // W_hh, for dgates -> dh
};

struct Forward {
    bool relu;           // RNN_RELU
    Batch batch;
    Weights weights;
    const float* x;      // [*, D]
    const int64_t* ids;  // [*] in the place of x: rows of the table
    const float* table;  // [*, gate_floats] x W_ih with the biases
    Places x_at;
    float* y;            // [*, H]
    Places y_at;
    const float* h0;     // [B, H]
    float* h_n;          // [B, H]
    float* c_n;          // [B, H] LSTM: c0 when it begins
    void* kept;          // [*, kept_floats] for the way back, or null
    void* scratch;       // threads * forward_scratch bytes
};

// A gradient that every thread adds up for itself: the first where it is wanted, the others beside.
struct Sum {
    float* total;
    float* parts;
    int64_t size;
};

struct Backward {
    bool relu;           // RNN_RELU
    Batch batch;
    Weights weights;
    const float* x;      // [*, D]
    Places x_at;
    const float* y;      // [*, H]
    const float* dy;     // [*, H], at y's places
    Places y_at;
    const float* h0;     // [B, H]
    const float* c0;     // [B, H]
    const void* kept;    // [*, kept_floats]
    float* dh;           // [B, H] the gradient of h_n before, of h0 after
    float* dc;           // [B, H] the same of c
    float* dx;           // [*, D] at x's places, or null
    Sum dw[3];           // W_ih's [gates * H, D] in the kept order, W_hh's [gates * H, H], the biases' [KEPT * H]
    void* scratch;       // threads * backward_scratch bytes
};

// y = x W^T + bias, for a matrix W that belongs to no cell.
struct MatrixProduct {
    int64_t rows, K, columns;
    const int32_t* matrix;  // W [columns, K], as pack_matrix has laid it out
    const float* bias;      // [columns], or null
    const float* x;         // [rows, K]
    float* y;               // [rows, columns]
    void* scratch;          // threads * matrix_scratch bytes
};

// The loss of rows whose targets are columns of x W^T + bias, and its gradients.
struct CrossEntropy {
    int64_t rows, K, columns;  // as many rows as the sheet is for
    const int32_t* matrix;     // W [columns, K], as pack_matrix has laid it out
    const int32_t* back;       // the same, as pack_back has
    const float* bias;         // [columns]
    const float* x;            // [rows, K]
    const int64_t* targets;    // [rows]
    float share;               // of the whole loss that a row is
    float* found;              // [rows, 2] the target's log-probability, and 1 where no column has more
    float* dx;                 // [rows, K], or null: no gradients are wanted
    float* dw;                 // [columns, K]
    float* db;                 // [columns]
    bool add;                  // false: dw and db are not read, but written
    void* sheet;               // loss_sheet bytes, for gradients
    void* scratch;             // threads * loss_scratch bytes
};

// The kernels of one precision.
struct Kind {
    // Words that each packing takes, and the packing of the panels of one share of threads.
    int64_t (*packed_words)(Cell, int64_t D, int64_t H, int which);
    void (*pack)(Cell, int64_t D, int64_t H, int which, const float* w, int32_t* packed, int thread, int threads);
    int64_t (*kept_floats)(Cell, int64_t H);  // of a row and step, for the way back
    int64_t (*forward_scratch)(Cell, const Forward&, int threads);
    void (*forward)(Cell, const Forward&, int thread, int threads);
    int64_t (*backward_scratch)(Cell, const Backward&, int threads);
    void (*backward)(Cell, const Backward&, int thread, int threads);
    int64_t (*matrix_words)(int64_t K, int64_t columns);
    void (*pack_matrix)(int64_t K, int64_t columns, const float* w, int32_t* packed, int thread, int threads);
    int64_t (*matrix_scratch)(int64_t K);  // bytes of a thread, for any number of rows
    void (*matrix_product)(const MatrixProduct&, int thread, int threads);
    int64_t (*back_words)(int64_t K, int64_t columns);
    void (*pack_back)(int64_t K, int64_t columns, const float* w, int32_t* packed, int thread, int threads);
    int64_t (*loss_sheet)(const CrossEntropy&);
    int64_t (*loss_scratch)(const CrossEntropy&);
    void (*loss_rows)(const CrossEntropy&, int thread, int threads);     // what is found, and dx
    void (*loss_columns)(const CrossEntropy&, int thread, int threads);  // dw and db, when all rows are done
};

struct Kernels {
    const char* name;
    bool has_half;  // multiplies bfloat16 faster than float
    Kind kinds[PRECISIONS];
    int64_t (*gate_floats)(Cell, int64_t H);  // of a row of x W_ih
    int64_t (*bias_floats)(Cell, int64_t H);
    void (*pack_bias)(Cell, int64_t H, const float* b_ih, const float* b_hh, float* packed);  // null: zeros
    void (*activations)(Precision, const float* x, int64_t n, float* sigmoid, float* tanh);
};

enum { IH, HH, IH_BACK, HH_BACK };

namespace portable { extern const Kernels kernels; }
#if defined(__x86_64__)
namespace avx2 { extern const Kernels kernels; }
namespace avx512 { extern const Kernels kernels; }
namespace avx512_bf16 { extern const Kernels kernels; }
#if defined(__linux__)
namespace amx { extern const Kernels kernels; }
#endif
#endif
