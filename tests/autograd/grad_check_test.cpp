// The gradient check itself: planted wrong backwards must fail it, each with a message that says
// what is wrong where. A check that lets one of these pass would be worth nothing.
#include "autograd/grad_check.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

using In = const std::vector<Variable>&;

Tensor normal(const Shape& shape, uint64_t seed = 1) {
  lib::Generator generator(seed);
  return tensor::normal(shape, 0, 1, generator, Dtype::float64);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A function whose value is right and whose backward is what a hurried author might write.
struct Planted {
  const char* mistake;
  std::vector<Tensor> inputs;
  Function function;
};

// One operand: forward(x), and the wrong backward(x, dy, y).
template <class Forward, class Wrong>
Planted unary(const char* mistake, const Forward& forward, const Wrong& wrong) {
  return {mistake, {normal({2, 3})}, [=](In in) {
            return record(mistake, {in[0]}, forward(in[0].value()),
                          [x = in[0], wrong](const Variable& dy, const Variable& y) -> Grads {
                            return {wrong(x, dy, y)};
                          });
          }};
}

// Two operands of the given shapes.
template <class Forward, class Wrong>
Planted binary(const char* mistake, const Shape& a, const Shape& b, const Forward& forward,
               const Wrong& wrong) {
  return {mistake, {normal(a, 1), normal(b, 2)}, [=](In in) {
            return record(mistake, {in[0], in[1]}, forward(in[0].value(), in[1].value()),
                          [a = in[0], b = in[1], wrong](const Variable& dy) -> Grads {
                            return wrong(a, b, dy);
                          });
          }};
}

// The softmax over the last axis, and its gradient.
Tensor rows(const Tensor& x) { return tensor::softmax(x, -1); }
Variable through(const Variable& dy, const Variable& y) {
  return y * (dy - sum(dy * y, {-1}, true));
}
Tensor left_columns(const Tensor& x) { return tensor::slice(x, 1, 0, 2); }

using V = const Variable&;

std::vector<Planted> unary_mistakes() {
  return {
      unary("softmax: zeros", rows, [](V, V dy, V) { return dy * 0.0; }),
      unary("softmax: no centering", rows, [](V, V dy, V y) { return dy * y; }),
      unary("softmax: wrong axis", rows,
            [](V, V dy, V y) { return y * (dy - sum(dy * y, {0}, true)); }),
      unary("softmax: wrong sign", rows, [](V, V dy, V y) { return -through(dy, y); }),
      unary("softmax: ten times", rows, [](V, V dy, V y) { return through(dy, y) * 10.0; }),
      unary("exp: factor 2", tensor::exp, [](V, V dy, V y) { return dy * y * 2.0; }),
      unary("exp: one part in 100000", tensor::exp, [](V, V dy, V y) { return dy * y * 1.00001; }),
      unary("sigmoid: y for y (1 - y)", tensor::sigmoid, [](V, V dy, V y) { return dy * y; }),
      unary("tanh: 1 - y for 1 - y^2", tensor::tanh, [](V, V dy, V y) { return dy - dy * y; }),
      unary("relu: the gradient passes everywhere", tensor::relu, [](V, V dy, V) { return dy; }),
      unary("exp: dy is forgotten", tensor::exp, [](V, V, V y) { return y; }),
      unary("exp: nothing comes back", tensor::exp, [](V, V, V) { return Variable(); }),
      unary(
          "mean: n is forgotten", [](const Tensor& x) { return tensor::mean(x, {1}, true); },
          [](V x, V dy, V) { return expand(dy, x.shape()); }),
      unary("slice: off by one", left_columns,
            [](V x, V dy, V) { return slice_adjoint(dy, x.shape(), 1, 1, 1); }),
      unary(
          "sum: only the first place", [](const Tensor& x) { return tensor::sum(x, {1}, true); },
          [](V x, V dy, V) { return slice_adjoint(dy, x.shape(), 1, 0, 1); }),
      unary(
          "scale: 1/sqrt(D) is missing", [](const Tensor& x) { return tensor::mul(x, 0.5); },
          [](V, V dy, V) { return dy; }),
  };
}

std::vector<Planted> binary_mistakes() {
  const auto first_row = [](V x) { return slice(x, 0, 0, 1); };
  return {
      binary("matmul: B not transposed", {3, 3}, {3, 3}, tensor::matmul,
             [](V a, V b, V dy) -> Grads {
               return {matmul(dy, b), matmul(transpose(a), dy)};
             }),
      binary("matmul: dB transposed", {3, 3}, {3, 3}, tensor::matmul,
             [](V a, V b, V dy) -> Grads {
               return {matmul(dy, transpose(b)), matmul(transpose(dy), a)};
             }),
      binary(
          "add: the first row for the sum of rows", {4, 3}, {1, 3},
          [](const Tensor& a, const Tensor& b) { return tensor::add(a, b); },
          [=](V, V, V dy) -> Grads {
            return {dy, first_row(dy)};
          }),
      binary("sub: the second sign", {2, 2}, {2, 2}, tensor::sub,
             [](V, V, V dy) -> Grads {
               return {dy, dy};
             }),
      binary(
          "mul: factors swapped", {2, 2}, {2, 2},
          [](const Tensor& a, const Tensor& b) { return tensor::mul(a, b); },
          [](V a, V b, V dy) -> Grads {
            return {dy * a, dy * b};
          }),
  };
}

std::vector<Planted> all_mistakes() {
  std::vector<Planted> all = unary_mistakes();
  for (const Planted& planted : binary_mistakes()) all.push_back(planted);
  return all;
}

// x² whose gradient is right but for one element, off by 1 in 100000.
Variable almost_square(In in) {
  return record("square", {in[0]}, tensor::mul(in[0].value(), in[0].value()),
                [x = in[0]](const Variable& dy) -> Grads {
                  Tensor factor = tensor::full(x.shape(), 2, Dtype::float64);
                  factor.mutable_data<double>()[5] *= 1.00001;  // (1, 2) of (2, 3)
                  return {dy * x * factor};
                });
}

Variable zero_softmax(const Variable& x) { return unary_mistakes()[0].function({x}); }

}  // namespace

