// The loop over time, for all cells. A thread takes every `threads`-th rank, so that each has long rows and short ones,
// and runs them from the first step to the last without waiting for anyone: rows know nothing of each other.

// The ranks of one thread: thread, thread + threads, ...
struct Share {
    int thread, threads;
    int64_t of(int64_t ranks) const { return ranks > thread ? (ranks - thread + threads - 1) / threads : 0; }
    int64_t rank(int64_t i) const { return thread + i * threads; }
};

INLINE int64_t place(const Batch& b, const Places& at, int64_t rank, int64_t t) {
    return at.row[b.row[rank]] + at.time[b.reverse ? b.length[rank] - 1 - t : t];
}

// Lays arrays out one after another in a thread's scratch. Without memory it only counts.
struct Carver {
    uintptr_t base;
    int64_t bytes = 0;

    template <typename T>
    T* take(int64_t count) {
        T* const array = reinterpret_cast<T*>(base + uintptr_t(bytes));
        bytes = up(bytes + count * int64_t(sizeof(T)), 64);
        return array;
    }
};
