// Other ways to see the same numbers. All of these are free (they share storage), except that
// reshape and flatten copy when the strides leave no other way.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// The same numbers in row-major order under another shape; one size may be -1 and is worked out.
// Throws std::invalid_argument if the number of elements differs.
[[nodiscard]] Tensor reshape(const Tensor& x, const Shape& shape);

// Axes a and b exchanged; by default the last two, as in a matrix.
[[nodiscard]] Tensor transpose(const Tensor& x, int a = -2, int b = -1);

// Axis i of the result is axis order[i] of x. Throws unless order is a permutation of the axes.
[[nodiscard]] Tensor permute(const Tensor& x, const std::vector<int>& order);

// Elements begin, begin+step, ... before end, along one axis. Negative begin or end count from the
// end. Throws std::invalid_argument unless 0 <= begin <= end <= size and step >= 1.
[[nodiscard]] Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step = 1);

// One index of an axis, which disappears: select(x, 0, i) is row i, select(x, 0, -1) the last.
[[nodiscard]] Tensor select(const Tensor& x, int axis, int64_t index);

// Broadcast to a shape without copying: repeated axes get stride 0.
[[nodiscard]] Tensor expand(const Tensor& x, const Shape& shape);

[[nodiscard]] Tensor unsqueeze(const Tensor& x, int axis);  // a new axis of size 1 at `axis`
[[nodiscard]] Tensor squeeze(const Tensor& x, int axis);    // an axis of size 1 removed

}  // namespace qkv::tensor