TEST_CASE("every planted mistake fails the gradient check") {
  for (const Planted& planted : all_mistakes()) {
    for (const uint64_t seed : {0u, 1u, 2u}) {
      INFO(planted.mistake);
      const auto report =
          grad_check(planted.mistake, planted.function, planted.inputs, {.seed = seed});
      CHECK_FALSE(report.passed);
      CHECK(report.worst_relative_error >= 1e-6);
    }
  }
}

TEST_CASE("the message names the operation and input and index and both values and both errors") {
  for (const Planted& planted : all_mistakes()) {
    const auto report = grad_check(planted.mistake, planted.function, planted.inputs);
    const GradDifference& d = report.worst;
    INFO(report.message);
    CHECK(contains(report.message, planted.mistake));
    CHECK(contains(report.message, lib::str("input ", d.input, " at ", d.index)));
    CHECK(contains(report.message, lib::str("analytic ", d.analytic, ", numeric ", d.numeric)));
    CHECK(contains(report.message, lib::str("absolute error ", std::abs(d.analytic - d.numeric))));
    CHECK(contains(report.message, lib::str("relative error ", d.relative_error())));
  }
}

TEST_CASE("the message gives the numbers of a case done by hand") {
  const Function wrong = [](In in) {  // x² with slope x: at 3, 3 r for 6 r
    return record("square", {in[1]}, tensor::mul(in[1].value(), in[1].value()),
                  [x = in[1]](const Variable& dy) -> Grads { return {dy * x}; });
  };
  const auto report = grad_check("square", [&](In in) { return wrong(in) + in[0]; },
                                 {Tensor::of<double>({1}, {1}), Tensor::of<double>({3}, {1})});
  CHECK(report.elements == 2);
  CHECK(report.worst.input == 1);
  CHECK(report.worst.index == "(0,)");
  CHECK(std::abs(report.worst.numeric / report.worst.analytic - 2) <= 1e-8);
  CHECK(std::abs(report.worst.relative_error() - 0.5) <= 1e-8);
  CHECK(report.message.starts_with("square: input 1 at (0,): analytic "));
}

TEST_CASE("a single wrong element is found and named") {
  const auto report = grad_check("square", almost_square, {normal({2, 3})});
  CHECK_FALSE(report.passed);
  CHECK(report.worst.index == "(1, 2)");
  CHECK(report.worst.input == 0);
}

