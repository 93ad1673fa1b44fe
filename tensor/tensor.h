// Tensor: storage + shape + strides + offset + dtype. Several tensors may be windows (views) onto
// one storage; a copy of a Tensor is another handle to the same numbers.
#pragma once

#include <atomic>
#include <memory>
#include <vector>

#include "lib/random.h"
#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace qkv::tensor {

// A block of memory, and a count of the writes to it: whoever keeps a tensor for later can tell
// whether its numbers have changed in between. The block is lib::allocate's (lib/memory.h), but a
// few numbers lie in the Storage itself: a graph of single numbers then costs one allocation for
// each, not two.
class Storage {
 public:
  explicit Storage(size_t bytes);
  ~Storage();
  Storage(const Storage&) = delete;
  Storage& operator=(const Storage&) = delete;

  [[nodiscard]] void* data() const { return data_; }
  [[nodiscard]] size_t bytes() const { return bytes_; }
  [[nodiscard]] uint64_t version() const { return version_.load(std::memory_order_relaxed); }

  // Two writers at the same time may count once: enough to be noticed, and cheaper.
  void count_write() { version_.store(version() + 1, std::memory_order_relaxed); }

 private:
  void* data_;
  size_t bytes_;
  std::atomic<uint64_t> version_ = 0;
  alignas(16) std::byte small_[32];  // 8 float32, 4 float64 or int64
};

//   storage   0 1 2 3 4 5          t            (2, 3), strides (3, 1):   0 1 2 / 3 4 5
//                                  transpose    (3, 2), strides (1, 3):   0 3 / 1 4 / 2 5
//                                  row 1        (3,),   offset 3:         3 4 5
//
// element (i, j) lies at   offset + i * strides[0] + j * strides[1]
//
// What is drawn here never changes once a tensor is made, so copies of a Tensor share it: copying
// one costs no more than copying a pointer.
class Tensor {
 public:
  Tensor() = default;  // no tensor at all: defined() is false

  // New storage, row-major (in reading order, row by row), its numbers not yet set. Throws
  // std::invalid_argument for an impossible shape.
  static Tensor empty(const Shape& shape, Dtype dtype);

  // From numbers in row-major order. Throws std::invalid_argument if their count is not the
  // shape's.
  template <class T>
  static Tensor of(const std::vector<T>& values, const Shape& shape);

  // A view: this tensor's storage, seen otherwise. REQUIRES: every element lies inside the storage.
  // (What is required the caller has to see to.)
  [[nodiscard]] Tensor view(const Shape& shape, const Strides& strides, int64_t offset) const;

  [[nodiscard]] bool defined() const { return window_ != nullptr; }
  [[nodiscard]] const Shape& shape() const { return window().shape; }
  [[nodiscard]] const Strides& strides() const { return window().strides; }
  [[nodiscard]] int64_t offset() const { return window().offset; }
  [[nodiscard]] Dtype dtype() const { return window().dtype; }
  // How many axes, and how many elements.
  [[nodiscard]] int rank() const { return shape().rank(); }
  [[nodiscard]] int64_t numel() const { return window().numel; }
  [[nodiscard]] bool is_contiguous() const;  // row-major without gaps
  [[nodiscard]] uint64_t version() const { return defined() ? storage().version() : 0; }

  // The memory that this tensor keeps alive, all of it, however little the window shows. REQUIRES:
  // defined().
  [[nodiscard]] const Storage& block() const { return storage(); }
  [[nodiscard]] bool shares_storage_with(const Tensor& t) const {
    return &storage() == &t.storage();
  }

  // Row-major in a storage that no other tensor sees: writing to it changes nobody else's numbers.
  [[nodiscard]] bool is_sole_owner() const;

  // The first element. REQUIRES: T is the C++ type of dtype() (a CheckError otherwise).
  template <class T>
  [[nodiscard]] const T* data() const {
    require_dtype(dtype_of<T>());
    return static_cast<const T*>(storage().data()) + offset();
  }
  template <class T>
  [[nodiscard]] T* mutable_data() {  // counts as a write
    require_dtype(dtype_of<T>());
    storage().count_write();
    return static_cast<T*>(storage().data()) + offset();
  }

  // One number. Throws std::invalid_argument if there is not exactly one element, or if the index
  // has the wrong length or lies outside.
  [[nodiscard]] double item() const;
  [[nodiscard]] double at(std::initializer_list<int64_t> index) const;

  // All elements in row-major order, as double.
  [[nodiscard]] std::vector<double> to_vector() const;

  // The same tensor if it is row-major already, else a row-major copy.
  [[nodiscard]] Tensor contiguous() const;
  [[nodiscard]] Tensor clone() const;          // always a copy
  [[nodiscard]] Tensor to(Dtype dtype) const;  // converted; the same tensor if nothing changes

  // Overwrites the numbers, in place; `source` broadcasts to this shape and is converted.
  void copy_(const Tensor& source);
  void fill_(double value);

 private:
  // A tensor made by empty() owns its storage; a view keeps the window that does.
  struct Window {
    Window(const Shape& sizes, const Strides& steps, int64_t count, Dtype type, size_t bytes)
        : shape(sizes), strides(steps), numel(count), dtype(type), own(bytes) {}
    Shape shape;
    Strides strides;
    int64_t offset = 0;
    int64_t numel;
    Dtype dtype;
    Storage own;
    std::shared_ptr<Window> owner;
  };

  void require_dtype(Dtype wanted) const {
    if (!defined() || dtype() != wanted) refuse_dtype(wanted);
  }
  [[noreturn]] void refuse_dtype(Dtype wanted) const;
  [[nodiscard]] const Window& window() const { return window_ ? *window_ : kNothing; }
  [[nodiscard]] Storage& storage() const {
    return (window_->owner ? *window_->owner : *window_).own;
  }

  static const Window kNothing;
  std::shared_ptr<Window> window_;
};

// ---- making tensors -----------------------------------------------------------------------------

[[nodiscard]] Tensor full(const Shape& shape, double value, Dtype dtype = Dtype::float32);
[[nodiscard]] Tensor zeros(const Shape& shape, Dtype dtype = Dtype::float32);
[[nodiscard]] Tensor ones(const Shape& shape, Dtype dtype = Dtype::float32);
[[nodiscard]] Tensor scalar(double value, Dtype dtype = Dtype::float32);  // rank 0
[[nodiscard]] Tensor arange(int64_t n, Dtype dtype = Dtype::int64);       // 0, 1, ..., n-1

// Filled from the generator of random numbers (lib/random.h) in row-major order: uniform ones are
// equally likely from low to high, normal ones follow the bell curve, most of them within one
// deviation of the mean. They are drawn in double precision and then rounded, so float32 and
// float64 tensors from the same generator agree to float32 precision.
[[nodiscard]] Tensor uniform(const Shape& shape, double low, double high, lib::Generator& generator,
                             Dtype dtype = Dtype::float32);
[[nodiscard]] Tensor normal(const Shape& shape, double mean, double deviation,
                            lib::Generator& generator, Dtype dtype = Dtype::float32);
[[nodiscard]] Tensor integers(const Shape& shape, int64_t low, int64_t high,
                              lib::Generator& generator);  // int64 in [low, high)

// ---- printing -----------------------------------------------------------------------------------

// numpy-like: [[1.0000, 2.0000], [3.0000, 4.0000]] with rows under each other; `decimals` after the
// point. Axes longer than 12 are shortened to the first and the last 3 with "..." between.
[[nodiscard]] std::string to_string(const Tensor& t, int decimals = 4);
std::ostream& operator<<(std::ostream& out, const Tensor& t);

}  // namespace qkv::tensor
