// Products with running sums on tensors: lib/causal_product.h with shapes and strides sorted out.
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// y_i = Σ_j (q_i · k_j) v_j over the keys j <= i + Tk - Tq; in reverse over j >= i + Tk - Tq.
// Q (..., Tq, D), K (..., Tk, D), V (..., Tk, Dv) -> (..., Tq, Dv), in time and memory O(Tq + Tk).
// Throws std::invalid_argument if shapes do not fit, the axes before the last two included, or if
// dtypes differ or are not floating.
[[nodiscard]] Tensor causal_product(const Tensor& Q, const Tensor& K, const Tensor& V,
                                    bool reverse = false);

}  // namespace qkv::tensor