TEST_CASE("a NaN gradient fails wherever it is") {
  for (const int64_t place : {0, 2, 5}) {
    const Function f = [place](In in) {
      return record("poisoned", {in[0]}, in[0].value().clone(),
                    [place](const Variable& dy) -> Grads {
                      Tensor g = dy.value().clone();
                      g.mutable_data<double>()[place] = std::numeric_limits<double>::quiet_NaN();
                      return {g};
                    });
    };
    const auto report = grad_check("poisoned", f, {normal({6})});
    CHECK_FALSE(report.passed);
    CHECK(report.worst.index == Shape({place}).str());
    CHECK(std::isnan(report.worst.analytic));
    CHECK(std::isnan(report.worst_relative_error));
  }
}

TEST_CASE("a value that is NaN fails") {
  const auto report =
      grad_check("log", [](In in) { return log(in[0]); }, {Tensor::of<double>({1, -1, 2}, {3})});
  CHECK_FALSE(report.passed);
  CHECK(std::isnan(report.worst.numeric));
}

TEST_CASE("a sum as the loss would let a softmax whose backward is zero pass") {
  const auto summed =
      grad_check("sum", [](In in) { return sum(zero_softmax(in[0])); }, {normal({2, 3})});
  CHECK(
      summed.passed);  // Σ softmax is the number of rows: its slope is 0, and 0 is what is returned
  const auto random =
      grad_check("softmax", [](In in) { return zero_softmax(in[0]); }, {normal({2, 3})});
  CHECK_FALSE(random.passed);
}

TEST_CASE("a second derivative that is lost fails the second-order check only") {
  const Function exp_detached = [](In in) {
    return record("exp", {in[0]}, tensor::exp(in[0].value()),
                  [](const Variable& dy, const Variable& y) -> Grads { return {dy * y.detach()}; });
  };
  CHECK(grad_check("exp", exp_detached, {normal({2, 3})}).passed);
  const auto report = grad_grad_check("exp", exp_detached, {normal({2, 3})}, {.eps = 1e-5});
  CHECK_FALSE(report.passed);
  CHECK(report.message.starts_with("exp (second order): input 0 at "));
}

TEST_CASE("right gradients pass and every element is counted") {
  const auto report = grad_check("matmul", [](In in) { return matmul(in[0], in[1]); },
                                 {normal({2, 3}), normal({3, 5}, 2)});
  CHECK(report.passed);
  CHECK(report.message == "");
  CHECK(report.elements == 21);
  CHECK(report.worst_relative_error <= 1e-6);
}

TEST_CASE("the check leaves its inputs and the graph count as they were") {
  const Tensor x = normal({2, 3});
  const std::vector<double> before = x.to_vector();
  const int64_t nodes = live_nodes();
  static_cast<void>(grad_check("exp", [](In in) { return exp(in[0]); }, {x}));
  static_cast<void>(grad_grad_check("exp", [](In in) { return exp(in[0]); }, {x}));
  CHECK(x.to_vector() == before);
  CHECK(live_nodes() == nodes);
  CHECK(recording());
}

TEST_CASE("only float64 inputs are checked") {
  const Function f = [](In in) { return exp(in[0]); };
  CHECK_THROWS_WITH_AS(static_cast<void>(grad_check("exp", f, {tensor::ones({2})})),
                       "grad_check: exp: inputs must be float64, got float32",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(static_cast<void>(grad_check("exp", f, {tensor::arange(2)})),
                       "grad_check: exp: inputs must be float64, got int64", std::invalid_argument);
}

TEST_CASE("an exception of the function passes through and recording goes on") {
  const Function f = [](In in) { return matmul(in[0], in[0]); };
  CHECK_THROWS_AS(static_cast<void>(grad_check("matmul", f, {normal({2, 3})})),
                  std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(grad_grad_check("matmul", f, {normal({2, 3})})),
                  std::invalid_argument);
  CHECK(recording());
}

TEST_CASE("a mistake that a generous tolerance lets pass is seen by the Taylor slope") {
  const Function wrong = [](In in) {
    return record("exp", {in[0]}, tensor::exp(in[0].value()),
                  [](const Variable& dy, const Variable& y) -> Grads { return {dy * y * 1.01}; });
  };
  const auto report = grad_check("exp", wrong, {normal({2, 3})}, {.atol = 1, .rtol = 1});
  CHECK(report.wrong_elements == 0);
  CHECK_FALSE(report.passed);
  CHECK(contains(report.message, "falls like h^1.0; with a right gradient, like h^2"));
}
