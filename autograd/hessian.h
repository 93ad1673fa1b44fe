// Hessian-vector products: the second derivatives of a function, without ever writing down the
// matrix of them. With g = ∇f, and a vector v that is a constant,
//
//   H v = ∇ (g · v)         two passes, whatever the number of inputs; H would be (n, n)
//
// Source: Pearlmutter 1994.
#pragma once

#include "autograd/grad_check.h"

namespace qkv::autograd {

// H v at `inputs`, one tensor for each of them: result_i = Σ_j ∂²f/∂x_i∂x_j v_j. `function` maps
// the inputs to a single number; `vectors` have their shapes and dtypes. Exactly zero where f is
// linear. Throws std::invalid_argument if f gives more than one number, or if vectors do not fit.
[[nodiscard]] std::vector<Tensor> hvp(const Function& function, const std::vector<Tensor>& inputs,
                                      const std::vector<Tensor>& vectors);

}  // namespace qkv::autograd
