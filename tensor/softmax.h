// Softmax and its relatives, along one axis.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// y_i = exp(x_i - m) / Σ_j exp(x_j - m),   m = max x.   Rows with +inf or NaN, or with nothing but
// -inf, give NaN, as the formula says.
[[nodiscard]] Tensor softmax(const Tensor& x, int axis);

// y_i = x_i - m - log Σ_j exp(x_j - m),   the logarithm of softmax, to the base e
[[nodiscard]] Tensor log_softmax(const Tensor& x, int axis);

// y = m + log Σ_j exp(x_j - m),  one number per row; with keepdim the axis stays, of size 1. A row
// of nothing but -inf gives -inf. Throws std::invalid_argument if the axis is empty.
[[nodiscard]] Tensor logsumexp(const Tensor& x, int axis, bool keepdim = false);

// Their slopes: from the gradient dy of y to that of x, along the same axis. dy and y have one
// shape and one floating dtype.
//
//   softmax       dx = y (dy - Σ dy y)
//   log_softmax   dx = dy - exp(y) Σ dy
[[nodiscard]] Tensor softmax_backward(const Tensor& dy, const Tensor& y, int axis);
[[nodiscard]] Tensor log_softmax_backward(const Tensor& dy, const Tensor& y, int axis);

// Softmax over the last axis of those elements where the mask (bool, broadcast to x) is true; the
// others are skipped and get weight 0. A row without any true, or with nothing
// but -inf where it is true, gets weights 0, not NaN.
[[nodiscard]] Tensor masked_softmax(const Tensor& x, const Tensor& mask);

}  // namespace qkv::tensor
