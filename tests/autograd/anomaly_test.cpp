// Anomaly mode: the first operation that makes a number that is not finite is named, in a result or
// in a gradient, and told from one that was given such a number. Off, nothing is looked at.
#include "autograd/anomaly.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <thread>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

Variable vector(std::vector<double> values, Dtype dtype = Dtype::float64) {
  const auto n = static_cast<int64_t>(values.size());
  return parameter(Tensor::of(values, {n}).to(dtype));
}

// What anomaly mode says about the body.
template <class Body>
std::string anomaly(const Body& body, AnomalyOptions options = {}) {
  const DetectAnomaly watch(options);
  try {
    body();
  } catch (const NotFinite& error) {
    return error.what();
  }
  return "nothing";
}

constexpr double kInfinity = std::numeric_limits<double>::infinity();

}  // namespace

TEST_CASE("the operation that makes a number that is not finite is named with the tensor") {
  const Variable x = parameter(Tensor::of<double>({1, 2, 3, 0}, {2, 2}));
  CHECK(anomaly([&] { return log(x); }) ==
        "log: makes a number that is not finite: the result (2, 2) float64 has -inf at (1, 1); "
        "all operands are finite");
  CHECK(anomaly([&] { return x / (x * 0.0); }) ==
        "div: makes a number that is not finite: the result (2, 2) float64 has inf at (0, 0); "
        "all operands are finite");
  const Variable zero = vector({0});
  CHECK(anomaly([&] { return zero / zero; }) ==
        "div: makes a number that is not finite: the result (1,) float64 has nan at (0,); "
        "all operands are finite");
  const Variable large = vector({1, 89}, Dtype::float32);
  CHECK(anomaly([&] { return exp(large); }) ==
        "exp: makes a number that is not finite: the result (2,) float32 has inf at (1,); "
        "all operands are finite");
  CHECK(anomaly([&] { return exp(vector({1, 89})); }) == "nothing");  // float64 can
}

TEST_CASE("the first one is named and not those that pass it on") {
  const Variable x = vector({1, 0});
  const std::string text = anomaly([&] { backward(sum(exp(log(x)) * x + x)); });
  CHECK(text.starts_with("log: makes"));
}

TEST_CASE("a number that was fed in is told from one that was made") {
  const Variable x = vector({1, 2}), bad = vector({1, kInfinity});
  CHECK(anomaly([&] { return x + bad; }) ==
        "add: passes on a number that is not finite: operand 1, (2,) float64 has inf at (1,); it "
        "was fed in, or made while nobody watched");
  const Variable earlier = log(x * 0.0);
  CHECK(anomaly([&] { return earlier * x; })
            .starts_with("mul: passes on a number that is not finite: operand 0, (2,) float64 has "
                         "-inf at (0,)"));
  CHECK(anomaly([&] { return exp(-bad); }).starts_with("neg: passes on"));
  CHECK(anomaly([&] { return tanh(bad); }) == "nothing");  // an infinity that ends here is harmless
}

TEST_CASE("operations that are not recorded are looked at too") {
  const Variable constant = tensor::zeros({2}, Dtype::float64);
  CHECK(anomaly([&] { return log(constant); }).starts_with("log: makes"));
  const NoGrad quiet;
  CHECK(anomaly([&] { return log(vector({0})); }).starts_with("log: makes"));
  const Variable huge = vector({1e308, 1e308});
  CHECK(anomaly([&] { return gelu(huge * 10.0); }).starts_with("scale: makes"));
  CHECK(anomaly([&] {
          return linear(vector({kInfinity}), parameter(tensor::ones({1, 1}, Dtype::float64)));
        }).starts_with("linear: passes on"));
}

