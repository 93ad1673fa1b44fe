// Size classes and free lists. A block's class follows from its size alone, so no header is stored:
//
//   bytes       1..64  65..128  ..192  ..256  ..320  ..384  ..448  ..512  ..640  ..768  ...
//   class size  64     128      192    256    320    384    448    512    640    768    ...
#include "lib/memory.h"

#include <algorithm>
#include <array>
#include <atomic>
#include <bit>
#include <mutex>
#include <new>
#include <thread>

#if defined(__SANITIZE_ADDRESS__)
#define QKV_ASAN 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer)
#define QKV_ASAN 1
#endif
#endif
#if defined(QKV_ASAN)
#include <sanitizer/asan_interface.h>
#endif

namespace qkv::lib {
namespace {

// Under the address sanitizer, cached blocks and the rounding at a block's end are off limits.
void forbid([[maybe_unused]] void* p, [[maybe_unused]] size_t bytes) {
#if defined(QKV_ASAN)
  ASAN_POISON_MEMORY_REGION(p, bytes);
#endif
}
void permit([[maybe_unused]] void* p, [[maybe_unused]] size_t bytes) {
#if defined(QKV_ASAN)
  ASAN_UNPOISON_MEMORY_REGION(p, bytes);
#endif
}

// Sizes up to 256 go in steps of 64, larger ones in quarters of the power of two below them.
size_t class_size(size_t bytes) {
  const size_t step = bytes <= 256 ? kAlignment : std::bit_floor(bytes - 1) / 4;
  return (bytes + step - 1) & ~(step - 1);  // rounded up to a multiple: step is a power of two
}

size_t class_index(size_t size) {  // size is a class size; 4 classes per power of two
  const size_t power = static_cast<size_t>(std::bit_width(size - 1));
  const size_t quarter = (size - 1) >> (power >= 3 ? power - 3 : 0) & 3;
  return power * 4 + quarter;
}

// A cached block holds the address of the next one of its class: the lists need no memory. The link
// is never forbidden: the leak sanitizer follows only links it may read.
struct FreeBlock {
  FreeBlock* next;
};

// The lists are held for a few nanoseconds at a time: not worth a queue of sleepers.
class SpinLock {
 public:
  void lock() {
    while (taken_.test_and_set(std::memory_order_acquire)) std::this_thread::yield();
  }
  void unlock() { taken_.clear(std::memory_order_release); }

 private:
  std::atomic_flag taken_;
};

struct Cache {
  SpinLock mutex;
  std::array<FreeBlock*, 65 * 4> free = {};  // the first free block of each class
  MemoryStats stats = {};

  void push(size_t index, void* block) noexcept {
    free[index] = new (block) FreeBlock{free[index]};
  }

  void* pop(size_t index) noexcept {
    FreeBlock* const block = free[index];
    if (block != nullptr) free[index] = block->next;
    return block;
  }

  void give_back() noexcept {
    for (size_t index = 0; index < free.size(); ++index) {
      while (void* block = pop(index)) ::operator delete(block, std::align_val_t(kAlignment));
    }
    stats.cached_bytes = 0;
  }
};

// Never destroyed: tensors in static variables may be released after main has returned.
Cache& cache() {
  static Cache* const instance = new Cache;
  return *instance;
}

}  // namespace

void* allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > SIZE_MAX / 4) throw std::bad_alloc();  // keeps the rounding from overflowing
  const size_t size = class_size(bytes), index = class_index(size);
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  void* block = c.pop(index);
  if (block != nullptr) {
    c.stats.cached_bytes -= static_cast<int64_t>(size);
  } else {
    c.stats.system_calls += 1;
    block = ::operator new(size, std::align_val_t(kAlignment), std::nothrow);
    if (block == nullptr) {
      c.give_back();
      block = ::operator new(size, std::align_val_t(kAlignment));
    }
  }
  c.stats.live_bytes += static_cast<int64_t>(size);
  c.stats.peak_bytes = std::max(c.stats.peak_bytes, c.stats.live_bytes);
  permit(block, bytes);
  forbid(static_cast<char*>(block) + bytes, size - bytes);
  return block;
}

void release(void* block, size_t bytes) noexcept {
  if (block == nullptr) return;
  const size_t size = class_size(bytes);
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  forbid(block, size);
  permit(block, sizeof(FreeBlock));
  c.push(class_index(size), block);
  c.stats.live_bytes -= static_cast<int64_t>(size);
  c.stats.cached_bytes += static_cast<int64_t>(size);
}

void release_cached_memory() noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  c.give_back();
}

MemoryStats memory_stats() noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  return c.stats;
}

void reset_peak_memory() noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  c.stats.peak_bytes = c.stats.live_bytes;
}

}  // namespace qkv::lib
