// Large blocks of memory that are reused. A training step needs buffers of the same sizes as the step before. Fresh
// memory from the system costs a page fault for every 4 KiB: a sixth of an LSTM's training step.
#pragma once
#include <algorithm>
#include <cstddef>
#include <cstdint>
#include <utility>

namespace anaphora {

void* allocate(size_t bytes);  // aligned to 64 bytes, not cleared; throws std::bad_alloc
void release(void* block) noexcept;

template <typename T>
class Buffer {
   public:
    Buffer() = default;
    explicit Buffer(int64_t count) : block_(static_cast<T*>(allocate(size_t(count) * sizeof(T)))) {}
    Buffer(Buffer&& other) noexcept : block_(other.block_) { other.block_ = nullptr; }
    Buffer& operator=(Buffer&& other) noexcept {
        std::swap(block_, other.block_);
        return *this;
    }
    ~Buffer() {
        if (block_) release(block_);
    }
    T* get() const { return block_; }
    T* detach() {  // the caller then calls release
        T* const block = block_;
        block_ = nullptr;
        return block;
    }

   private:
    T* block_ = nullptr;
};

template <typename T>
Buffer<T> cleared(int64_t count) {
    Buffer<T> buffer(count);
    std::fill_n(buffer.get(), count, T(0));
    return buffer;
}

}  // namespace anaphora
