// Inputs for tests: numbers of a normal distribution, other ones for every seed.
#pragma once

#include "lib/random.h"
#include "tensor/tensor.h"

namespace qkv::tests {

// Mean 0, standard deviation 1.
[[nodiscard]] inline tensor::Tensor normal(const tensor::Shape& shape, uint64_t seed,
                                           tensor::Dtype dtype = tensor::Dtype::float64) {
  lib::Generator generator(seed);
  return tensor::normal(shape, 0, 1, generator, dtype);
}

}  // namespace qkv::tests
