// Functions of one number with a parameter or made of others: pow of whole and other exponents, at
// the special numbers, and silu. The plain ones are tested in elementwise_test.cpp.
#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "tensor/elementwise.h"
#include "tests/compare.h"
#include "tests/tensor/disguises.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

// Is each element what it should be, NaN and the sign of zero included?
bool same(const Tensor& x, const Numbers& expected) {
  const Numbers actual = x.to_vector();
  if (actual.size() != expected.size()) return false;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (std::isnan(actual[i]) != std::isnan(expected[i])) return false;
    if (!std::isnan(actual[i]) && actual[i] != expected[i]) return false;
    if (std::signbit(actual[i]) != std::signbit(expected[i]) && actual[i] == 0) return false;
  }
  return true;
}

Tensor positive_numbers(Dtype dtype) {
  qkv::lib::Generator generator(1);
  return uniform({3, 4, 5}, 0.01, 20, generator, dtype);
}

}  // namespace

TEST_CASE("pow is the power, element by element, in any layout") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x = positive_numbers(dtype);
    for (const double exponent : {2.5, -0.5, 0.3, 7.0, -3.0, 1.0}) {
      Numbers truth;
      for (const double v : x.to_vector()) truth.push_back(std::pow(v, exponent));
      for (const Tensor& disguised : disguises(x)) {
        const Tensor y = pow(disguised, exponent);
        CHECK(y.dtype() == dtype);
        CHECK(y.is_contiguous());
        // Of each element by itself: the largest is a thousand times the smallest.
        const double tolerance = dtype == Dtype::float32 ? 3e-6 : 1e-14;
        CHECK(relative_error(div(y.to(Dtype::float64), Tensor::of(truth, x.shape())),
                             ones(x.shape(), Dtype::float64)) <= tolerance);
      }
    }
  }
}

TEST_CASE("whole powers are exact products, of negative numbers too") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x = Tensor::of(Numbers{-3, -1, 2, 10}, {4}).to(dtype);
    CHECK(pow(x, 0).to_vector() == Numbers{1, 1, 1, 1});
    CHECK(pow(x, 1).to_vector() == Numbers{-3, -1, 2, 10});
    CHECK(pow(x, 2).to_vector() == Numbers{9, 1, 4, 100});
    CHECK(pow(x, 5).to_vector() == Numbers{-243, -1, 32, 100000});
    CHECK(pow(x, 6).to_vector() == Numbers{729, 1, 64, 1000000});
    CHECK(pow(Tensor::of(Numbers{-2, 4}, {2}).to(dtype), -3).to_vector() ==
          Numbers{-0.125, 0.015625});
    CHECK(pow(scalar(-1, dtype), 1023).item() == -1);
    CHECK(pow(scalar(-1, dtype), 1024).item() == 1);
  }
  CHECK(pow(scalar(2, Dtype::float64), 1023).item() == 0x1p1023);
  CHECK(pow(scalar(2, Dtype::float64), 1024).item() == kInf);
}

TEST_CASE("pow of the special numbers") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x = Tensor::of(Numbers{0, -2, kInf, kNan, 1}, {5}).to(dtype);
    CHECK(same(pow(x, 0.5), {0, kNan, kInf, kNan, 1}));
    CHECK(same(pow(x, -1.5), {kInf, kNan, 0, kNan, 1}));
    CHECK(same(pow(x, 2), {0, 4, kInf, kNan, 1}));
    CHECK(same(pow(x, -2), {kInf, 0.25, 0, kNan, 1}));
    CHECK(same(pow(x, 0), {1, 1, 1, 1, 1}));
    CHECK(pow(zeros({0, 3}, dtype), 1.5).shape() == Shape{0, 3});
  }
  CHECK(refusal([] { return pow(arange(3), 2); }) == "pow: needs float32 or float64, got int64");
  CHECK(refusal([] { return pow(arange(3), 0.5); }) == "pow: needs float32 or float64, got int64");
}

TEST_CASE("silu is x / (1 + exp(-x))") {
  qkv::lib::Generator generator(1);
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Tensor x = normal({3, 4, 5}, 0, 3, generator, dtype);
    Numbers truth;
    for (const double v : x.to_vector()) truth.push_back(v / (1 + std::exp(-v)));
    for (const Tensor& disguised : disguises(x)) {
      CHECK(relative_error(silu(disguised).to_vector(), truth) <=
            (dtype == Dtype::float32 ? 1e-6 : 1e-15));
    }
    CHECK(same(silu(Tensor::of(Numbers{0, 200, kNan}, {3}).to(dtype)), {0, 200, kNan}));
    CHECK(std::fabs(silu(scalar(-200, dtype)).item()) < 1e-30);
  }
  CHECK(refusal([] { return silu(arange(3)); }) == "silu: needs float32 or float64, got int64");
}
