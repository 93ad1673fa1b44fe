// Matrix products of the last two axes; the axes before them are batches and broadcast.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// C = A B:  (..., M, K) x (..., K, N) -> (..., M, N), float32 or float64, any strides. Each element
// is one chain of fused multiply-adds over k in increasing order. Throws std::invalid_argument if a
// rank is below 2, if the inner dimensions or dtypes differ, or if the batch axes do not broadcast.
[[nodiscard]] Tensor matmul(const Tensor& A, const Tensor& B);

}  // namespace qkv::tensor
