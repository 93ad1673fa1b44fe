// Leaves for tests that ask whether an operation takes its operands, not what it makes of them.
#pragma once

#include "autograd/variable.h"

namespace qkv::tests {

// A parameter of ones.
[[nodiscard]] inline autograd::Variable leaf(const tensor::Shape& shape,
                                             tensor::Dtype dtype = tensor::Dtype::float32) {
  return autograd::parameter(tensor::ones(shape, dtype));
}
[[nodiscard]] inline autograd::Variable leaf64(const tensor::Shape& shape) {
  return leaf(shape, tensor::Dtype::float64);
}

}  // namespace qkv::tests
