// Window: memory in which a kernel that reads or writes one number too many is caught. The canaries
// are NaN, so whoever reads them gets a wrong result; intact() tells whether they were overwritten;
// and the page behind everything is unmapped: touching it ends the program.
//
//   | NaN NaN ... NaN | the window: n numbers | `behind` NaN | unmapped page |
#pragma once

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <limits>
#include <new>
#include <vector>

#if defined(_WIN32)
#include <cstdlib>
#else
#include <sys/mman.h>
#include <unistd.h>
#endif

namespace qkv::tests {

template <class T>
class Window {
 public:
  // The window holds NaN at first. With behind = 0 it ends exactly at the unmapped page.
  explicit Window(int64_t n, int64_t behind = 0) : n_(n) {
    const size_t page = page_size();
    const size_t used = (static_cast<size_t>(n + behind) + kCanariesBefore) * sizeof(T);
    mapped_ = (used + page - 1) / page * page + page;
    base_ = map_with_last_page_locked(mapped_, page);
    all_ = mapped_ - page;
    std::fill(reinterpret_cast<T*>(base_), reinterpret_cast<T*>(base_ + all_), kCanary);
    data_ = reinterpret_cast<T*>(base_ + all_) - behind - n;
  }
  Window(const std::vector<T>& values, int64_t behind = 0)
      : Window(static_cast<int64_t>(values.size()), behind) {
    std::copy(values.begin(), values.end(), data_);
  }
  ~Window() { unmap(base_, mapped_); }
  Window(const Window&) = delete;
  Window& operator=(const Window&) = delete;

  [[nodiscard]] T* data() const { return data_; }
  [[nodiscard]] std::vector<T> values() const { return std::vector<T>(data_, data_ + n_); }

  // Has nobody written around the window?
  [[nodiscard]] bool intact() const {
    const T *const first = reinterpret_cast<T*>(base_), *const end =
                                                            reinterpret_cast<T*>(base_ + all_);
    const auto is_canary = [](const T& x) { return std::memcmp(&x, &kCanary, sizeof(T)) == 0; };
    return std::all_of(first, static_cast<const T*>(data_), is_canary) &&
           std::all_of(static_cast<const T*>(data_) + n_, end, is_canary);
  }

 private:
  static constexpr size_t kCanariesBefore = 64;
  static constexpr T kCanary = std::numeric_limits<T>::quiet_NaN();

#if defined(_WIN32)
  // Without mmap there are canaries behind the window at least.
  static size_t page_size() { return 4096; }
  static char* map_with_last_page_locked(size_t bytes, size_t) {
    return static_cast<char*>(std::malloc(bytes));
  }
  static void unmap(char* base, size_t) { std::free(base); }
#else
  static size_t page_size() { return static_cast<size_t>(sysconf(_SC_PAGESIZE)); }
  static char* map_with_last_page_locked(size_t bytes, size_t page) {
    void* const block =
        mmap(nullptr, bytes, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (block == MAP_FAILED) throw std::bad_alloc();
    char* const base = static_cast<char*>(block);
    if (mprotect(base + (bytes - page), page, PROT_NONE) != 0) throw std::bad_alloc();
    return base;
  }
  static void unmap(char* base, size_t bytes) { munmap(base, bytes); }
#endif

  int64_t n_;
  size_t mapped_ = 0, all_ = 0;
  char* base_ = nullptr;
  T* data_ = nullptr;
};

// Distances from the unmapped page: at it, and behind canaries that keep the window off it.
inline constexpr int64_t kBehind[] = {0, 33};

}  // namespace qkv::tests
