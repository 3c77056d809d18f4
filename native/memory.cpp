#include "memory.h"

#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace {

constexpr size_t HEAD = 64, WORTH = size_t(1) << 18, HUGE_PAGE = size_t(1) << 21, MOST = size_t(1) << 30;
constexpr int64_t OLD = 512;

// In the HEAD bytes before what the caller sees.
struct Block {
    size_t bytes, alignment;
    int64_t used;  // the number of the call that handed it back
};

// Blocks nobody uses now. Whoever finds the list busy (another thread's, or a forked parent's) goes to the system.
std::mutex busy;
std::vector<Block*>& idle = *new std::vector<Block*>;  // never deleted: a thread may outlive what is
size_t idle_bytes = 0;
int64_t calls = 0;

void free_block(Block* block) noexcept { ::operator delete(block, std::align_val_t(block->alignment)); }

void forget(size_t place) {
    idle_bytes -= idle[place]->bytes;
    idle.erase(idle.begin() + long(place));
}

}  // namespace

void* take(size_t bytes) {
    if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
    const bool worth = bytes >= WORTH;
    const size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
    const size_t unit = worth ? (alignment > 64 ? HUGE_PAGE : WORTH) : 64;
    bytes = (bytes + HEAD + unit - 1) / unit * unit;
    if (worth) {
        const std::unique_lock<std::mutex> lock(busy, std::try_to_lock);
        if (lock) {
            ++calls;
            size_t best = idle.size();
            for (size_t i = 0; i < idle.size(); ++i)
                if (idle[i]->bytes >= bytes && idle[i]->bytes <= bytes + bytes / 2 &&
                    (best == idle.size() || idle[i]->bytes < idle[best]->bytes))
                    best = i;
            if (best < idle.size()) {
                Block* const block = idle[best];
                forget(best);
                return reinterpret_cast<char*>(block) + HEAD;
            }
        }
    }
    void* const memory = ::operator new(bytes, std::align_val_t(alignment));
#if defined(__linux__)
    if (alignment == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    Block* const block = new (memory) Block{bytes, alignment, 0};
    return reinterpret_cast<char*>(block) + HEAD;
}

void give(void* shown) noexcept {
    Block* const block = reinterpret_cast<Block*>(static_cast<char*>(shown) - HEAD);
    if (block->bytes >= WORTH) {
        const std::unique_lock<std::mutex> lock(busy, std::try_to_lock);
        if (lock) try {
                block->used = ++calls;
                idle.push_back(block);
                idle_bytes += block->bytes;
                for (size_t i = 0; i < idle.size();) {  // oldest first
                    if (idle_bytes <= MOST && calls - idle[i]->used <= OLD) break;
                    Block* const old = idle[i];
                    forget(i);
                    free_block(old);
                }
                return;
            } catch (const std::bad_alloc&) {
            }
    }
    free_block(block);
}
