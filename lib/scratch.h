// A block of working memory for the length of a scope, from the caching allocator: no system call
// once a size has been used before. Its contents are undefined at first.
#pragma once

#include "lib/memory.h"

namespace qkv::lib {

template <class T>
class Scratch {
 public:
  explicit Scratch(int64_t count)
      : bytes_(static_cast<size_t>(count) * sizeof(T)), data_(static_cast<T*>(allocate(bytes_))) {}
  ~Scratch() { release(data_, bytes_); }
  Scratch(const Scratch&) = delete;
  Scratch& operator=(const Scratch&) = delete;

  [[nodiscard]] T* data() const { return data_; }

 private:
  size_t bytes_;
  T* data_;
};

}  // namespace qkv::lib
