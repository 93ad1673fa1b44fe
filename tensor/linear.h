// The product at the heart of every layer, for positions of any arrangement: all of them are rows
// of one matrix.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// y = x Wᵀ + b:  x (..., in), W (out, in), b (out) or undefined -> (..., out), floating. Each
// element is one chain of fused multiply-adds that starts with b. Throws std::invalid_argument if
// shapes or dtypes do not fit.
[[nodiscard]] Tensor linear(const Tensor& x, const Tensor& W, const Tensor& b = {});

// (..., n) -> (rows, n), a view if x is row-major.
[[nodiscard]] Tensor as_rows(const Tensor& x);

}  // namespace qkv::tensor
