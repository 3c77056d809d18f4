// The Python module. All sizes are checked here, once, before a kernel gets a pointer.

#include <nanobind/stl/optional.h>
#include <nanobind/stl/string.h>
#include <nanobind/stl/vector.h>

#include <new>

#include "cross_entropy.h"
#include "linear_scan.h"
#include "packed.h"
#include "session.h"
#include "writer.h"

using namespace anaphora;

NB_MODULE(_native, m) {
    nb::set_leak_warnings(false);  // a torch graph that is alive when the program ends keeps its weights
    nb::class_<Packed>(m, "Packed")
        .def(nb::init<const std::string&, const In&, const In&, const std::optional<In>&, const std::optional<In>&,
                      bool, bool, const std::string&, const std::optional<std::string>&, int>(),
             nb::arg("cell"), nb::arg("weight_ih").noconvert(), nb::arg("weight_hh").noconvert(),
             nb::arg("bias_ih").noconvert().none(), nb::arg("bias_hh").noconvert().none(), nb::arg("forward"),
             nb::arg("backward"), nb::arg("precision"), nb::arg("isa").none(), nb::arg("threads"))
        .def("forward", &Packed::forward, nb::arg("x").noconvert(), nb::arg("x_row").noconvert(),
             nb::arg("x_time").noconvert(), nb::arg("lengths").noconvert(), nb::arg("reverse"),
             nb::arg("h0").noconvert(), nb::arg("y").noconvert(), nb::arg("y_row").noconvert(),
             nb::arg("y_time").noconvert(), nb::arg("h_n").noconvert(), nb::arg("c_n").noconvert().none(),
             nb::arg("kept").noconvert().none(), nb::arg("threads"))
        .def("backward", &Packed::backward, nb::arg("x").noconvert(), nb::arg("x_row").noconvert(),
             nb::arg("x_time").noconvert(), nb::arg("lengths").noconvert(), nb::arg("reverse"),
             nb::arg("h0").noconvert(), nb::arg("c0").noconvert().none(), nb::arg("y").noconvert(),
             nb::arg("dy").noconvert(), nb::arg("y_row").noconvert(), nb::arg("y_time").noconvert(),
             nb::arg("kept").noconvert().none(), nb::arg("dh").noconvert(), nb::arg("dc").noconvert().none(),
             nb::arg("dx").noconvert().none(), nb::arg("dw_ih").noconvert(), nb::arg("dw_hh").noconvert(),
             nb::arg("db_ih").noconvert(), nb::arg("db_hh").noconvert(), nb::arg("threads"))
        .def("table", &Packed::table, nb::arg("values").noconvert())
        .def_prop_ro("isa", &Packed::isa)
        .def_prop_ro("hidden", &Packed::hidden)
        .def_prop_ro("numbers", &Packed::numbers)
        .def_prop_ro("gate_floats", &Packed::gate_floats);
    // Its arrays are views of its memory.
    nb::class_<Session>(m, "Session")
        .def(nb::init<const nb::list&, int64_t, const std::optional<In>&, const std::optional<In>&, int>(),
             nb::arg("layers"), nb::arg("rows"), nb::arg("table").noconvert().none(),
             nb::arg("embedding").noconvert().none(), nb::arg("threads"))
        .def("step", &Session::step)
        .def_prop_ro("inputs", [](nb::handle self) { return nb::cast<Session&>(self).inputs(self); })
        .def_prop_ro("outputs", [](nb::handle self) { return nb::cast<Session&>(self).outputs(self); })
        .def_prop_ro("states", [](nb::handle self) { return nb::cast<Session&>(self).states(self); });
    nb::class_<Head>(m, "Head")
        .def(
            nb::init<const In&, const std::optional<In>&, const std::string&, const std::optional<std::string>&, int>(),
            nb::arg("weight").noconvert(), nb::arg("bias").noconvert().none(), nb::arg("precision"),
            nb::arg("isa").none(), nb::arg("threads"))
        .def("logits", &Head::logits, nb::arg("x").noconvert(), nb::arg("threads"));
    nb::class_<Writer>(m, "Writer")
        .def(nb::init<Session&, const Head&, int>(), nb::arg("session"), nb::arg("head"), nb::arg("threads"),
             nb::keep_alive<1, 2>(), nb::keep_alive<1, 3>())
        .def("read", &Writer::read, nb::arg("ids").noconvert())
        .def("write", &Writer::write, nb::arg("out").noconvert(), nb::arg("temperature"), nb::arg("top_k"),
             nb::arg("top_p"), nb::arg("repetition_penalty"), nb::arg("seed"), nb::arg("banned").noconvert().none(),
             nb::arg("end"), nb::arg("done").noconvert())
        .def_rw("position", &Writer::position)
        .def_prop_ro("seen", [](nb::handle self) { return nb::cast<Writer&>(self).seen(self); })
        .def_prop_ro("logits", [](nb::handle self) { return nb::cast<Writer&>(self).logits(self); });
    m.def("isas", [] {
        std::vector<std::string> names;
        for (const Kernels* kernels : available()) names.push_back(kernels->name);
        return names;
    });
    m.def("cells", [] {
        std::vector<std::string> names;
        for (const CellInfo& cell : CELL_INFO) names.push_back(cell.name);
        return names;
    });
    m.def(
        "has_bfloat16", [](const std::optional<std::string>& isa) { return choose(isa).has_bfloat16; },
        nb::arg("isa").none(), "Whether products of bfloat16 are faster than those of float32.");
    m.def(
        "kept",
        [](const std::string& cell, int64_t hidden, const std::string& precision,
           const std::optional<std::string>& isa) {
            return choose(isa).precisions[precision_of(precision)].cells[cell_of(cell)].kept_floats(hidden);
        },
        nb::arg("cell"), nb::arg("hidden"), nb::arg("precision"), nb::arg("isa").none(),
        "Floats per row and step that backward needs.");
    m.def("cross_entropy", &cross_entropy, nb::arg("x").noconvert(), nb::arg("weight").noconvert(),
          nb::arg("bias").noconvert(), nb::arg("targets").noconvert(), nb::arg("share"),
          nb::arg("dx").noconvert().none(), nb::arg("dw").noconvert().none(), nb::arg("db").noconvert().none(),
          nb::arg("precision"), nb::arg("isa").none(), nb::arg("threads"));
    m.def("linear_scan", &linear_scan, nb::arg("a").noconvert(), nb::arg("b").noconvert(),
          nb::arg("lengths").noconvert(), nb::arg("reverse"), nb::arg("h0").noconvert(), nb::arg("y").noconvert(),
          nb::arg("h_n").noconvert(), nb::arg("isa").none(), nb::arg("threads"));
    m.def("linear_scan_backward", &linear_scan_backward, nb::arg("a").noconvert(), nb::arg("lengths").noconvert(),
          nb::arg("reverse"), nb::arg("h0").noconvert(), nb::arg("y").noconvert(), nb::arg("dy").noconvert(),
          nb::arg("dh_n").noconvert(), nb::arg("da").noconvert(), nb::arg("db").noconvert(), nb::arg("dh0").noconvert(),
          nb::arg("isa").none(), nb::arg("threads"));
    m.def("share_openmp", &share_openmp);
    m.def(
        "empty",
        [](const std::vector<size_t>& shape) {
            size_t count = 1;
            for (const size_t n : shape)
                if (__builtin_mul_overflow(count, n, &count) || count > SIZE_MAX / 8) throw std::bad_alloc();
            Buffer<float> buffer{int64_t(count)};
            return owned(buffer, shape.size(), shape.data());
        },
        nb::arg("shape"), "An uncleared float32 array, whose memory is reused after it.");
    m.def(
        "activations",
        [](const In& x, const Out& sigmoids, const Out& tanhs, const std::string& precision,
           const std::optional<std::string>& isa) {
            const int64_t n = int64_t(x.size());
            choose(isa).activations(precision_of(precision), data(x, "x", {n}), n, data(sigmoids, "sigmoid", {n}),
                                    data(tanhs, "tanh", {n}));
        },
        nb::arg("x"), nb::arg("sigmoid").noconvert(), nb::arg("tanh").noconvert(), nb::arg("precision"),
        nb::arg("isa").none());
}
