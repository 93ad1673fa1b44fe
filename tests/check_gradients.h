// First and second derivatives of a function in one line of a test: every element of every input,
// at the tolerance of autograd/grad_check.h.
#pragma once

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "autograd/grad_check.h"

namespace qkv::tests {

inline void check_gradients(const std::string& name, const autograd::Function& function,
                            const std::vector<tensor::Tensor>& inputs) {
  const auto first = autograd::grad_check(name, function, inputs);
  CHECK_MESSAGE(first.passed, first.message);
  const auto second = autograd::grad_grad_check(name, function, inputs, {.eps = 1e-5});
  CHECK_MESSAGE(second.passed, second.message);
}

}  // namespace qkv::tests
