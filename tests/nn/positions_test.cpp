// Positions: known values of the sinusoids, the learned table's limit, and what rotations keep.
#include "nn/positions.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/grad_check.h"
#include "autograd/ops.h"
#include "tensor/matmul.h"
#include "tests/compare.h"
#include "tests/determinism/digest.h"
#include "tests/determinism/settings.h"

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

// ---- rotary -------------------------------------------------------------------------------------

namespace {

Tensor normal(const Shape& shape, uint64_t seed, Dtype dtype = Dtype::float64) {
  lib::Generator generator(seed);
  return tensor::normal(shape, 0, 1, generator, dtype);
}

}  // namespace

TEST_CASE("rotary turns each pair of columns by the angle of its position") {
  const Tensor x = normal({2, 7, 6}, 1);
  for (const auto& [base, first] : {std::pair<double, int64_t>{10000, 0}, {50, 3}}) {
    const Tensor y = rotary_embedding(x, base, first).value();
    REQUIRE(y.shape() == x.shape());
    for (int64_t t = 0; t < 7; ++t) {
      for (int64_t i = 0; i < 3; ++i) {
        const double angle =
            static_cast<double>(first + t) * std::pow(base, -2 * static_cast<double>(i) / 6);
        const double even = x.at({1, t, 2 * i}), odd = x.at({1, t, 2 * i + 1});
        CHECK(std::abs(y.at({1, t, 2 * i}) - (even * std::cos(angle) - odd * std::sin(angle))) <=
              1e-14);
        CHECK(std::abs(y.at({1, t, 2 * i + 1}) -
                       (even * std::sin(angle) + odd * std::cos(angle))) <= 1e-14);
      }
    }
  }
}

TEST_CASE("rotary leaves position 0 alone and keeps every length") {
  const Tensor x = normal({3, 5, 4}, 1), y = rotary_embedding(x).value();
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t t = 0; t < 5; ++t) {
      double before = 0, after = 0;
      for (int64_t i = 0; i < 4; ++i) {
        before += x.at({b, t, i}) * x.at({b, t, i});
        after += y.at({b, t, i}) * y.at({b, t, i});
        CHECK((y.at({b, t, i}) == x.at({b, t, i})) == (t == 0));
      }
      CHECK(std::abs(after / before - 1) <= 1e-14);
    }
  }
}

TEST_CASE("products of rotated queries and keys depend on their distance only") {
  const Tensor ones = tensor::ones({9, 1}, Dtype::float64);
  const Tensor q = tensor::matmul(ones, normal({1, 6}, 1)),
               k = tensor::matmul(ones, normal({1, 6}, 2));
  const Tensor products = matmul(rotary_embedding(q), transpose(rotary_embedding(k))).value();
  for (int64_t s = 1; s < 9; ++s) {
    for (int64_t t = 1; t < 9; ++t) {
      CHECK(std::abs(products.at({s, t}) - products.at({s - 1, t - 1})) <= 1e-13);
    }
  }
  CHECK(std::abs(products.at({0, 1}) - products.at({0, 0})) > 1e-3);  // but on that they do
  CHECK(std::abs(products.at({0, 1}) - products.at({1, 0})) > 1e-3);
}

TEST_CASE("rotary may begin at a later position") {
  const Variable x = normal({2, 8, 4}, 1);
  CHECK(rotary_embedding(slice(x, 1, 3, 8), 10000, 3).value().to_vector() ==
        slice(rotary_embedding(x), 1, 3, 8).value().to_vector());
}

TEST_CASE("rotary has the same bits everywhere") {
  tests::for_each_isa([] {
    const Tensor y = rotary_embedding(normal({2, 40, 10}, 1, Dtype::float32)).value();
    CHECK(tests::digest({y}) == 13905527648476688992u);
  });
}

