// Sizes, strides and the broadcasting rule.
#include "tensor/shape.h"

#include <algorithm>
#include <ostream>

#include "lib/check.h"
#include "lib/text.h"

namespace qkv::tensor {

using lib::fail;

Shape::Shape(std::span<const int64_t> sizes) {
  if (sizes.size() > kMaxRank) {
    fail("shape: ", sizes.size(), " axes; a tensor has at most ", kMaxRank);
  }
  std::copy(sizes.begin(), sizes.end(), sizes_.begin());
  rank_ = static_cast<int>(sizes.size());
}

// Zeros are left out of the product, so that the strides of an empty tensor cannot overflow either.
int64_t Shape::numel() const {
  constexpr int64_t kMost = int64_t{1} << 60;
  int64_t product = 1;
  bool empty = false, too_many = false;
  for (const int64_t size : *this) {
    if (size < 0) fail("shape: negative size in ", *this);
    empty |= size == 0;
    if (size > 0 && product > kMost / size) too_many = true;
    if (!too_many && size > 0) product *= size;
  }
  if (too_many) {
    fail("shape: ", *this, " has more than 2^60 elements", empty ? ", its zeros left out" : "");
  }
  return empty ? 0 : product;
}

void Shape::push_back(int64_t size) { insert(rank_, size); }

void Shape::insert(int axis, int64_t size) {
  if (rank_ == kMaxRank) fail("shape: ", rank_ + 1, " axes; a tensor has at most ", kMaxRank);
  DCHECK(axis >= 0);
  DCHECK(axis <= rank_);
  std::copy_backward(begin() + axis, end(), sizes_.data() + rank_ + 1);
  sizes_[static_cast<size_t>(axis)] = size;
  rank_ += 1;
}

void Shape::erase(int axis) {
  DCHECK(axis >= 0);
  DCHECK(axis < rank_);
  std::copy(begin() + axis + 1, end(), sizes_.data() + axis);
  rank_ -= 1;
}

std::string Shape::str() const {
  std::string text = "(";
  for (int axis = 0; axis < rank_; ++axis) {
    text += lib::str(axis > 0 ? ", " : "", (*this)[axis]);
  }
  return text + (rank_ == 1 ? ",)" : ")");
}

std::ostream& operator<<(std::ostream& out, const Shape& shape) { return out << shape.str(); }

Strides row_major_strides(const Shape& shape) {
  Strides strides = shape;
  int64_t step = 1;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    strides[axis] = step;
    step *= std::max<int64_t>(shape[axis], 1);
  }
  return strides;
}

//   a          (8, 1, 6)
//   b             (7, 1)
//   together   (8, 7, 6)
Shape broadcast_shapes(const char* op, const Shape& a, const Shape& b) {
  Shape result = a.rank() >= b.rank() ? a : b;
  for (int k = 1; k <= std::min(a.rank(), b.rank()); ++k) {
    const int64_t x = a.from_end(k), y = b.from_end(k);
    if (x != y && x != 1 && y != 1) {
      fail(op, ": shapes do not broadcast: ", a, " and ", b, "; counted from the end, axis ", k,
           " has sizes ", x, " and ", y, ", which must be equal or one of them 1");
    }
    result[result.rank() - k] = x == 1 ? y : x;
  }
  return result;
}

int normalize_axis(const char* op, int axis, int rank) {
  if (axis < -rank || axis >= rank) {
    fail(op, ": axis ", axis, " is out of range for a tensor of rank ", rank, "; need ", -rank,
         " <= axis < ", rank);
  }
  return axis < 0 ? axis + rank : axis;
}

}  // namespace qkv::tensor
