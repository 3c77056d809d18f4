// Large blocks of memory that are handed back to be used again. A training step needs the same sheets as the step
// before; asking the system each time costs a page fault for every 4 KiB, a sixth of an LSTM's whole step.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>

void* take(size_t bytes);        // 64-byte aligned, not cleared; throws std::bad_alloc
void give(void* block) noexcept;

template <typename T>
class Room {
   public:
    Room() = default;
    explicit Room(int64_t count) : block_(static_cast<T*>(take(size_t(count) * sizeof(T)))) {}
    Room(Room&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
    Room& operator=(Room&& other) noexcept {
        T* const mine = block_;
        block_ = other.block_, other.block_ = mine;
        return *this;
    }
    ~Room() { if (block_) give(block_); }
    T* get() const { return block_; }
    T* release() { T* const block = block_; block_ = nullptr; return block; }

   private:
    T* block_ = nullptr;
};

template <typename T>
Room<T> cleared(int64_t count) {
    Room<T> room(count);
    std::fill_n(room.get(), count, T(0));
    return room;
}
