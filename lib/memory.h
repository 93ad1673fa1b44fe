// The allocator behind every tensor: 64-byte aligned blocks, kept after release and handed out
// again. A training loop asks for the same sizes in every step, so after the first step it makes no
// system call. Sizes are rounded up to a class: multiples of 64 bytes up to 512, then 4 classes per
// power of two, at most 25 % waste. Each thread keeps some small blocks for itself.
#pragma once

#include <cstddef>
#include <cstdint>

namespace qkv::lib {

inline constexpr size_t kAlignment = 64;  // one cache line, one AVX-512 register

struct MemoryStats {
  int64_t live_bytes;    // handed out and not released
  int64_t peak_bytes;    // the largest live_bytes so far
  int64_t cached_bytes;  // released, waiting to be handed out again
  int64_t system_calls;  // how often the system allocator was asked
};

// A block of at least `bytes` bytes, uninitialised. Thread-safe. allocate(0) gives nullptr.
// Throws std::bad_alloc when the system has no more, after giving the cache back.
[[nodiscard]] void* allocate(size_t bytes);

// Returns a block. REQUIRES: `block` came from allocate(bytes) with the same `bytes`.
void release(void* block, size_t bytes) noexcept;

// Gives cached blocks back to the system: all but the small ones that other threads keep.
void release_cached_memory() noexcept;

// Exact for what this thread has done; of every other thread, the last 16 KiB may be missing.
[[nodiscard]] MemoryStats memory_stats() noexcept;

// peak_bytes begins again, at live_bytes: to measure the peak of what follows.
void reset_peak_memory() noexcept;

// The same blocks for the standard library's containers and pointers: for small objects that come
// and go by the thousand, such as the nodes of a graph.
template <class T>
struct CachingAllocator {
  using value_type = T;
  CachingAllocator() = default;
  template <class U>
  CachingAllocator(const CachingAllocator<U>&) {}
  [[nodiscard]] T* allocate(size_t n) { return static_cast<T*>(lib::allocate(n * sizeof(T))); }
  void deallocate(T* block, size_t n) { release(block, n * sizeof(T)); }
  template <class U>
  bool operator==(const CachingAllocator<U>&) const {
    return true;
  }
};

}  // namespace qkv::lib
