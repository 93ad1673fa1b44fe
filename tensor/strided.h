// for_each_plane, for_each_row: the one loop over tensors of any strides. A shape is visited plane
// by plane (its last two axes); each visit tells, for N operands, where the plane begins and by how
// much its rows and columns step. Neighbouring axes that lie behind one another in memory for every
// operand are merged first, so contiguous operands are one row.
#pragma once

#include <array>

#include "tensor/shape.h"

namespace qkv::tensor {

//   shape (2, 3), operands with strides (3, 1) and (0, 1):
//     plane   2 rows of 3,  at (0, 0),  row steps (3, 0),  steps (1, 1)
//     rows    n = 3,  at (0, 0);   then n = 3,  at (3, 0)

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

template <size_t N>
struct Plane {
  int64_t rows = 1, n = 1;  // rows of n elements
  PerOperand<N> at = {}, row_step = {}, step = {};
};

// Calls body(plane) for every plane. REQUIRES: each operand has a stride per axis.
template <size_t N, class Body>
void for_each_plane(Shape shape, std::array<Strides, N> strides, const Body& body) {
  if (shape.numel() == 0) return;
  merge_axes(shape, strides);
  const int last = shape.rank() - 1;
  Plane<N> plane;
  plane.n = shape[last];
  if (last > 0) plane.rows = shape[last - 1];
  for (size_t k = 0; k < N; ++k) {
    plane.step[k] = strides[k][last];
    plane.row_step[k] = last > 0 ? strides[k][last - 1] : 0;
  }
  std::array<int64_t, kMaxRank> index = {};  // of the plane, like the digits of an odometer
  while (true) {
    body(plane);
    int axis = last - 2;
    for (; axis >= 0; --axis) {
      const auto a = static_cast<size_t>(axis);
      if (++index[a] < shape[axis]) {
        for (size_t k = 0; k < N; ++k) plane.at[k] += strides[k][axis];
        break;
      }
      index[a] = 0;
      for (size_t k = 0; k < N; ++k) plane.at[k] -= strides[k][axis] * (shape[axis] - 1);
    }
    if (axis < 0) return;
  }
}

// The same row by row: calls body(n, offsets, steps).
template <size_t N, class Body>
void for_each_row(const Shape& shape, const std::array<Strides, N>& strides, const Body& body) {
  for_each_plane<N>(shape, strides, [&](Plane<N> plane) {
    for (int64_t row = 0; row < plane.rows; ++row) {
      body(plane.n, plane.at, plane.step);
      for (size_t k = 0; k < N; ++k) plane.at[k] += plane.row_step[k];
    }
  });
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
