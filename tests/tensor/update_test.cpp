// Optimiser updates on tensors: in place, from gradients of any strides, and only on tensors alike.
// The formulas are tested in tests/lib/update_test.cpp.
#include "tensor/update.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/tensor/disguises.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using qkv::lib::AdamStep;
using qkv::lib::SgdStep;

namespace {

constexpr SgdStep kPlain = {
    .rate = 0.5, .momentum = 0, .decay = 0, .nesterov = false, .first = true};
constexpr SgdStep kMomentum = {
    .rate = 0.5, .momentum = 0.5, .decay = 0, .nesterov = false, .first = false};
constexpr AdamStep kAdam = {.rate = 0.5,
                            .beta1 = 0.5,
                            .beta2 = 0.75,
                            .eps = 0,
                            .decay = 0,
                            .correction1 = 0.5,
                            .correction2 = 0.25,
                            .decoupled = false};

Tensor numbers(Dtype dtype) { return Tensor::of<double>({1, -2, 4, 8, -16, 32}, {2, 3}).to(dtype); }

}  // namespace

TEST_CASE("updates write in place, seen by every handle and counted") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Tensor& g : disguises(numbers(dtype))) {
      Tensor w = ones({2, 3}, dtype), velocity = full({2, 3}, 2, dtype);
      const Tensor handle = w;
      const uint64_t version = w.version();
      sgd_update_(w, g, nullptr, kPlain);  // w = 1 - g / 2
      CHECK(handle.to_vector() == std::vector<double>{0.5, 2, -1, -3, 9, -15});
      CHECK(handle.version() > version);
      w = zeros({2, 3}, dtype);
      sgd_update_(w, g, &velocity, kMomentum);  // velocity = 1 + g, w = -velocity / 2
      CHECK(velocity.to_vector() == std::vector<double>{2, -1, 5, 9, -15, 33});
      CHECK(w.to_vector() == std::vector<double>{-1, 0.5, -2.5, -4.5, 7.5, -16.5});
    }
  }
}

// On the first step both corrections make up for the start at zero: m / c1 = g, √(v / c2) = |g|.
TEST_CASE("Adam's first step goes by the rate against the sign of the gradient") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Tensor& g : disguises(numbers(dtype))) {
      Tensor w = zeros({2, 3}, dtype), m = zeros({2, 3}, dtype), v = zeros({2, 3}, dtype);
      adam_update_(w, g, m, v, kAdam);
      CHECK(w.to_vector() == std::vector<double>{-0.5, 0.5, -0.5, -0.5, 0.5, -0.5});
      CHECK(m.to_vector() == std::vector<double>{0.5, -1, 2, 4, -8, 16});
      CHECK(v.to_vector() == std::vector<double>{0.25, 1, 4, 16, 64, 256});
    }
  }
}

TEST_CASE("an update of nothing is fine") {
  Tensor w = zeros({0, 3}), m = zeros({0, 3}), v = zeros({0, 3});
  CHECK_NOTHROW(sgd_update_(w, zeros({0, 3}), nullptr, kPlain));
  CHECK_NOTHROW(adam_update_(w, zeros({0, 3}), m, v, kAdam));
}

TEST_CASE("tensors that are not alike, or not row-major, are our own mistake") {
  Tensor w = zeros({2, 3}), m = zeros({2, 3}), v = zeros({2, 3});
  Tensor wide = zeros({2, 3}, Dtype::float64), flat = zeros({6}), turned = transpose(zeros({3, 2}));
  CHECK_THROWS_AS(sgd_update_(w, zeros({3}), nullptr, kPlain), std::logic_error);
  CHECK_THROWS_AS(sgd_update_(w, wide, nullptr, kPlain), std::logic_error);
  CHECK_THROWS_AS(sgd_update_(turned, zeros({2, 3}), nullptr, kPlain), std::logic_error);
  CHECK_THROWS_AS(sgd_update_(w, zeros({2, 3}), &flat, kMomentum), std::logic_error);
  CHECK_THROWS_AS(adam_update_(w, zeros({2, 3}), wide, v, kAdam), std::logic_error);
  CHECK_THROWS_AS(adam_update_(w, zeros({2, 3}), m, turned, kAdam), std::logic_error);
  CHECK(w.to_vector() == std::vector<double>(6, 0));
}
