// For the tests of the bits: something that computes tensors, tried under every setting of this
// machine, and against a digest that was written down.
#pragma once

#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "tensor/views.h"
#include "tests/determinism/digest.h"
#include "tests/determinism/settings.h"

namespace qkv::tests {

using tensor::Dtype;
using tensor::Shape;
using tensor::Tensor;

// Something that computes tensors, always from the same numbers; and what it gives in float32.
struct Computation {
  std::string name;
  uint64_t pinned;  // the digest of the results
  std::function<std::vector<Tensor>(Dtype)> run;
};

// Random numbers, drawn once.
inline Tensor normals(const Shape& shape, Dtype dtype, size_t which = 1) {
  static const std::vector<Tensor> reservoirs = [] {
    lib::Generator generator(1);
    const auto draw = [&] { return tensor::normal({100'000}, 0, 1, generator, Dtype::float64); };
    return std::vector<Tensor>{draw(), draw(), draw()};
  }();
  return tensor::reshape(tensor::slice(reservoirs.at(which - 1), 0, 0, shape.numel()), shape)
      .clone()
      .to(dtype);
}

// Does every computation give, under every setting, what it gives under the first?
inline void check_all(const std::vector<Computation>& computations) {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Computation& computation : computations) {
      uint64_t first = 0;
      for_each_setting([&](const std::string& setting) {
        const uint64_t bits = digest(computation.run(dtype));
        if (first == 0) first = bits;
        INFO(computation.name, " in ", std::string(tensor::dtype_name(dtype)), " under ", setting);
        CHECK(bits == first);
      });
    }
  }
}

// The same on every machine and with every compiler. In float64 the standard library's functions
// take part, and those differ from system to system.
inline void check_pinned(const std::vector<Computation>& computations) {
  for (const Computation& c : computations) {
    const uint64_t bits = digest(c.run(Dtype::float32));
    INFO(c.name, " gives ", bits);
    CHECK(bits == c.pinned);
  }
}

}  // namespace qkv::tests
