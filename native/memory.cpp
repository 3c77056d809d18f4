#include "memory.h"

#include <mutex>
#include <new>
#include <vector>

#if defined(__linux__)
#include <sys/mman.h>
#endif

namespace anaphora {
namespace {

constexpr size_t HEADER_BYTES = 64, MIN_REUSED_BYTES = size_t(1) << 18, HUGE_PAGE = size_t(1) << 21;
constexpr size_t MAX_IDLE_BYTES = size_t(1) << 30;
constexpr int64_t MAX_IDLE_CALLS = 512;

// Stored in the HEADER_BYTES before the caller's memory.
struct Block {
    size_t bytes, alignment;
    int64_t released;  // the number of the call that released it
};

// Unused blocks. A thread that finds the list locked (by another thread, or by a forked parent) goes to the system.
std::mutex idle_mutex;
std::vector<Block*>& idle = *new std::vector<Block*>;  // never deleted: threads may outlive static objects
size_t idle_bytes = 0;
int64_t calls = 0;

void free_block(Block* block) noexcept { ::operator delete(block, std::align_val_t(block->alignment)); }

void remove_idle(size_t index) {
    idle_bytes -= idle[index]->bytes;
    idle.erase(idle.begin() + long(index));
}

}  // namespace

void* allocate(size_t bytes) {
    if (bytes > SIZE_MAX / 2) throw std::bad_alloc();
    const bool reused = bytes >= MIN_REUSED_BYTES;
    const size_t alignment = bytes >= 2 * HUGE_PAGE ? HUGE_PAGE : 64;
    const size_t unit = reused ? (alignment > 64 ? HUGE_PAGE : MIN_REUSED_BYTES) : 64;
    bytes = (bytes + HEADER_BYTES + unit - 1) / unit * unit;
    if (reused) {
        const std::unique_lock<std::mutex> lock(idle_mutex, std::try_to_lock);
        if (lock) {
            ++calls;
            size_t best = idle.size();
            for (size_t i = 0; i < idle.size(); ++i)
                if (idle[i]->bytes >= bytes && idle[i]->bytes <= bytes + bytes / 2 &&
                    (best == idle.size() || idle[i]->bytes < idle[best]->bytes))
                    best = i;
            if (best < idle.size()) {
                Block* const block = idle[best];
                remove_idle(best);
                return reinterpret_cast<char*>(block) + HEADER_BYTES;
            }
        }
    }
    void* const memory = ::operator new(bytes, std::align_val_t(alignment));
#if defined(__linux__)
    if (alignment == HUGE_PAGE) madvise(memory, bytes, MADV_HUGEPAGE);
#endif
    Block* const block = new (memory) Block{bytes, alignment, 0};
    return reinterpret_cast<char*>(block) + HEADER_BYTES;
}

void release(void* memory) noexcept {
    Block* const block = reinterpret_cast<Block*>(static_cast<char*>(memory) - HEADER_BYTES);
    if (block->bytes >= MIN_REUSED_BYTES) {
        const std::unique_lock<std::mutex> lock(idle_mutex, std::try_to_lock);
        if (lock) try {
                block->released = ++calls;
                idle.push_back(block);
                idle_bytes += block->bytes;
                for (size_t i = 0; i < idle.size();) {  // oldest first
                    if (idle_bytes <= MAX_IDLE_BYTES && calls - idle[i]->released <= MAX_IDLE_CALLS) break;
                    Block* const old = idle[i];
                    remove_idle(i);
                    free_block(old);
                }
                return;
            } catch (const std::bad_alloc&) {}
    }
    free_block(block);
}

}  // namespace anaphora
