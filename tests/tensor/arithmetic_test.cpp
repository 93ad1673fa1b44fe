// Arithmetic on tensors whose strides make planes: broadcast, transposed, sliced; and in place.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tensor/elementwise.h"
#include "tensor/views.h"

using namespace qkv;
using namespace qkv::tensor;

namespace {

using Numbers = std::vector<double>;

Tensor numbers(const Shape& shape, uint64_t seed) {
  lib::Generator generator(seed);
  return normal(shape, 0, 1, generator, Dtype::float64);
}

// The shape (2, 3, 4) in every disguise: row-major, transposed, sliced, and broadcast along each
// subset of its axes.
std::vector<Tensor> disguises(uint64_t seed) {
  std::vector<Tensor> list = {numbers({2, 3, 4}, seed), transpose(numbers({4, 3, 2}, seed), 0, 2),
                              transpose(numbers({2, 4, 3}, seed)),
                              slice(numbers({2, 3, 9}, seed), 2, 1, 9, 2),
                              slice(numbers({2, 8, 4}, seed), 1, 2, 5)};
  for (int axes = 1; axes < 8; ++axes) {
    Shape shape{2, 3, 4};
    for (int axis = 0; axis < 3; ++axis) {
      if (axes >> axis & 1) shape[axis] = 1;
    }
    list.push_back(numbers(shape, seed));
  }
  return list;
}

Numbers expanded(const Tensor& x) { return expand(x, {2, 3, 4}).to_vector(); }

}  // namespace

TEST_CASE("arithmetic pairs the right elements, however the operands lie in memory") {
  for (const Tensor& a : disguises(1)) {
    for (const Tensor& b : disguises(2)) {
      INFO("a ", a.shape().str(), ", b ", b.shape().str());
      const Numbers x = expanded(a), z = expanded(b);
      const Numbers sums = expanded(add(a, b)), differences = expanded(sub(a, b));
      const Numbers products = expanded(mul(a, b)), ratios = expanded(div(a, b));
      for (size_t i = 0; i < x.size(); ++i) {
        CHECK(sums[i] == x[i] + z[i]);
        CHECK(differences[i] == x[i] - z[i]);
        CHECK(products[i] == x[i] * z[i]);
        CHECK(ratios[i] == x[i] / z[i]);
      }
    }
  }
}

TEST_CASE("add_ adds in place to every element, and counts as a write") {
  for (const Tensor& b : disguises(3)) {
    Tensor a = numbers({2, 3, 4}, 4);
    const Numbers before = a.to_vector(), z = expanded(b);
    const Tensor same = a;
    const uint64_t version = a.version();
    add_(a, b);
    CHECK(a.version() != version);
    const Numbers after = same.to_vector();
    for (size_t i = 0; i < z.size(); ++i) CHECK(after[i] == before[i] + z[i]);
  }
}

TEST_CASE("add_ refuses what does not fit") {
  Tensor a = zeros({2, 3}), column = zeros({3, 1});
  Tensor turned = transpose(zeros({3, 2}));
  CHECK_THROWS_WITH_AS(add_(column, zeros({3, 4})), "add_: cannot add (3, 4) to a (3, 1) in place",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(add_(turned, a), "add_: cannot add (2, 3) to a (2, 3) in place",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(add_(a, zeros({2, 3}, Dtype::float64)),
                       "add_: dtypes differ: float32 and float64; convert one with to()",
                       std::invalid_argument);
}

TEST_CASE("a number may take the place of a tensor, whatever the strides of the other") {
  for (const Tensor& x : disguises(5)) {
    const Numbers before = x.to_vector(), scaled = mul(x, 1.5).to_vector();
    const Numbers shifted = add(x, -2).to_vector(), negated = neg(x).to_vector();
    for (size_t i = 0; i < before.size(); ++i) {
      CHECK(scaled[i] == before[i] * 1.5);
      CHECK(shifted[i] == before[i] - 2);
      CHECK(negated[i] == -before[i]);
    }
  }
  CHECK(std::signbit(neg(scalar(0)).item()));
  CHECK(mul(scalar(3, Dtype::int64), 2).item() == 6);
}

TEST_CASE("a tensor is its storage's sole owner until something else sees the storage") {
  Tensor x = zeros({2, 3});
  CHECK(x.is_sole_owner());
  {
    const Tensor copy = x;
    CHECK_FALSE(x.is_sole_owner());
  }
  CHECK(x.is_sole_owner());
  const Tensor view = reshape(x, {3, 2});
  CHECK_FALSE(x.is_sole_owner());
  CHECK_FALSE(view.is_sole_owner());
  x = Tensor();
  CHECK_FALSE(view.is_sole_owner());  // said of owners only
}
