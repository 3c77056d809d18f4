// Arrays from Python, and the checks they pass before a kernel gets a pointer.
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

namespace anaphora {

namespace nb = nanobind;
using In = nb::ndarray<const float, nb::c_contig, nb::device::cpu>;
using Out = nb::ndarray<float, nb::c_contig, nb::device::cpu>;  // arrays of other numbers are counted in floats
using Integers = nb::ndarray<const int64_t, nb::ndim<1>, nb::c_contig, nb::device::cpu>;

inline const Kernels& choose(const std::optional<std::string>& isa) {
    std::string names;
    for (const Kernels* kernels : available()) {
        if (!isa || *isa == kernels->name) return *kernels;
        names += (names.empty() ? "" : ", ") + std::string(kernels->name);
    }
    throw std::invalid_argument("no instruction set '" + *isa + "' on this processor; it has " + names);
}

inline Cell cell_of(const std::string& name) {
    for (int cell = 0; cell < CELLS; ++cell)
        if (name == CELL_INFO[cell].name) return Cell(cell);
    throw std::invalid_argument("no kernel for the cell '" + name + "'");
}

inline Precision precision_of(const std::string& name) {
    for (int precision = 0; precision < PRECISIONS; ++precision)
        if (name == PRECISION_NAMES[precision]) return Precision(precision);
    throw std::invalid_argument("no precision '" + name + "': it is float32, bfloat16 or int8");
}

inline std::string shape_text(const std::vector<int64_t>& shape) {
    std::string text = "[";
    for (size_t i = 0; i < shape.size(); ++i) text += (i ? ", " : "") + (shape[i] < 0 ? "*" : std::to_string(shape[i]));
    return text + "]";
}

// The array's memory, if its shape is the one expected (-1: any).
template <typename Array>
auto* data(const Array& array, const char* name, const std::vector<int64_t>& shape) {
    bool matches = array.ndim() == shape.size();
    std::vector<int64_t> actual;
    for (size_t i = 0; i < array.ndim(); ++i) {
        actual.push_back(int64_t(array.shape(i)));
        matches = matches && (shape[i] < 0 || shape[i] == actual.back());
    }
    if (!matches)
        throw std::invalid_argument(std::string(name) + " is " + shape_text(actual) + ", not " + shape_text(shape));
    if (reinterpret_cast<uintptr_t>(array.data()) % sizeof(*array.data()))
        throw std::invalid_argument(std::string(name) + " does not begin at a multiple of its numbers' size");
    return array.data();
}

template <typename Array>
auto* data(const std::optional<Array>& array, const char* name, const std::vector<int64_t>& shape, bool required) {
    if (required && !array) throw std::invalid_argument(std::string(name) + " is missing");
    using Pointer = decltype(array->data());
    return array ? data(*array, name, shape) : Pointer(nullptr);
}

// Calls body(thread, threads) on all threads.
template <typename Body>
void on_threads(int threads, const Body& body) {
    const Task task = [](void* context, int thread, int count) { (*static_cast<const Body*>(context))(thread, count); };
    run(threads, task, const_cast<Body*>(&body));
}

// The same without Python's lock.
template <typename Body>
void parallel(int threads, const Body& body) {
    const nb::gil_scoped_release released;
    on_threads(threads, body);
}

}  // namespace anaphora
