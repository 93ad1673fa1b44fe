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
#include <utility>

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

// Sizes go in quarters of the power of two below them, but in steps of at least 64: up to 512.
size_t class_size(size_t bytes) {
  const size_t step = bytes <= 512 ? kAlignment : std::bit_floor(bytes - 1) / 4;
  return (bytes + step - 1) & ~(step - 1);  // rounded up to a multiple: step is a power of two
}

size_t class_index(size_t size) {  // size is a class size; 4 classes per power of two
  const size_t power = static_cast<size_t>(std::bit_width(size - 1));
  const size_t quarter = (size - 1) >> (power >= 3 ? power - 3 : 0) & 3;
  return power * 4 + quarter;
}

size_t size_of_class(size_t index) {  // the inverse of class_index
  const size_t half = (size_t{1} << index / 4) / 2;
  return half + (index % 4 + 1) * half / 4;
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

  // `bytes` more have been handed out, or fewer, of those that were cached.
  void count(int64_t bytes) noexcept {
    stats.live_bytes += bytes;
    stats.cached_bytes -= bytes;
    stats.peak_bytes = std::max(stats.peak_bytes, stats.live_bytes);
  }

  void give_back() noexcept {
    for (size_t index = 0; index < free.size(); ++index) {
      while (void* block = pop(index)) {
        ::operator delete(block, std::align_val_t(kAlignment));
        stats.cached_bytes -= static_cast<int64_t>(size_of_class(index));
      }
    }
  }
};

// Never destroyed: tensors in static variables may be released after main has returned.
Cache& cache() {
  static Cache* const instance = new Cache;
  return *instance;
}

// Small blocks, such as nodes of a graph, come and go by the million, and a lock for each would be
// a good part of what a graph costs. So a thread keeps the small blocks that it releases, and takes
// those first. What it has handed out since is added to the common count from time to time.
constexpr size_t kSmall = 512;  // up to here the classes are the multiples of 64 bytes
constexpr size_t kSmallClasses = kSmall / kAlignment;
constexpr int64_t kUncounted = 16 * 1024;  // bytes, at most
constexpr int kMostOfAClass = 2048;        // blocks: then all of them go to the common list

struct ThreadLists {
  enum { unused, open, closed } state = unused;
  std::array<FreeBlock*, kSmallClasses> free = {};
  std::array<int, kSmallClasses> length = {};
  int64_t uncounted = 0, most = 0;  // most: the largest it has been

  void push(size_t index, void* block) noexcept {
    free[index] = new (block) FreeBlock{free[index]};
    length[index] += 1;
  }

  void* pop(size_t index) noexcept {
    FreeBlock* const block = free[index];
    if (block == nullptr) return nullptr;
    free[index] = block->next;
    length[index] -= 1;
    return block;
  }

  // REQUIRES: the lock of the common lists is held, here and in the next two.
  void give_class(Cache& c, size_t index) noexcept {
    while (void* block = pop(index)) c.push(class_index((index + 1) * kAlignment), block);
  }
  void count(Cache& c) noexcept {
    c.stats.peak_bytes = std::max(c.stats.peak_bytes, c.stats.live_bytes + most);
    c.count(std::exchange(uncounted, 0));
    most = 0;
  }
  void give_all(Cache& c) noexcept {
    for (size_t index = 0; index < kSmallClasses; ++index) give_class(c, index);
    count(c);
  }
};

// Nothing to construct and nothing to destroy: reading it costs no more than a static variable.
constinit thread_local ThreadLists mine;

// When a thread ends, others may have its blocks.
struct AtEndOfThread {
  AtEndOfThread() { mine.state = ThreadLists::open; }
  ~AtEndOfThread() {
    Cache& c = cache();
    const std::lock_guard lock(c.mutex);
    mine.give_all(c);
    mine.state = ThreadLists::closed;
  }
};

void open_lists() {
  thread_local const AtEndOfThread end;
  static_cast<void>(end);
}

void settle() noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  mine.count(c);
}

void* allocate_common(size_t size) {
  const size_t index = class_index(size);
  if (mine.state == ThreadLists::unused) open_lists();
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  mine.count(c);
  void* block = c.pop(index);
  if (block == nullptr) {
    c.stats.system_calls += 1;
    block = ::operator new(size, std::align_val_t(kAlignment), std::nothrow);
    if (block == nullptr) {
      mine.give_all(c);
      c.give_back();
      block = ::operator new(size, std::align_val_t(kAlignment));
    }
    c.stats.cached_bytes += static_cast<int64_t>(size);  // count() takes it from there
  }
  c.count(static_cast<int64_t>(size));
  return block;
}

void release_common(void* block, size_t size) noexcept {
  if (mine.state == ThreadLists::unused) open_lists();
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  if (size <= kSmall) mine.give_class(c, size / kAlignment - 1);
  c.push(class_index(size), block);
  c.count(-static_cast<int64_t>(size));
}

}  // namespace

void* allocate(size_t bytes) {
  if (bytes == 0) return nullptr;
  if (bytes > SIZE_MAX / 4) throw std::bad_alloc();  // keeps the rounding from overflowing
  const size_t size = class_size(bytes);
  void* block = size <= kSmall ? mine.pop(size / kAlignment - 1) : nullptr;
  if (block != nullptr) {
    mine.uncounted += static_cast<int64_t>(size);
    mine.most = std::max(mine.most, mine.uncounted);
    if (mine.uncounted > kUncounted) settle();
  } else {
    block = allocate_common(size);
  }
  permit(block, bytes);
  forbid(static_cast<char*>(block) + bytes, size - bytes);
  return block;
}

void release(void* block, size_t bytes) noexcept {
  if (block == nullptr) return;
  const size_t size = class_size(bytes), index = size / kAlignment - 1;
  forbid(block, size);
  permit(block, sizeof(FreeBlock));
  if (size <= kSmall && mine.state == ThreadLists::open && mine.length[index] < kMostOfAClass) {
    mine.push(index, block);
    mine.uncounted -= static_cast<int64_t>(size);
    if (mine.uncounted < -kUncounted) settle();
  } else {
    release_common(block, size);
  }
}

void release_cached_memory() noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  mine.give_all(c);
  c.give_back();
}

MemoryStats memory_stats() noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  mine.count(c);
  return c.stats;
}

void reset_peak_memory() noexcept {
  Cache& c = cache();
  const std::lock_guard lock(c.mutex);
  mine.count(c);
  c.stats.peak_bytes = c.stats.live_bytes;
}

}  // namespace qkv::lib
