// for_each_row: the one loop over tensors of any strides. It visits a shape row by row and tells,
// for each of N operands, where the row begins and by how much it steps. Neighbouring axes that lie
// behind one another in memory for every operand are merged first, so contiguous operands are one
// row.
#pragma once

#include <array>

#include "tensor/shape.h"

namespace qkv::tensor {

//   shape (2, 3), operands with strides (3, 1) and (0, 1):   n = 3, offsets (0, 0), steps (1, 1)
//                                                            n = 3, offsets (3, 0), steps (1, 1)

template <size_t N>
using PerOperand = std::array<int64_t, N>;

// Drops axes of size 1, then merges what can be merged. At least one axis is left.
template <size_t N>
void merge_axes(Shape& shape, std::array<Strides, N>& strides) {
  const auto erase = [&](int axis) {
    shape.erase(axis);
    for (Strides& s : strides) s.erase(axis);
  };
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    if (shape[axis] == 1 && shape.rank() > 1) erase(axis);
  }
  for (int axis = shape.rank() - 2; axis >= 0; --axis) {
    bool behind_one_another = true;
    for (const Strides& s : strides) {
      behind_one_another &= s[axis] == s[axis + 1] * shape[axis + 1];
    }
    if (!behind_one_another) continue;
    shape[axis + 1] *= shape[axis];
    erase(axis);
  }
  if (shape.rank() == 0) {
    shape.push_back(1);
    for (Strides& s : strides) s.push_back(1);
  }
}

// Calls body(n, offsets, steps) for every row. REQUIRES: each operand has a stride per axis.
template <size_t N, class Body>
void for_each_row(Shape shape, std::array<Strides, N> strides, const Body& body) {
  if (shape.numel() == 0) return;
  merge_axes(shape, strides);
  const int last = shape.rank() - 1;
  PerOperand<N> offsets = {}, steps;
  for (size_t k = 0; k < N; ++k) steps[k] = strides[k][last];
  std::array<int64_t, kMaxRank> index = {};  // of the row, like the digits of an odometer
  while (true) {
    body(shape[last], offsets, steps);
    int axis = last - 1;
    for (; axis >= 0; --axis) {
      const auto a = static_cast<size_t>(axis);
      if (++index[a] < shape[axis]) {
        for (size_t k = 0; k < N; ++k) offsets[k] += strides[k][axis];
        break;
      }
      index[a] = 0;
      for (size_t k = 0; k < N; ++k) offsets[k] -= strides[k][axis] * (shape[axis] - 1);
    }
    if (axis < 0) return;
  }
}

// The strides with which an operand of shape `from` is read as if it had shape `to`: broadcast axes
// get stride 0. REQUIRES: `from` broadcasts to `to`.
[[nodiscard]] inline Strides broadcast_strides(const Shape& from, const Strides& strides,
                                               const Shape& to) {
  Strides result = to;
  for (int axis = 0; axis < to.rank(); ++axis) {
    const int own = axis - (to.rank() - from.rank());
    result[axis] = own < 0 || (from[own] == 1 && to[axis] != 1) ? 0 : strides[own];
  }
  return result;
}

}  // namespace qkv::tensor
