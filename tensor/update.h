// The optimisers' updates of lib/update.h on tensors, in place. All tensors of one call have one
// shape and one floating dtype and are row-major (a CheckError otherwise: the optimiser made them).
#pragma once

#include "lib/update.h"
#include "tensor/tensor.h"

namespace qkv::tensor {

void sgd_update_(Tensor& w, const Tensor& g, Tensor* velocity, lib::SgdStep step);
void adam_update_(Tensor& w, const Tensor& g, Tensor& m, Tensor& v, lib::AdamStep step);

// Σ g² over all elements of a floating tensor.
[[nodiscard]] double sum_of_squares(const Tensor& g);

}  // namespace qkv::tensor
