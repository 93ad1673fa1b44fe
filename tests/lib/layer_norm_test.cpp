// Normalisation of rows: the formulas and their slopes in double precision, constant rows, one
// column, rows alone and in company, and memory that ends with the last row.
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

constexpr int64_t kWidths[] = {1, 2, 3, 7, 8, 9, 15, 16, 17, 31, 33, 48, 101, 520};
constexpr double kEps = 0.25;

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

// Operands and results of one call. For rms_norm, beta and mean are not used.
template <class T>
struct Norm {
  Norm(NormShape s, bool is_centered) : shape(s), centered(is_centered) {
    const auto all = static_cast<size_t>(s.rows * s.n), rows = static_cast<size_t>(s.rows);
    x = numbers<T>(s.rows * s.n, 1), dy = numbers<T>(s.rows * s.n, 2);
    gamma = numbers<T>(s.n, 3), beta = numbers<T>(s.n, 4);
    y.resize(all), dx.resize(all), mean.resize(rows), inverse.resize(rows);
    dgamma.resize(gamma.size()), dbeta.resize(gamma.size());
  }
  void forward(bool definition = false) {
    const T eps = static_cast<T>(kEps);
    if (centered) {
      (definition ? layer_norm_definition<T> : layer_norm<T>)(shape, x.data(), gamma.data(),
                                                              beta.data(), eps, y.data(),
                                                              mean.data(), inverse.data());
    } else {
      (definition ? rms_norm_definition<T> : rms_norm<T>)(shape, x.data(), gamma.data(), eps,
                                                          y.data(), inverse.data());
    }
  }
  void backward() {
    if (centered) {
      layer_norm_backward(shape, dy.data(), x.data(), mean.data(), inverse.data(), gamma.data(),
                          dx.data(), dgamma.data(), dbeta.data());
    } else {
      rms_norm_backward(shape, dy.data(), x.data(), inverse.data(), gamma.data(), dx.data(),
                        dgamma.data());
    }
  }
  NormShape shape;
  bool centered;
  std::vector<T> x, dy, gamma, beta, y, mean, inverse, dx, dgamma, dbeta;
};

// The formulas for all rows in long double: y, and dx, dgamma, dbeta.
struct Truth {
  std::vector<double> y, dx, dgamma, dbeta;
};

template <class T>
Truth truth_of(const Norm<T>& c) {
  const auto n = static_cast<size_t>(c.shape.n), rows = static_cast<size_t>(c.shape.rows);
  const auto count = static_cast<long double>(n);
  Truth truth = {{}, {}, std::vector<double>(n), std::vector<double>(n)};
  for (size_t row = 0; row < rows; ++row) {
    const T *const x = c.x.data() + row * n, *const dy = c.dy.data() + row * n;
    long double mean = 0, squares = 0, sum = 0, weighted = 0;
    for (size_t i = 0; i < n && c.centered; ++i) mean += x[i] / count;
    for (size_t i = 0; i < n; ++i) squares += (x[i] - mean) * (x[i] - mean) / count;
    const long double inverse = 1 / std::sqrt(squares + static_cast<long double>(kEps));
    for (size_t i = 0; i < n; ++i) {
      const long double normal = (x[i] - mean) * inverse,
                        dn = dy[i] * static_cast<long double>(c.gamma[i]);
      truth.y.push_back(static_cast<double>(normal * c.gamma[i] + (c.centered ? c.beta[i] : T(0))));
      truth.dgamma[i] += static_cast<double>(dy[i] * normal);
      truth.dbeta[i] += static_cast<double>(dy[i]);
      sum += dn / count, weighted += dn * normal / count;
    }
    for (size_t i = 0; i < n; ++i) {
      const long double normal = (x[i] - mean) * inverse,
                        dn = dy[i] * static_cast<long double>(c.gamma[i]);
      truth.dx.push_back(
          static_cast<double>(inverse * (dn - (c.centered ? sum : 0) - normal * weighted)));
    }
  }
  return truth;
}

}  // namespace

