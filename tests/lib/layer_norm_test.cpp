// Layer normalisation of rows: the formula and its slope in double precision, constant rows, one
// column, and memory that ends with the last row.
#include "lib/layer_norm.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr int64_t kWidths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 101};

template <class T>
std::vector<T> numbers(int64_t n, uint64_t seed) {
  Generator generator(seed);
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) v = static_cast<T>(2 * generator.normal() + 3);
  return x;
}

template <class T>
std::vector<double> as_doubles(const std::vector<T>& x) {
  return std::vector<double>(x.begin(), x.end());
}

struct Row {
  std::vector<double> y;
  double inverse_deviation;
};

Row normalized(const std::vector<double>& x, double eps) {
  const auto n = static_cast<double>(x.size());
  double mean = 0, variance = 0;
  for (const double v : x) mean += v / n;
  for (const double v : x) variance += (v - mean) * (v - mean) / n;
  Row row = {x, 1 / std::sqrt(variance + eps)};
  for (double& v : row.y) v = (v - mean) * row.inverse_deviation;
  return row;
}

// Σ_i dy_i y_i(x): its slope along x_j is what the backward kernel has to return as dx_j.
double weighted(const std::vector<double>& x, const std::vector<double>& dy, double eps) {
  const Row row = normalized(x, eps);
  double total = 0;
  for (size_t i = 0; i < x.size(); ++i) total += dy[i] * row.y[i];
  return total;
}

}  // namespace

TEST_CASE_TEMPLATE("rows are normalised as the formula says", T, float, double) {
  const double tolerance = 30 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for_each_isa([&] {
    for (const int64_t n : kWidths) {
      const int64_t rows = 5;
      const std::vector<T> x = numbers<T>(rows * n, 1);
      std::vector<T> y(x.size()), inverse(static_cast<size_t>(rows));
      layer_norm<T>(rows, n, x.data(), T(0.25), y.data(), inverse.data());
      for (int64_t row = 0; row < rows; ++row) {
        const Row truth = normalized({x.begin() + row * n, x.begin() + (row + 1) * n}, 0.25);
        const std::vector<double> got(y.begin() + row * n, y.begin() + (row + 1) * n);
        REQUIRE(relative_error(got, truth.y) <= tolerance);
        REQUIRE(relative_error({static_cast<double>(inverse[static_cast<size_t>(row)])},
                               {truth.inverse_deviation}) <= tolerance);
      }
    }
  });
}

TEST_CASE("a large mean does not swallow the variance") {
  const std::vector<float> x = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 3};
  std::vector<float> y(4), inverse(1);
  layer_norm(1, 4, x.data(), 0.0f, y.data(), inverse.data());
  CHECK(relative_error(as_doubles(y), normalized({0, 1, 2, 3}, 0).y) <= 1e-6);
}

TEST_CASE_TEMPLATE("a constant row gives zeros, one column is always constant", T, float, double) {
  for_each_isa([] {
    const std::vector<T> x(32, T(3));
    std::vector<T> y(32, T(-1)), inverse(32);
    layer_norm<T>(1, 32, x.data(), T(0.25), y.data(), inverse.data());
    CHECK(y == std::vector<T>(32, T(0)));
    CHECK(inverse[0] == 2);  // 1 / √0.25
    y.assign(32, T(-1));
    layer_norm<T>(32, 1, x.data(), T(0.25), y.data(), inverse.data());
    CHECK(y == std::vector<T>(32, T(0)));
    CHECK(inverse == std::vector<T>(32, T(2)));
  });
}

TEST_CASE("NaN stays in its row") {
  const float nan = std::numeric_limits<float>::quiet_NaN();
  const std::vector<float> x = {1, 2, 3, nan, 1, 2};
  std::vector<float> y(6), inverse(3);
  layer_norm(3, 2, x.data(), 1e-5f, y.data(), inverse.data());
  for (const size_t i : std::vector<size_t>{0, 1, 4, 5}) CHECK(std::isfinite(y[i]));
  for (const size_t i : std::vector<size_t>{2, 3}) CHECK(std::isnan(y[i]));
  CHECK(std::isnan(inverse[1]));
}

TEST_CASE_TEMPLATE("the backward kernel returns the slope of the forward one", T, float, double) {
  const double tolerance = std::is_same_v<T, float> ? 2e-5 : 1e-8;
  constexpr double kEps = 0.25, kStep = 1e-6;
  for_each_isa([&] {
    for (const int64_t n : {2, 3, 8, 17, 33}) {
      const std::vector<T> x = numbers<T>(3 * n, 2), dy = numbers<T>(3 * n, 3);
      std::vector<T> y(x.size()), inverse(3), dx(x.size());
      layer_norm<T>(3, n, x.data(), T(kEps), y.data(), inverse.data());
      layer_norm_backward<T>(3, n, dy.data(), y.data(), inverse.data(), dx.data());
      std::vector<double> slopes;
      for (int64_t row = 0; row < 3; ++row) {
        std::vector<double> at(x.begin() + row * n, x.begin() + (row + 1) * n);
        const std::vector<double> weights(dy.begin() + row * n, dy.begin() + (row + 1) * n);
        for (double& v : at) {
          const double middle = v;
          v = middle + kStep;
          const double above = weighted(at, weights, kEps);
          v = middle - kStep;
          slopes.push_back((above - weighted(at, weights, kEps)) / (2 * kStep));
          v = middle;
        }
      }
      REQUIRE(relative_error(as_doubles(dx), slopes) <= tolerance);
      std::vector<T> in_place = dy;
      layer_norm_backward<T>(3, n, in_place.data(), y.data(), inverse.data(), in_place.data());
      REQUIRE(in_place == dx);
    }
  });
}

TEST_CASE_TEMPLATE("layer normalisation stays inside its rows", T, float, double) {
  for_each_isa([] {
    for (const int64_t behind : kBehind) {
      for (const int64_t n : kWidths) {
        const Window<T> x(numbers<T>(3 * n, 4), behind), y(3 * n, behind), inverse(3, behind);
        const Window<T> dy(numbers<T>(3 * n, 5), behind), dx(3 * n, behind);
        layer_norm<T>(3, n, x.data(), T(0.25), y.data(), inverse.data());
        layer_norm_backward<T>(3, n, dy.data(), y.data(), inverse.data(), dx.data());
        for (const Window<T>* window : {&x, &y, &inverse, &dy, &dx}) {
          REQUIRE(window->intact());
          for (const T v : window->values()) REQUIRE(std::isfinite(v));
        }
      }
    }
  });
}

TEST_CASE("no rows are fine") {
  CHECK_NOTHROW(layer_norm<float>(0, 3, nullptr, 1e-5f, nullptr, nullptr));
  CHECK_NOTHROW(layer_norm_backward<float>(0, 3, nullptr, nullptr, nullptr, nullptr));
}
