// One tensor in several disguises: the same shape and numbers, laid out differently in memory. What
// an operation returns must not depend on which of them it gets.
#pragma once

#include <vector>

#include "tensor/tensor.h"
#include "tensor/views.h"

namespace qkv::tests {

// Row-major; column-major; and, axis by axis, every second place of a larger tensor.
[[nodiscard]] inline std::vector<tensor::Tensor> disguises(const tensor::Tensor& x) {
  std::vector<tensor::Tensor> list = {x.clone()};
  if (x.rank() >= 2) {
    list.push_back(tensor::transpose(tensor::transpose(x, 0, -1).contiguous(), 0, -1));
  }
  for (int axis = 0; axis < x.rank(); ++axis) {
    tensor::Shape larger = x.shape();
    larger[axis] = 2 * larger[axis] + 3;
    const tensor::Tensor around = tensor::full(larger, -77, x.dtype());
    tensor::Tensor inside = tensor::slice(around, axis, 2, 2 + 2 * x.shape()[axis], 2);
    inside.copy_(x);
    list.push_back(inside);
  }
  return list;
}

// A tensor of shape `from` is broadcast to shape `to`: which of its elements (counted row-major) is
// the one at place `at` (counted row-major) of the result?
[[nodiscard]] inline size_t broadcast_place(const tensor::Shape& from, const tensor::Shape& to,
                                            int64_t at) {
  int64_t place = 0, step = 1;
  for (int k = 1; k <= to.rank(); ++k) {
    const int64_t index = at % to.from_end(k);
    at /= to.from_end(k);
    if (k > from.rank()) continue;
    if (from.from_end(k) != 1) place += index * step;
    step *= from.from_end(k);
  }
  return static_cast<size_t>(place);
}

}  // namespace qkv::tests
