// The layouts of a cell's weights. W_ih [G, D] and W_hh [G, H] come in torch's layout.
//
// IH:      K = D, columns: vectors of the gates, see below            x -> gates
// HH:      K = H, columns: vectors of the gates                       h -> gates
// IH_BACK: K = the gates that x reaches, in their order, columns: D   dgates -> dx
// HH_BACK: K = the gates that h reaches, columns: H                   dgates -> dh
//
// IH and HH have the gates of one vector of hidden units side by side. A panel of HH holds all of them, so a tile has
// everything that a step needs in registers. In a cell of one gate it holds up to four vectors.
#pragma once
#include "panels.h"
#include "steps.h"

namespace anaphora::ISA {

template <typename C>
int64_t gate_floats(int64_t H) {
    return Panels(H).vectors * C::GATES * LANES;
}

template <typename C>
int64_t bias_floats(int64_t H) {
    return gate_floats<C>(H) + Panels(H).vectors * LANES;
}

// The stride of rows in cache lines. It is odd: otherwise one column of all rows would fall into one set of the cache.
INLINE int64_t odd_lines(int64_t bytes) { return (bytes + 63) / 64 | 1; }

template <typename C, typename P>
int64_t kept_floats(int64_t H) {
    const int64_t bytes = Panels(H).vectors * Record<C, typename P::Kept>::BYTES;
    return bytes ? odd_lines(bytes) * 16 : 0;
}

// [units, GATES, LANES] what is added to x W_ih, then [units, LANES] what is added to W_hh h for the gate that x and h
// reach separately (GRU's n).
template <typename C>
void pack_bias(int64_t H, const float* b_ih, const float* b_hh, float* packed) {
    const Panels units(H);
    float* const apart = packed + gate_floats<C>(H);
    for (int64_t j = 0; j < units.vectors * LANES; ++j) {
        const auto of = [&](const float* bias, int gate) { return bias && j < H ? bias[C::X[gate] * H + j] : 0.0f; };
        for (int gate = 0; gate < C::GATES; ++gate)
            packed[(j / LANES * C::GATES + gate) * LANES + j % LANES] =
                of(b_ih, gate) + (gate < C::H_PART ? 0.0f : of(b_hh, gate));
        apart[j] = C::H_PART ? of(b_hh, 0) : 0.0f;
    }
}

// The biases' gradients in torch's order. Those of dgates that x reaches come first, in the order of C::X; those that h
// reaches come last, in torch's order.
template <typename C>
void bias_gradients(int64_t H, const float* db, float* db_ih, float* db_hh) {
    for (int64_t gate = 0; gate < C::GATES; ++gate)
        for (int64_t j = 0; j < H; ++j) {
            db_ih[C::X[gate] * H + j] = db[gate * H + j];
            db_hh[gate * H + j] = db[(C::H_PART + gate) * H + j];
        }
}

template <typename C, typename P>
int64_t packed_words(int64_t D, int64_t H, Packing which) {
    constexpr int64_t G = C::GATES;
    switch (which) {
        case IH: return panel_words<P>(D, G * Panels(H).vectors);
        case HH: return panel_words<P>(H, G * Panels(H).vectors);
        case IH_BACK: return panel_words<P>(G * H, Panels(D).vectors);
        default: return panel_words<P>(G * H, Panels(H).vectors);
    }
}

template <typename C, typename P>
void pack(int64_t D, int64_t H, Packing which, const float* w, Word* packed, int thread, int threads) {
    const int64_t G = C::GATES * H, width = which == IH || which == IH_BACK ? D : H;  // W is [G, width]
    if (which == HH && C::GATES > 1) {
        const Panels units(H);
        for (int64_t u = thread; u < units.vectors; u += threads)
            pack_columns<P>(packed + panel_words<P>(H, u * C::GATES), C::GATES, H, [&](int gate, int lane) {
                return lane < units.lanes(u) ? w + (gate * H + u * LANES + lane) * width : nullptr;
            });
        return;
    }
    const bool back = which == IH_BACK || which == HH_BACK;
    const int64_t K = back ? G : width;
    const auto weight_row = [&](int64_t k) { return which == IH_BACK ? C::X[k / H] * H + k % H : k; };
    const Panels panels(back ? width : gate_floats<C>(H));
    for (int64_t p = thread; p < panels.count; p += threads) {
        const int64_t first = panels.first(p);
        Word* const panel = packed + panel_words<P>(K, first);
        if constexpr (P::LEARNS)
            if (back) {
                pack_lines<P>(panel, panels, p, K, [&](int64_t k) { return w + weight_row(k) * width; });
                continue;
            }
        pack_columns<P>(panel, panels.width(p), K, [&](int v, int lane) {
            const int64_t j = (first + v) / C::GATES * LANES + lane, gate = C::X[(first + v) % C::GATES];
            return j < H ? w + (gate * H + j) * width : nullptr;
        });
    }
}

}  // namespace anaphora::ISA
