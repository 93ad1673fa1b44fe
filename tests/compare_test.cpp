// The comparator is itself tested by wrong results, each of which it must find far from the truth.
#include "tests/compare.h"

#include <doctest/doctest.h>

using namespace qkv::tests;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
using Numbers = std::vector<double>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr double kTolerance = 1e-3;

const Numbers kTruth = {0.5, -1.25, 3, -4, 0.75, 2, 1, -0.25, 0.125};

// The comparison in the form in which every test writes it.
bool accepted(const Numbers& actual, const Numbers& expected = kTruth) {
  return relative_error(actual, expected) <= kTolerance;
}

}  // namespace

TEST_CASE("equal lists are at distance 0, and rounding is forgiven") {
  CHECK(relative_error(kTruth, kTruth) == 0);
  CHECK(relative_error(Numbers{}, Numbers{}) == 0);
  Numbers rounded = kTruth;
  for (double& x : rounded) x *= 1 + 1e-6;
  CHECK(accepted(rounded));
}

TEST_CASE("the error is relative to the largest number expected") {
  CHECK(relative_error({1, 9}, {1, 10}) == 0.1);
  CHECK(relative_error({1.5, 10}, {1, 10}) == 0.05);
  CHECK(relative_error({1e-20, 10e-20}, {1e-20, 20e-20}) == 0.5);
  CHECK(relative_error(Numbers{0.25}, Numbers{0}) == 0.25);  // nothing to be relative to
}

TEST_CASE("one NaN or infinity anywhere, on either side, is refused") {
  for (const double bad : {kNan, kInf, -kInf}) {
    for (size_t i = 0; i < kTruth.size(); ++i) {
      Numbers wrong = kTruth;
      wrong[i] = bad;
      CHECK(!accepted(wrong));
      CHECK(!accepted(kTruth, wrong));
      CHECK(!accepted(wrong, wrong));
      CHECK(relative_error(wrong, kTruth) > kTolerance);  // written either way round, it fails
    }
  }
}

TEST_CASE("an output of zeros, of opposite sign or of ten times the size is refused") {
  Numbers negated = kTruth, tenfold = kTruth;
  for (double& x : negated) x = -x;
  for (double& x : tenfold) x *= 10;
  CHECK(relative_error(Numbers(kTruth.size(), 0.0), kTruth) == 1);
  CHECK(relative_error(negated, kTruth) == 2);
  CHECK(relative_error(tenfold, kTruth) == 9);
}

TEST_CASE("one flipped sign or one element that is off is refused, wherever it is") {
  for (size_t i = 0; i < kTruth.size(); ++i) {
    Numbers flipped = kTruth, off = kTruth, exchanged = kTruth;
    flipped[i] = -flipped[i];
    off[i] += 0.01;
    std::swap(exchanged[i], exchanged[(i + 1) % kTruth.size()]);
    CHECK(!accepted(flipped));
    CHECK(!accepted(off));
    CHECK(!accepted(exchanged));
  }
}

TEST_CASE("lists of different length and tensors of different shape are refused") {
  CHECK(!accepted({0.5, -1.25}));
  CHECK(!accepted({}));
  const Tensor row = Tensor::of<double>({1, 2, 3, 4}, {4});
  const Tensor square = Tensor::of<double>({1, 2, 3, 4}, {2, 2});
  CHECK(relative_error(row, row.to(Dtype::float32)) == 0);
  CHECK(!(relative_error(row, square) <= kTolerance));
}

TEST_CASE("a refusal is its message, and its absence shows") {
  CHECK(refusal([] { qkv::lib::fail("add: no"); }) == "add: no");
  CHECK(refusal([] {}) == "not refused");
}
