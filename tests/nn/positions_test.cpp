// Positions: known values of the sinusoids, and the learned table's limit.
#include "nn/positions.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::nn;

TEST_CASE("sinusoids have the values of the formula") {
  const Tensor p = sinusoidal_positions(50, 6, Dtype::float64);
  REQUIRE(p.shape() == Shape{50, 6});
  for (int64_t t = 0; t < 50; ++t) {
    for (int64_t i = 0; i < 3; ++i) {
      const double angle =
          static_cast<double>(t) / std::pow(10000.0, 2 * static_cast<double>(i) / 6);
      CHECK(std::abs(p.at({t, 2 * i}) - std::sin(angle)) <= 1e-14);
      CHECK(std::abs(p.at({t, 2 * i + 1}) - std::cos(angle)) <= 1e-14);
    }
  }
}

TEST_CASE("position 0 is all sines 0 and cosines 1") {
  const Tensor p = sinusoidal_positions(1, 4, Dtype::float64);
  CHECK(p.to_vector() == std::vector<double>{0, 1, 0, 1});
}

TEST_CASE("each pair of columns lies on the unit circle") {
  const Tensor p = sinusoidal_positions(100, 8, Dtype::float64);
  for (int64_t t = 0; t < 100; ++t) {
    for (int64_t i = 0; i < 8; i += 2) {
      const double sine = p.at({t, i}), cosine = p.at({t, i + 1});
      CHECK(std::abs(sine * sine + cosine * cosine - 1) <= 1e-14);
    }
  }
}

TEST_CASE("an odd width ends with a sine") {
  const Tensor p = sinusoidal_positions(3, 5, Dtype::float64);
  CHECK(std::abs(p.at({2, 4}) - std::sin(2 / std::pow(10000.0, 0.8))) <= 1e-14);
}

TEST_CASE("no two positions are alike") {
  const Tensor p = sinusoidal_positions(200, 8);
  for (int64_t a = 0; a < 200; ++a) {
    for (int64_t b = 0; b < a; ++b) {
      double apart = 0;
      for (int64_t i = 0; i < 8; ++i)
        apart = std::max(apart, std::abs(p.at({a, i}) - p.at({b, i})));
      CHECK(apart >= 1e-3);
    }
  }
}

TEST_CASE("learned positions add their first rows to every sequence") {
  lib::Generator generator(1);
  const LearnedPositions layer(5, 2, generator);
  CHECK(layer.weight.shape() == Shape{5, 2});
  const Variable y = layer.forward(tensor::full({3, 4, 2}, 10));
  REQUIRE(y.shape() == Shape{3, 4, 2});
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t t = 0; t < 4; ++t) {
      CHECK(std::abs(y.value().at({b, t, 1}) - 10 - layer.weight.value().at({t, 1})) <= 1e-6);
    }
  }
  backward(sum(y));
  CHECK(layer.weight.grad().value().to_vector() ==
        std::vector<double>{3, 3, 3, 3, 3, 3, 3, 3, 0, 0});
}

TEST_CASE("a sequence longer than the learned table is refused") {
  lib::Generator generator(1);
  const LearnedPositions layer(5, 2, generator);
  CHECK(tests::refusal([&] {
          return layer.forward(tensor::ones({1, 6, 2}));
        }) == "LearnedPositions: sequence length 6 exceeds max_length 5");
}
