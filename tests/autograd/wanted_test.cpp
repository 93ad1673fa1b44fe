// What the engine leaves undone: gradients of constants, branches that lead to no wanted input; and
// what it may do in place, which nobody must notice.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/views.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

Variable leaf(double value) { return parameter(tensor::scalar(value, Dtype::float64)); }
Variable constant(double value) { return tensor::scalar(value, Dtype::float64); }

// y = a + b, which notes for each operand whether its gradient was wanted.
Variable watched(const Variable& a, const Variable& b, std::vector<bool>* asked) {
  return record("watched", {a, b}, tensor::scalar(a.item() + b.item(), Dtype::float64),
                [asked](const Variable& dy) -> Grads {
                  *asked = {wanted(0), wanted(1)};
                  return {dy, dy};
                });
}

// x itself, behind an operation whose backward must not run.
Variable forbidden(const Variable& x) {
  return record("forbidden", {x}, x.value().clone(),
                [](const Variable&) -> Grads { throw std::logic_error("it ran"); });
}

}  // namespace

TEST_CASE("the gradient of a constant is not wanted, and discarded if given") {
  const Variable x = leaf(2);
  std::vector<bool> asked;
  backward(watched(x, constant(3), &asked));
  CHECK(asked == std::vector<bool>{true, false});
  CHECK(x.grad().item() == 1);
  backward(watched(constant(3), x, &asked));
  CHECK(asked == std::vector<bool>{false, true});
}

TEST_CASE("grad wants what leads to its inputs, backward wants everything again") {
  const Variable x = leaf(2), z = leaf(5);
  std::vector<bool> asked;
  const Variable y = watched(x * x, z * z, &asked) * 2.0;
  const BackwardOptions keep{.retain_graph = true};
  CHECK(grad({y}, {x}, {}, keep)[0].item() == 8);
  CHECK(asked == std::vector<bool>{true, false});
  CHECK(grad({y}, {z}, {}, keep)[0].item() == 20);
  CHECK(asked == std::vector<bool>{false, true});
  backward(y);
  CHECK(asked == std::vector<bool>{true, true});
  CHECK(x.grad().item() == 8);
  CHECK(z.grad().item() == 20);
}

TEST_CASE("grad does not run a branch that leads to none of its inputs") {
  const Variable x = leaf(2), z = leaf(5);
  const Variable y = x * x + forbidden(z * z);
  CHECK(grad({y}, {x}, {}, {.retain_graph = true})[0].item() == 4);
  CHECK_THROWS_WITH_AS(static_cast<void>(grad({y}, {z})), "it ran", std::logic_error);
}

TEST_CASE("grad of an intermediate result does not run what lies behind it") {
  const Variable x = leaf(2);
  const Variable middle = forbidden(x);
  CHECK(grad({middle * middle}, {middle})[0].item() == 4);
}

TEST_CASE("after a backward that threw, nothing of it is left") {
  const Variable x = leaf(2), z = leaf(5);
  const Variable bad = x * z + forbidden(x * x);
  CHECK_THROWS_AS(backward(bad, {}, {.retain_graph = true}), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(grad({bad}, {x}, {}, {.retain_graph = true})),
                  std::logic_error);
  CHECK_FALSE(x.has_grad());
  std::vector<bool> asked;
  backward(watched(x * z, z, &asked));
  CHECK(asked == std::vector<bool>{true, true});
  CHECK(x.grad().item() == 5);
  CHECK(z.grad().item() == 3);
}

TEST_CASE("outside a backward everything is wanted") {
  CHECK(wanted(0));
  CHECK(wanted(7));
}

TEST_CASE("a gradient that somebody holds is not added to in place") {
  const Variable x = leaf(3);
  backward(x * 2.0);
  const Variable held = x.grad();
  backward(x * 5.0);
  CHECK(held.item() == 2);
  CHECK(x.grad().item() == 7);
}

TEST_CASE("a cotangent is not changed by what is added to it") {
  const Variable x = parameter(tensor::full({3}, 2, Dtype::float64));
  const Variable cotangent = tensor::full({3}, 10, Dtype::float64);
  const Variable y = x + 0.0;
  // Two outputs that are one node: its gradient is the sum of both cotangents.
  CHECK(grad({y, y}, {x}, {cotangent, cotangent})[0].value().to_vector() ==
        std::vector<double>{20, 20, 20});
  CHECK(cotangent.value().to_vector() == std::vector<double>{10, 10, 10});
}

TEST_CASE("operands that get one and the same gradient do not disturb each other") {
  const Variable x = parameter(tensor::full({2}, 1, Dtype::float64));
  const Variable z = parameter(tensor::full({2}, 1, Dtype::float64));
  // dy of the sum goes to x and z at once; x gets a second part, which z must not see.
  backward((x + z) + x * 4.0, Variable(tensor::full({2}, 1, Dtype::float64)));
  CHECK(x.grad().value().to_vector() == std::vector<double>{5, 5});
  CHECK(z.grad().value().to_vector() == std::vector<double>{1, 1});
}

TEST_CASE("a gradient that is a view of another one is not added to in place") {
  const Variable x = parameter(tensor::full({2, 3}, 1, Dtype::float64));
  const Variable z = parameter(tensor::full({3, 2}, 1, Dtype::float64));
  const Variable cotangent = tensor::full({2, 3}, 1, Dtype::float64);
  backward(x + transpose(z) + x + reshape(z, {2, 3}), cotangent);
  CHECK(x.grad().value().to_vector() == std::vector<double>(6, 2));
  CHECK(z.grad().value().to_vector() == std::vector<double>(6, 2));
  CHECK(cotangent.value().to_vector() == std::vector<double>(6, 1));
}
