// The simple layers: what they compute, how they are initialised, and what they refuse.
#include "nn/layers.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/grad_check.h"
#include "autograd/ops.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

// Mean and deviation of all elements, and the largest size.
struct Spread {
  double mean = 0, deviation = 0, largest = 0;
};

Spread spread(const Variable& x) {
  Spread s;
  const std::vector<double> values = x.value().to_vector();
  const auto n = static_cast<double>(values.size());
  for (const double v : values) {
    s.mean += v / n;
    s.largest = std::max(s.largest, std::abs(v));
  }
  for (const double v : values) s.deviation += (v - s.mean) * (v - s.mean) / n;
  s.deviation = std::sqrt(s.deviation);
  return s;
}

// How often 0 occurs.
int64_t zeros_in(const Variable& x) {
  int64_t count = 0;
  for (const double v : x.value().to_vector()) count += v == 0 ? 1 : 0;
  return count;
}

}  // namespace

// ---- Linear -------------------------------------------------------------------------------------

TEST_CASE("Linear is x W^T + b by the definition") {
  lib::Generator generator(1);
  Linear layer(5, 3, generator);
  layer.to(Dtype::float64);
  const Tensor x = normal({2, 7, 5}, 7);
  const Variable y = layer.forward(x);
  REQUIRE(y.shape() == Shape{2, 7, 3});
  std::vector<double> expected;
  for (int64_t b = 0; b < 2; ++b) {
    for (int64_t t = 0; t < 7; ++t) {
      for (int64_t o = 0; o < 3; ++o) {
        double total = layer.bias.value().at({o});
        for (int64_t i = 0; i < 5; ++i) total += x.at({b, t, i}) * layer.weight.value().at({o, i});
        expected.push_back(total);
      }
    }
  }
  CHECK(relative_error(y.value().to_vector(), expected) <= 1e-15);
}

TEST_CASE("Linear starts as PyTorch's or by Glorot's rule") {
  lib::Generator generator(1);
  const Linear uniform(100, 60, generator);
  const Spread weight = spread(uniform.weight);
  CHECK(weight.largest <= 0.1);
  CHECK(weight.largest >= 0.099);
  CHECK(std::abs(weight.deviation - 0.1 / std::sqrt(3)) <= 0.001);
  CHECK(spread(uniform.bias).largest <= 0.1);
  CHECK(spread(uniform.bias).largest >= 0.08);

  const Linear xavier(100, 50, generator, Linear::Init::xavier);
  CHECK(spread(xavier.weight).largest <= 0.2);  // √(6 / 150)
  CHECK(spread(xavier.weight).largest >= 0.199);
  CHECK(spread(xavier.bias).largest == 0);
}

TEST_CASE("layers of size 0 are refused") {
  lib::Generator generator(1);
  CHECK(refusal([&] { Linear(0, 3, generator); }) == "Linear: in is 0; need at least 1");
  CHECK(refusal([&] { Linear(3, -1, generator); }) == "Linear: out is -1; need at least 1");
  CHECK(refusal([&] { Embedding(0, 3, generator); }) == "Embedding: vocab is 0; need at least 1");
  CHECK(refusal([&] { Embedding(3, 0, generator); }) == "Embedding: width is 0; need at least 1");
  CHECK(refusal([&] { LayerNorm(0); }) == "LayerNorm: width is 0; need at least 1");
}

TEST_CASE("equal generators make equal layers and the next layer is another") {
  lib::Generator one(5), two(5);
  const Linear a(4, 4, one), b(4, 4, two), c(4, 4, two);
  CHECK(a.weight.value().to_vector() == b.weight.value().to_vector());
  CHECK(b.weight.value().to_vector() != c.weight.value().to_vector());
}

// ---- Embedding ----------------------------------------------------------------------------------

TEST_CASE("Embedding gives the rows of its table") {
  lib::Generator generator(1);
  const Embedding layer(5, 3, generator);
  const Variable y = layer.forward(Tensor::of<int64_t>({4, 0, 4, 1}, {2, 2}));
  REQUIRE(y.shape() == Shape{2, 2, 3});
  for (int64_t i = 0; i < 3; ++i) {
    CHECK(y.value().at({0, 0, i}) == layer.weight.value().at({4, i}));
    CHECK(y.value().at({0, 1, i}) == layer.weight.value().at({0, i}));
    CHECK(y.value().at({1, 1, i}) == layer.weight.value().at({1, i}));
  }
}

TEST_CASE("Embedding starts standard normal") {
  lib::Generator generator(1);
  const Spread s = spread(Embedding(100, 100, generator).weight);
  CHECK(std::abs(s.mean) <= 0.03);
  CHECK(std::abs(s.deviation - 1) <= 0.03);
}

// ---- LayerNorm ----------------------------------------------------------------------------------

TEST_CASE("LayerNorm gives rows of mean 0 and variance 1 whatever their size") {
  LayerNorm layer(6);
  layer.to(Dtype::float64);
  const Variable y = layer.forward(Variable(normal({3, 6}, 7)) * 50.0 + 1000.0);
  for (int64_t row = 0; row < 3; ++row) {
    const Spread s = spread(slice(y, 0, row, row + 1));
    CHECK(std::abs(s.mean) <= 1e-12);
    CHECK(std::abs(s.deviation - 1) <= 1e-6);
  }
}

