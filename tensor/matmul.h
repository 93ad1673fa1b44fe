// Matrix products of the last two axes; the axes before them are batches and broadcast.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// C = A B:  (..., M, K) x (..., K, N) -> (..., M, N), float32 or float64, any strides. Each element
// is one chain of fused multiply-adds over k in increasing order. A vector A counts as one row, a
// vector B as one column, and the axis of size 1 is left out of the result, as in PyTorch:
//
//   (K) x (K, N) -> (N)        (M, K) x (K) -> (M)        (K) x (K) -> ()
//
// Throws std::invalid_argument if a rank is 0, if the inner dimensions or dtypes differ, or if the
// batch axes do not broadcast.
[[nodiscard]] Tensor matmul(const Tensor& A, const Tensor& B);

// The shape of a product C with the axes of size 1 that vectors have left out.
[[nodiscard]] Shape matrix_shape(const Shape& C, bool A_is_vector, bool B_is_vector);

}  // namespace qkv::tensor
