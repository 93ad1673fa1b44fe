// Many numbers to one. Reduced axes disappear, or stay with size 1 if keepdim. Sums follow a fixed
// order (16 lanes in float32, 8 in float64, see lib/simd/lanes.inl): the same bits everywhere.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// Axes empty: all of them. Throws std::invalid_argument for an axis out of range or named twice.
[[nodiscard]] Tensor sum(const Tensor& x, const std::vector<int>& axes = {}, bool keepdim = false);

// Throws std::invalid_argument if nothing is averaged (a reduced axis of size 0).
[[nodiscard]] Tensor mean(const Tensor& x, const std::vector<int>& axes = {}, bool keepdim = false);

// The largest element along one axis, NaN if there is one, and its index (int64), the first if
// several are equal. Throws std::invalid_argument if the axis is empty.
[[nodiscard]] Tensor max(const Tensor& x, int axis, bool keepdim = false);
[[nodiscard]] Tensor argmax(const Tensor& x, int axis, bool keepdim = false);

[[nodiscard]] bool all(const Tensor& x);  // of a bool tensor
[[nodiscard]] bool any(const Tensor& x);

// The adjoint of broadcasting: x summed over the axes along which `shape` was broadcast to
// x.shape().
[[nodiscard]] Tensor reduce_to(const Tensor& x, const Shape& shape);

}  // namespace qkv::tensor