TEST_CASE("rotary passes the gradient check for any number of axes before the last two") {
  for (const Shape& shape : {Shape{3, 4}, Shape{2, 2, 3, 2}, Shape{0, 2}, Shape{1, 0}}) {
    const auto function = [](const std::vector<Variable>& in) { return rotary_embedding(in[0]); };
    const auto report = autograd::grad_check("rotary", function, {normal(shape, 1)});
    CHECK_MESSAGE(report.passed, report.message);
  }
}

TEST_CASE("rotary refuses a width that has no pairs and a base that is no base") {
  CHECK(tests::refusal([] {
          return rotary_embedding(tensor::ones({2, 3, 5}));
        }) == "rotary_embedding: x is (2, 3, 5); need (..., T, D) with an even width D");
  CHECK(tests::refusal([] { return rotary_embedding(tensor::ones({4})); }) ==
        "rotary_embedding: x is (4,); need (..., T, D) with an even width D");
  CHECK(tests::refusal([] {
          return rotary_embedding(tensor::ones({2, 4}), 0.5);
        }) == "rotary_embedding: base is 0.5; need a finite number of at least 1");
  CHECK(rotary_embedding(tensor::ones({2, 4}), 10000, 999'999).shape() == tensor::Shape{2, 4});
  for (const int64_t first : {int64_t{-1'000'001}, int64_t{1'000'000}, INT64_MAX}) {
    CHECK(tests::refusal([&] {
            return rotary_embedding(tensor::ones({2, 4}), 10000, first);
          }) == lib::str("rotary_embedding: positions ", first, " to ", first,
                         " + 2; need all of them between -1000000 and 1000000"));
  }
}

TEST_CASE("slopes halve from head to head if there are eight and end at 2^-8") {
  const auto slopes = [](int64_t heads) { return alibi_slopes(heads, Dtype::float64).to_vector(); };
  CHECK(slopes(8) ==
        std::vector<double>{0.5, 0.25, 0.125, 1 / 16.0, 1 / 32.0, 1 / 64.0, 1 / 128.0, 1 / 256.0});
  CHECK(slopes(1) == std::vector<double>{1 / 256.0});
  CHECK(slopes(2) == std::vector<double>{1 / 16.0, 1 / 256.0});
  const std::vector<double> three = slopes(3);
  for (size_t h = 0; h < 3; ++h) {
    const double exact = std::pow(2.0, -8 * static_cast<double>(h + 1) / 3);
    CHECK(std::abs(three[h] - exact) <= 1e-15 * exact);
  }
  CHECK(alibi_slopes(3).dtype() == Dtype::float32);
  CHECK(tests::refusal([] { return alibi_slopes(0); }) ==
        "alibi_slopes: heads is 0; need at least 1");
}

TEST_CASE("distances are counted from the last query beside the last key") {
  const Tensor bias = tensor::alibi_bias(Tensor::of<double>({1, 0.5}, {2}), 2, 4);
  CHECK(bias.shape() == Shape{2, 2, 4});
  CHECK(bias.to_vector() ==
        std::vector<double>{-2, -1, 0, -1, -3, -2, -1, 0, -1, -0.5, 0, -0.5, -1.5, -1, -0.5, 0});
}

TEST_CASE("what a model adds begins at any position and ends with max_length") {
  const Variable x = normal({2, 7, 4}, 1, Dtype::float32);
  for (const Positions kind : {Positions::none, Positions::sinusoidal, Positions::learned,
                               Positions::rotary, Positions::alibi}) {
    lib::Generator generator(1);
    AddedPositions added("model", kind, 7, 4, generator);
    CHECK(added.parameter_count() == (kind == Positions::learned ? 28 : 0));
    const Variable all = added.forward(x), later = added.forward(slice(x, 1, 3, 7), 3);
    CHECK(later.value().to_vector() == slice(all, 1, 3, 7).value().to_vector());
    const bool adds = kind == Positions::sinusoidal || kind == Positions::learned;
    CHECK((all.value().to_vector() != x.value().to_vector()) == adds);
    CHECK(tests::refusal([&] { return added.forward(x, 1); }) ==
          "model: sequence length 8 exceeds max_length 7");
  }
}
