// record(): what becomes a node, what a node keeps, and that a tensor saved for backward is
// watched.
#include <doctest/doctest.h>

#include <functional>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

Variable vector(std::vector<double> values) {
  const auto n = static_cast<int64_t>(values.size());
  return parameter(Tensor::of(values, {n}));
}

}  // namespace

TEST_CASE("a node knows its operation and inputs and the shape of its result") {
  const Variable a = vector({1, 2}), b = vector({3});
  const Variable y = a * b;
  CHECK(std::string(y.node()->op) == "mul");
  REQUIRE(y.node()->inputs.size() == 2);
  CHECK(y.node()->inputs[0] == a.node());
  CHECK(y.node()->inputs[1] == b.node());
  CHECK(y.node()->shape == Shape{2});
  CHECK(y.node()->dtype == Dtype::float64);
  CHECK_FALSE(y.node()->is_leaf());
}

TEST_CASE("an input that requires no gradient is a null pointer in the node") {
  const Variable a = vector({1, 2}), c = tensor::ones({2}, Dtype::float64);
  const Variable y = a * c;
  CHECK(y.node()->inputs[0] == a.node());
  CHECK(y.node()->inputs[1] == nullptr);
}

TEST_CASE("a result is younger than its inputs") {
  const Variable a = vector({1});
  const Variable b = exp(a), c = vector({2});
  const Variable y = b * c;
  CHECK(a.node()->born < b.node()->born);
  CHECK(b.node()->born < c.node()->born);
  CHECK(c.node()->born < y.node()->born);
}

TEST_CASE("the result is kept by a node only if its backward asks for it") {
  const Variable a = vector({1, 2});
  CHECK(exp(a).node()->result.defined());
  CHECK_FALSE((a * a).node()->result.defined());
  CHECK_FALSE((a + a).node()->result.defined());
}

TEST_CASE("a backward of two arguments is given the result") {
  const Variable x = vector({1, 2});
  const Variable y =
      record("cube", {x}, tensor::mul(x.value(), 3.0),
             [](const Variable& dy, const Variable& result) -> Grads { return {dy * result}; });
  backward(y, Variable(Tensor::of<double>({1, 10}, {2})));
  CHECK(x.grad().value().to_vector() == std::vector<double>{3, 60});
}

TEST_CASE("an undefined gradient means zero") {
  const Variable a = vector({1, 2}), b = vector({3, 4});
  const auto only_second = [](const Variable& dy) -> Grads { return {Variable(), dy}; };
  const Variable y = record("second", {a, b}, b.value().clone(), only_second);
  backward(sum(y));
  CHECK_FALSE(a.has_grad());
  CHECK(b.has_grad());
  const Variable again = record("second", {a, b}, b.value().clone(), only_second);
  CHECK(grad({sum(again)}, {a})[0].value().to_vector() == std::vector<double>{0, 0});
}

TEST_CASE("a tensor that backward needs and that was overwritten is reported with the operation") {
  Variable a = vector({1, 2});
  const Variable b = vector({3, 4});
  const char* const sentence =
      "mul: a tensor of shape (2,) that was saved for backward has been overwritten in place since";
  Variable y = a * b;
  a.mutable_value().fill_(7);
  CHECK_THROWS_WITH_AS(backward(sum(y)), sentence, std::invalid_argument);

  y = a * b;  // made of the overwritten numbers: these are the ones saved
  backward(sum(y));
  CHECK(b.grad().value().to_vector() == std::vector<double>{7, 7});
}

TEST_CASE("a fused operation reports an overwritten operand with and without a graph") {
  for (const bool create_graph : {false, true}) {
    Variable x = vector({1, 2});
    const Variable y = gelu(x);
    x.mutable_value().fill_(0);
    CHECK_THROWS_WITH_AS(backward(sum(y), {}, {.create_graph = create_graph}),
                         "gelu: a tensor of shape (2,) that was saved for backward has been "
                         "overwritten in place since",
                         std::invalid_argument);
  }
}

TEST_CASE("an overwrite through a view is noticed") {
  Variable a = vector({1, 2, 3});
  const Variable y = a * a;
  Variable window = slice(a, 0, 1, 2);
  window.mutable_value().fill_(9);
  CHECK_THROWS_AS(backward(sum(y)), std::invalid_argument);
}

TEST_CASE("an overwrite of a tensor that was not saved is harmless") {
  Variable a = vector({1, 2}), b = vector({3, 4});
  const Variable y = a + b * 2.0;
  a.mutable_value().fill_(7);
  b.mutable_value().fill_(7);
  backward(sum(y));
  CHECK(a.grad().value().to_vector() == std::vector<double>{1, 1});
  CHECK(b.grad().value().to_vector() == std::vector<double>{2, 2});
}

TEST_CASE("a result that backward needs and that was overwritten is reported") {
  const Variable a = vector({1, 2});
  Variable y = exp(a);
  y.mutable_value().fill_(0);
  CHECK_THROWS_AS(backward(sum(y)), std::invalid_argument);
}

TEST_CASE("an operation without a backward is refused by name when it is recorded") {
  const Variable a = vector({1, 2});
  const std::function<Grads(const Variable&)> nobody_wrote_it;
  CHECK_THROWS_WITH_AS(static_cast<void>(record("cube", {a}, a.value(), nobody_wrote_it)),
                       "record: the operation 'cube' has no backward", std::invalid_argument);
  CHECK_FALSE(
      record("cube", {a.detach()}, a.value(), nobody_wrote_it).requires_grad());  // no graph
}