TEST_CASE_TEMPLATE("rows are normalised as the formulas say, by both rungs", T, float, double) {
  const double tolerance = 60 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for_each_isa([&] {
    for (const bool centered : {true, false}) {
      for (const int64_t n : kWidths) {
        Norm<T> c({n % 2 == 0 ? 5 : 37, n}, centered);
        const Truth truth = truth_of(c);
        for (const bool definition : {true, false}) {
          c.forward(definition);
          REQUIRE(relative_error(as_doubles(c.y), truth.y) <= tolerance);
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("the backward kernels return the slopes of the formulas", T, float, double) {
  const double tolerance = 200 * static_cast<double>(std::numeric_limits<T>::epsilon());
  for_each_isa([&] {
    for (const bool centered : {true, false}) {
      for (const int64_t n : kWidths) {
        Norm<T> c({n % 2 == 0 ? 5 : 37, n}, centered);
        const Truth truth = truth_of(c);
        c.forward();
        c.backward();
        if (n > 2 || !centered) REQUIRE(relative_error(as_doubles(c.dx), truth.dx) <= tolerance);
        REQUIRE(relative_error(as_doubles(c.dgamma), truth.dgamma) <= tolerance);
        if (centered) REQUIRE(relative_error(as_doubles(c.dbeta), truth.dbeta) <= tolerance);
        std::vector<T> kept = c.dy;  // dx may be dy
        if (centered) {
          layer_norm_backward(c.shape, kept.data(), c.x.data(), c.mean.data(), c.inverse.data(),
                              c.gamma.data(), kept.data(), c.dgamma.data(), c.dbeta.data());
        } else {
          rms_norm_backward(c.shape, kept.data(), c.x.data(), c.inverse.data(), c.gamma.data(),
                            kept.data(), c.dgamma.data());
        }
        REQUIRE(kept == c.dx);
      }
    }
  });
}

TEST_CASE("sums over many chunks of rows are those of the formula") {
  for (const bool centered : {true, false}) {
    Norm<float> c({5003, 33}, centered);
    const Truth truth = truth_of(c);
    c.forward();
    c.backward();
    CHECK(relative_error(as_doubles(c.dgamma), truth.dgamma) <= 1e-4);
    if (centered) CHECK(relative_error(as_doubles(c.dbeta), truth.dbeta) <= 1e-5);
  }
}

TEST_CASE_TEMPLATE("a row is normalised alone as in company, bit by bit", T, float, double) {
  for_each_isa([] {
    for (const bool centered : {true, false}) {
      for (const int64_t n : {1, 16, 33, 300, 1000}) {
        Norm<T> together({37, n}, centered), alone({1, n}, centered);
        together.forward();
        together.backward();
        for (int64_t row = 0; row < 37; ++row) {
          const auto part = [&](const std::vector<T>& all) {
            return std::vector<T>(all.begin() + row * n, all.begin() + (row + 1) * n);
          };
          alone.x = part(together.x), alone.dy = part(together.dy);
          alone.forward();
          alone.backward();
          REQUIRE(alone.y == part(together.y));
          REQUIRE(alone.dx == part(together.dx));
        }
      }
    }
  });
}

TEST_CASE("a large mean does not swallow the variance") {
  const std::vector<float> x = {1e6f, 1e6f + 1, 1e6f + 2, 1e6f + 3}, one(4, 1.0f), zero(4);
  std::vector<float> y(4), mean(1), inverse(1);
  layer_norm({1, 4}, x.data(), one.data(), zero.data(), 0.0f, y.data(), mean.data(),
             inverse.data());
  const double unit = 1 / std::sqrt(1.25);
  CHECK(relative_error(as_doubles(y), {-1.5 * unit, -0.5 * unit, 0.5 * unit, 1.5 * unit}) <= 1e-6);
}

TEST_CASE_TEMPLATE("a constant row gives beta, one column is always constant", T, float, double) {
  for_each_isa([] {
    const std::vector<T> x(32, T(3)), gamma(32, T(7)), beta(32, T(5));
    std::vector<T> y(32, T(-1)), mean(32), inverse(32);
    for (const NormShape shape : {NormShape{1, 32}, NormShape{32, 1}}) {
      layer_norm<T>(shape, x.data(), gamma.data(), beta.data(), T(0.25), y.data(), mean.data(),
                    inverse.data());
      CHECK(y == beta);
      CHECK(mean[0] == 3);
      CHECK(inverse[0] == 2);  // 1 / √0.25
    }
  });
}

TEST_CASE("NaN stays in its row") {
  for_each_isa([] {
    for (const bool centered : {true, false}) {
      Norm<float> c({21, 18}, centered);
      c.x[7 * 18 + 3] = std::numeric_limits<float>::quiet_NaN();
      c.forward();
      c.backward();
      for (size_t i = 0; i < c.y.size(); ++i) {
        REQUIRE(std::isnan(c.y[i]) == (i / 18 == 7));
        REQUIRE(std::isnan(c.dx[i]) == (i / 18 == 7));
      }
    }
  });
}

TEST_CASE_TEMPLATE("normalisation stays inside its arrays", T, float, double) {
  for_each_isa([] {
    for (const int64_t behind : kBehind) {
      for (const int64_t n : kWidths) {
        const NormShape shape{19, n};
        const Window<T> x(numbers<T>(19 * n, 4), behind), y(19 * n, behind), mean(19, behind);
        const Window<T> dy(numbers<T>(19 * n, 5), behind), dx(19 * n, behind), inverse(19, behind);
        const Window<T> gamma(numbers<T>(n, 6), behind), beta(numbers<T>(n, 7), behind);
        const Window<T> dgamma(n, behind), dbeta(n, behind);
        const auto check = [&] {
          for (const Window<T>* window :
               {&x, &y, &mean, &inverse, &dy, &dx, &gamma, &beta, &dgamma, &dbeta}) {
            REQUIRE(window->intact());
            for (const T v : window->values()) REQUIRE(std::isfinite(v));
          }
        };
        layer_norm<T>(shape, x.data(), gamma.data(), beta.data(), T(0.25), y.data(), mean.data(),
                      inverse.data());
        layer_norm_backward<T>(shape, dy.data(), x.data(), mean.data(), inverse.data(),
                               gamma.data(), dx.data(), dgamma.data(), dbeta.data());
        check();
        rms_norm<T>(shape, x.data(), gamma.data(), T(0.25), y.data(), inverse.data());
        rms_norm_backward<T>(shape, dy.data(), x.data(), inverse.data(), gamma.data(), dx.data(),
                             dgamma.data());
        check();
      }
    }
  });
}

TEST_CASE("no rows give no results, and gradients of 0") {
  const std::vector<float> gamma(3, 1.0f);
  std::vector<float> dgamma(3, 9.0f), dbeta(3, 9.0f);
  CHECK_NOTHROW(layer_norm<float>({0, 3}, nullptr, gamma.data(), gamma.data(), 1e-5f, nullptr,
                                  nullptr, nullptr));
  layer_norm_backward<float>({0, 3}, nullptr, nullptr, nullptr, nullptr, gamma.data(), nullptr,
                             dgamma.data(), dbeta.data());
  CHECK(dgamma == std::vector<float>(3));
  CHECK(dbeta == std::vector<float>(3));
}
