// Arrays as Python gives them, and what is asked of them before a kernel sees a pointer.
#pragma once
#include <nanobind/nanobind.h>
#include <nanobind/ndarray.h>

#include <cstdint>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "dispatch.h"
#include "pool.h"

namespace nb = nanobind;
using nb::ssize_t;
using In = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::c_contig, nb::device::cpu>;  // what holds other numbers is counted in floats
using Ints = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

inline const Kernels& choose(const std::optional<std::string>& isa) {
    std::string names;
    for (const Kernels* kernels : available()) {
        if (!isa || *isa == kernels->name) return *kernels;
        names += (names.empty() ? "" : ", ") + std::string(kernels->name);
    }
    throw std::invalid_argument("no instruction set '" + *isa + "' on this processor; it has " + names);
}

inline Cell cell_of(const std::string& name) {
    const char* const names[CELLS] = {"rnn_tanh", "rnn_relu", "lstm", "gru"};
    for (int cell = 0; cell < CELLS; ++cell)
        if (name == names[cell]) return Cell(cell);
    throw std::invalid_argument("no kernel for the cell '" + name + "'");
}

inline Precision precision_of(const std::string& name) {
    const char* const names[PRECISIONS] = {"float32", "bfloat16", "int8"};
    for (int precision = 0; precision < PRECISIONS; ++precision)
        if (name == names[precision]) return Precision(precision);
    throw std::invalid_argument("no precision '" + name + "': it is float32, bfloat16 or int8");
}

inline std::string words(const std::vector<int64_t>& shape) {
    std::string text = "[";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + (shape[i] < 0 ? "*" : std::to_string(shape[i]));
    return text + "]";
}

// The array's memory, if its shape is the one expected (-1: any).
template <typename Array>
auto* data(const Array& array, const char* name, const std::vector<int64_t>& shape) {
    bool right = array.ndim() == shape.size();
    std::vector<int64_t> given;
    for (size_t i = 0; i < array.ndim(); ++i) {
        given.push_back(int64_t(array.shape(i)));
        right = right && (shape[i] < 0 || shape[i] == given.back());
    }
    if (!right) throw std::invalid_argument(std::string(name) + " is " + words(given) + ", not " + words(shape));
    if (reinterpret_cast<uintptr_t>(array.data()) % sizeof(*array.data()))
        throw std::invalid_argument(std::string(name) + " does not begin at a multiple of its numbers' size");
    return array.data();
}

template <typename Array>
auto* data(const std::optional<Array>& array, const char* name, const std::vector<int64_t>& shape, bool needed) {
    if (needed && !array) throw std::invalid_argument(std::string(name) + " is missing");
    using Pointer = decltype(array->data());
    return array ? data(*array, name, shape) : Pointer(nullptr);
}

// Calls body(thread, threads) on all threads.
template <typename Body>
void on_threads(int threads, const Body& body) {
    run(threads, [](void* context, int thread, int all) { (*static_cast<const Body*>(context))(thread, all); },
        const_cast<Body*>(&body));
}

// The same, and Python's lock is free meanwhile.
template <typename Body>
void parallel(int threads, const Body& body) {
    const nb::gil_scoped_release released;
    on_threads(threads, body);
}
