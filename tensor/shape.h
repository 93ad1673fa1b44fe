// Shape: the sizes of a tensor's axes, a list of at most 8 numbers kept in place (no allocation).
//
//   Shape{2, 3, 4}   2 blocks of 3 rows of 4:  rank 3, 24 elements, row-major strides (12, 4, 1)
//   Shape{}          a single number: rank 0, 1 element
//
// Next: tensor.h.
#pragma once

#include <algorithm>
#include <array>
#include <cstdint>
#include <initializer_list>
#include <iosfwd>
#include <span>
#include <string>

namespace qkv::tensor {

inline constexpr int kMaxRank = 8;

class Shape {
 public:
  Shape() = default;
  Shape(std::initializer_list<int64_t> sizes) : Shape(std::span(sizes.begin(), sizes.size())) {}

  // Throws std::invalid_argument if there are more than 8 axes. Negative sizes are caught by
  // numel().
  explicit Shape(std::span<const int64_t> sizes);

  [[nodiscard]] int rank() const { return rank_; }
  [[nodiscard]] int64_t operator[](int axis) const { return sizes_[static_cast<size_t>(axis)]; }
  int64_t& operator[](int axis) { return sizes_[static_cast<size_t>(axis)]; }

  // The size of an axis counted from the end: from_end(1) is the last.
  [[nodiscard]] int64_t from_end(int k) const { return (*this)[rank_ - k]; }

  [[nodiscard]] const int64_t* begin() const { return sizes_.data(); }
  [[nodiscard]] const int64_t* end() const { return sizes_.data() + rank_; }

  // The number of elements. Throws std::invalid_argument if a size is negative, or if the tensor
  // would hold more than 2^60 elements.
  [[nodiscard]] int64_t numel() const;

  void push_back(int64_t size);
  void insert(int axis, int64_t size);  // REQUIRES: 0 <= axis <= rank(). A ninth axis is refused.
  void erase(int axis);                 // REQUIRES: 0 <= axis < rank()

  [[nodiscard]] std::string str() const;  // "(2, 3, 4)"

  bool operator==(const Shape& other) const {
    return rank_ == other.rank_ && std::equal(begin(), end(), other.begin());
  }

 private:
  std::array<int64_t, kMaxRank> sizes_ = {};
  int rank_ = 0;
};

using Strides = Shape;  // one step per axis, in elements

std::ostream& operator<<(std::ostream& out, const Shape& shape);

// The strides of a row-major tensor: the last axis moves by 1.
[[nodiscard]] Strides row_major_strides(const Shape& shape);

// The shape that both broadcast to: aligned at the last axis, sizes equal or one of them 1.
// Throws std::invalid_argument, naming `op` and both shapes, if there is none.
[[nodiscard]] Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b);

// An axis given as -rank .. rank-1, as 0 .. rank-1. Throws std::invalid_argument, naming `op`.
[[nodiscard]] int normalize_axis(const char* op, int axis, int rank);

}  // namespace qkv::tensor
