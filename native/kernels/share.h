// How threads share a batch. A thread takes every `threads`-th rank, so each has long rows and short ones, and runs its
// rows from the first step to the last. Rows do not depend on each other, so no thread waits for another.
#pragma once
#include "precision.h"

namespace anaphora::ISA {

// The ranks of one thread: thread, thread + threads, ...
struct Share {
    int thread, threads;
    int64_t of(int64_t ranks) const { return ranks > thread ? (ranks - thread + threads - 1) / threads : 0; }
    int64_t rank(int64_t i) const { return thread + i * threads; }
};

INLINE int64_t position(const Batch& b, const Positions& at, int64_t rank, int64_t t) {
    return at.row[b.row[rank]] + at.time[b.reverse ? b.length[rank] - 1 - t : t];
}

// Allocates arrays one after another in a thread's scratch, each aligned to 64 bytes. At address 0 it only counts
// bytes.
struct Arena {
    uintptr_t base;
    int64_t bytes = 0;

    template <typename T>
    T* allocate(int64_t count) {
        T* const array = reinterpret_cast<T*>(base + uintptr_t(bytes));
        bytes = up(bytes + count * int64_t(sizeof(T)), 64);
        return array;
    }
};

}  // namespace anaphora::ISA