TEST_CASE("the backward that makes a gradient that is not finite is named with the operand") {
  const Variable x = vector({4, 0});
  CHECK(anomaly([&] { backward(sum(sqrt(x) * 3.0)); }) ==
        "sqrt: its backward makes a gradient that is not finite for operand 0: (2,) float64 has "
        "inf at (1,); dy is finite, and what it saved");
  CHECK(recording());
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("a saved tensor that is not finite is blamed") {
  const Variable x = vector({1, 2}), bad = tensor::full({2}, kInfinity, Dtype::float64);
  const Variable y = x * bad;  // nobody watches
  CHECK(anomaly([&] { backward(tanh(y), Variable(tensor::zeros({2}, Dtype::float64))); }) ==
        "mul: its backward makes a gradient that is not finite for operand 0: (2,) float64 has "
        "nan at (0,); dy is finite, but a saved tensor is not: (2,) float64 has inf at (0,)");
}

TEST_CASE("a cotangent and a sum of gradients are blamed") {
  const Variable x = vector({1, 2});
  const Variable cotangent = Tensor::of<double>({1, NAN}, {2});
  CHECK(anomaly([&] { backward(x * 2.0, cotangent); }) ==
        "backward: the cotangent (2,) float64 has nan at (1,)");
  CHECK(anomaly([&] { return grad({x * 2.0}, {x}, {cotangent}); }) ==
        "grad: the cotangent (2,) float64 has nan at (1,)");
  const Variable steep = Tensor::of<double>({1e308, 1}, {2});
  const Variable node = vector({0, 0}) + 0.0;
  CHECK(
      anomaly([&] { backward(sum(node * steep + node * steep)); }) ==
      "shift: the gradients that its users send are finite, but their sum (2,) float64 has inf at "
      "(0,)");
}

TEST_CASE("a pass that is recorded names the operation too") {
  const Variable x = vector({4, 0});
  const BackwardOptions graph{.create_graph = true};
  CHECK(anomaly([&] {
          return grad({sum(sqrt(x))}, {x}, {}, graph);
        }).starts_with("sqrt: its backward"));
  const Variable safe = vector({1, -2, 3});
  const Tensor mask = Tensor::of<bool>({true, false, false}, {3});
  CHECK(anomaly([&] {  // its definition hides with -inf, and nothing comes of it
          backward(sum(tanh(masked_softmax(reshape(safe, {1, 3}), mask))), {}, graph);
        }) == "nothing");
  Variable leaf = safe;
  leaf.zero_grad();  // which holds the leaf
}

TEST_CASE("infinities can be let through and nan cannot") {
  const AnomalyOptions only_nan{.infinities = false};
  const Variable x = vector({0, 1});
  CHECK(anomaly([&] { return log(x); }, only_nan) == "nothing");
  CHECK(anomaly([&] { return log(x) * 0.0; }, only_nan).starts_with("scale: makes a number"));
  const Tensor mask = Tensor::of<bool>({true, false}, {2});
  CHECK(anomaly([&] { backward(sum(tanh(softmax(masked_fill(x, mask, -kInfinity), -1)))); },
                only_nan) == "nothing");
  CHECK(
      anomaly([&] { return masked_fill(x, mask, -kInfinity); }).starts_with("masked_fill: makes"));
}

TEST_CASE("anomaly mode belongs to a thread and a scope and nests") {
  const Variable x = vector({0});
  static_cast<void>(log(x));
  {
    const DetectAnomaly outer;
    {
      const DetectAnomaly inner({.infinities = false});
      static_cast<void>(log(x));
    }
    CHECK_THROWS_AS(static_cast<void>(log(x)), NotFinite);
    bool thrown = false;
    std::thread([&] {
      try {
        static_cast<void>(log(x));
      } catch (const NotFinite&) {
        thrown = true;
      }
    }).join();
    CHECK_FALSE(thrown);
  }
  static_cast<void>(log(x));
}

TEST_CASE("after an anomaly the graph goes and the next pass is right") {
  const int64_t nodes = live_nodes();
  {
    const Variable x = vector({4, 0});
    CHECK(anomaly([&] { backward(sum(sqrt(x) + x * 2.0)); }).starts_with("sqrt: "));
    Variable again = x;
    again.zero_grad();
    backward(sum(x * 3.0));
    CHECK(x.grad().value().to_vector() == std::vector<double>{3, 3});
  }
  CHECK(live_nodes() == nodes);
}
