// Slopes where a function has no single one, or where its formula divides by zero: what is agreed
// on there. Elsewhere op_table_test.cpp compares every operation with numeric differences.
#include <doctest/doctest.h>

#include <limits>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::refusal;
using Numbers = std::vector<double>;

namespace {

constexpr double kInf = std::numeric_limits<double>::infinity();

Variable vector_of(const Numbers& values) {
  return parameter(Tensor::of(values, {static_cast<int64_t>(values.size())}));
}

// The gradients of Σ y · dy.
std::vector<Numbers> gradients(const Variable& y, const std::vector<Variable>& inputs,
                               const Tensor& dy) {
  std::vector<Numbers> result;
  for (const Variable& g : grad({y}, inputs, {dy})) result.push_back(g.value().to_vector());
  return result;
}

Tensor numbers(const Numbers& values) { return vector_of(values).value(); }

}  // namespace

TEST_CASE("maximum gives the winner the whole gradient, and each of two equals half") {
  const Variable a = vector_of({1, 5, 2, -kInf}), b = vector_of({3, 4, 2, -kInf});
  const auto d = gradients(maximum(a, b), {a, b}, numbers({10, 20, 30, 40}));
  CHECK(d[0] == Numbers{0, 20, 15, 20});
  CHECK(d[1] == Numbers{10, 0, 15, 20});
}

TEST_CASE("the loser of a maximum gets exactly 0, however large the gradient is") {
  const Variable a = vector_of({1}), b = vector_of({3});
  const auto d = gradients(maximum(a, b), {a, b}, numbers({kInf}));
  CHECK(d[0] == Numbers{0});
  CHECK(d[1] == Numbers{kInf});
}

TEST_CASE("the slope of pow at 0 is what the exponent says") {
  const auto slope_at_0 = [](double exponent) {
    const Variable x = vector_of({0});
    return gradients(pow(x, exponent), {x}, numbers({1}))[0][0];
  };
  CHECK(slope_at_0(0) == 0);  // x^0 is 1 everywhere
  CHECK(slope_at_0(0.5) == kInf);
  CHECK(slope_at_0(1) == 1);
  CHECK(slope_at_0(2) == 0);
}

TEST_CASE("derivatives of x^2 end with 0 after the second") {
  const Variable x = vector_of({3});
  Variable y = pow(x, 2);
  for (const double expected : {6.0, 2.0, 0.0}) {
    y = grad({y}, {x}, {numbers({1})}, {.create_graph = true})[0];
    CHECK(y.value().to_vector() == Numbers{expected});
  }
}

TEST_CASE("logsumexp of a row of nothing but -inf has gradient 0, and no NaN") {
  const Variable x = parameter(Tensor::of(Numbers{-kInf, -kInf, -kInf, 2}, {2, 2}));
  CHECK(gradients(logsumexp(x, 1), {x}, numbers({3, 5}))[0] == Numbers{0, 0, 0, 5});
}

TEST_CASE("index_select adds up the gradients of a slice that is taken twice") {
  const Variable x = vector_of({1, 2, 3});
  const Tensor index = Tensor::of(std::vector<int64_t>{2, 0, 2}, {3});
  CHECK(gradients(index_select(x, 0, index), {x}, numbers({1, 10, 100}))[0] == Numbers{10, 0, 101});
}

TEST_CASE("mse_loss is the mean of squares and refuses what it cannot pair") {
  const Variable x = vector_of({1, 2}), t = vector_of({4, 6});
  CHECK(mse_loss(x, t).item() == 12.5);
  const auto d = gradients(mse_loss(x, t), {x, t}, tensor::scalar(1, Dtype::float64));
  CHECK(d[0] == Numbers{-3, -4});
  CHECK(d[1] == Numbers{3, 4});
  CHECK(refusal([&] { return mse_loss(x, vector_of({1})); }) ==
        "mse_loss: x is (2,), target (1,); need equal shapes");
  CHECK(refusal([&] { return mse_loss(vector_of({}), vector_of({})); }) ==
        "mse_loss: no elements to average in shape (0,)");
  CHECK(refusal([&] { return mse_loss(x, tensor::ones({2})); }) ==
        "mse_loss: x is float64, target float32; need both float32 or both float64");
  CHECK(refusal([&] { return mse_loss(tensor::arange(2), tensor::arange(2)); }) ==
        "mse_loss: x is int64, target int64; need both float32 or both float64");
}