TEST_CASE("LayerNorm scales and shifts by its parameters") {
  LayerNorm layer(2, 0.25);
  layer.to(Dtype::float64);
  layer.weight.mutable_value().copy_(Tensor::of<double>({2, 10}, {2}));
  layer.bias.mutable_value().copy_(Tensor::of<double>({5, 7}, {2}));
  const Variable y = layer.forward(Tensor::of<double>({-1, 1}, {1, 2}));  // mean 0, variance 1
  const double n = 1 / std::sqrt(1.25);
  CHECK(relative_error(y.value().to_vector(), {5 - 2 * n, 7 + 10 * n}) <= 1e-15);
}

TEST_CASE("RMSNorm divides rows by their root mean square and scales by its parameter") {
  CHECK(refusal([&] { RMSNorm(0); }) == "RMSNorm: width is 0; need at least 1");
  RMSNorm layer(2, 1e-12);
  CHECK(layer.parameters().size() == 1);
  layer.weight.mutable_value().copy_(Tensor::of<float>({1, 10}, {2}));
  const Variable x = Tensor::of<float>({3, 4, -30, 40}, {2, 2});
  const double root = std::sqrt(12.5);
  CHECK(relative_error(layer.forward(x).value().to_vector(),
                       {3 / root, 40 / root, -3 / root, 40 / root}) <= 1e-6);
}

TEST_CASE("LayerNorm of a constant row is its bias") {
  const LayerNorm layer(7);
  const Variable y = layer.forward(tensor::full({2, 7}, 3));
  CHECK(y.value().to_vector() == std::vector<double>(14, 0.0));
}

// ---- Dropout ------------------------------------------------------------------------------------

TEST_CASE("Dropout drops the right share and keeps the mean") {
  lib::Generator generator(1);
  Dropout layer(0.3, generator);
  const Variable y = layer.forward(tensor::ones({100, 100}));
  CHECK(std::abs(static_cast<double>(zeros_in(y)) / 10000 - 0.3) <= 0.02);
  CHECK(std::abs(spread(y).mean - 1) <= 0.03);
  for (const double v : y.value().to_vector()) CHECK((v == 0 || std::abs(v - 1 / 0.7) <= 1e-6));
}

TEST_CASE("Dropout does nothing in evaluation and for probability 0") {
  lib::Generator generator(1);
  Dropout layer(0.5, generator), none(0, generator);
  const Variable x = tensor::ones({50});
  CHECK(zeros_in(none.forward(x)) == 0);
  layer.eval();
  CHECK(layer.forward(x).value().to_vector() == x.value().to_vector());
  CHECK(layer.generator().position() == 0);
  layer.train();
  CHECK(zeros_in(layer.forward(x)) > 0);
}

TEST_CASE("Dropout draws anew each time unless its stream is set back") {
  lib::Generator generator(1);
  Dropout layer(0.5, generator);
  const Variable x = tensor::ones({100});
  const auto first = layer.forward(x).value().to_vector();
  CHECK(layer.forward(x).value().to_vector() != first);
  layer.generator().set_position(0);
  CHECK(layer.forward(x).value().to_vector() == first);
}

TEST_CASE("Dropout layers of one model have streams of their own") {
  lib::Generator generator(1);
  Dropout a(0.5, generator), b(0.5, generator);
  const Variable x = tensor::ones({100});
  CHECK(a.forward(x).value().to_vector() != b.forward(x).value().to_vector());
}

TEST_CASE("Dropout sends the gradient through what it kept") {
  lib::Generator generator(1);
  Dropout layer(0.4, generator);
  const auto report = autograd::grad_check("Dropout",
                                           [&](const auto& in) {
                                             layer.generator().set_position(0);
                                             return layer.forward(in[0]);
                                           },
                                           {normal({5, 6}, 7)});
  CHECK_MESSAGE(report.passed, report.message);
}

TEST_CASE("Dropout refuses a probability that is none") {
  lib::Generator generator(1);
  CHECK(refusal([&] { Dropout(1, generator); }) == "Dropout: probability 1 is outside [0, 1)");
  CHECK(refusal([&] { Dropout(-0.5, generator); }) ==
        "Dropout: probability -0.5 is outside [0, 1)");
}

// ---- FeedForward --------------------------------------------------------------------------------

TEST_CASE("FeedForward is its two layers with the activation between them") {
  for (const Activation activation : {Activation::relu, Activation::gelu}) {
    lib::Generator generator(1);
    FeedForward layer(4, 9, activation, 0, generator);
    layer.to(Dtype::float64);
    const Variable x = normal({2, 3, 4}, 7);
    const Variable hidden = layer.linear1.forward(x);
    CHECK(hidden.shape() == Shape{2, 3, 9});
    const Variable active = activation == Activation::relu ? relu(hidden) : gelu(hidden);
    CHECK(layer.forward(x).value().to_vector() ==
          layer.linear2.forward(active).value().to_vector());
  }
}

TEST_CASE("FeedForward drops hidden elements in training only") {
  lib::Generator generator(1);
  FeedForward layer(4, 9, Activation::gelu, 0.5, generator);
  const Variable x = normal({2, 3, 4}, 7, Dtype::float32);
  const auto once = layer.forward(x).value().to_vector();
  CHECK(layer.forward(x).value().to_vector() != once);
  layer.eval();
  const auto evaluated = layer.forward(x).value().to_vector();
  CHECK(layer.forward(x).value().to_vector() == evaluated);
}
