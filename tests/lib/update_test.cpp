// The optimisers' updates: several steps against the papers' formulas, written out in double
// precision for a single weight, in every combination of their options.
#include "lib/update.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <vector>

#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr int kSteps = 7;
constexpr double kRate = 0.05, kBeta1 = 0.875, kBeta2 = 0.96875, kEps = 1e-4;

// A slope that depends on the weight and the step, so that an error in a step shows in the next.
double slope_at(double w, int step) { return std::sin(3 * w + step) + 0.25 * w; }

template <class T>
constexpr double kTolerance = std::is_same_v<T, float> ? 2e-6 : 1e-14;

template <class T>
std::vector<T> slopes(const std::vector<T>& w, int step) {
  std::vector<T> g;
  for (const T v : w) g.push_back(static_cast<T>(slope_at(v, step)));
  return g;
}

std::vector<double> first_weights(int64_t n) {
  std::vector<double> w;
  for (int64_t i = 0; i < n; ++i) w.push_back(0.125 * static_cast<double>(i) - 1);
  return w;
}

template <class T>
std::vector<T> rounded(const std::vector<double>& x) {
  std::vector<T> y;
  for (const double v : x) y.push_back(static_cast<T>(v));
  return y;
}

template <class T>
std::vector<double> as_doubles(const std::vector<T>& x) {
  return std::vector<double>(x.begin(), x.end());
}

double sgd_truth(double w, double momentum, double decay, bool nesterov) {
  double velocity = 0;
  for (int step = 1; step <= kSteps; ++step) {
    const double g = slope_at(w, step) + decay * w;
    velocity = momentum * velocity + g;  // from zero: the first velocity is g
    w = w - kRate * (nesterov ? g + momentum * velocity : velocity);
  }
  return w;
}

double adam_truth(double w, double decay, bool decoupled) {
  double m = 0, v = 0;
  for (int step = 1; step <= kSteps; ++step) {
    double g = slope_at(w, step);
    if (decoupled) w = w - kRate * decay * w;
    if (!decoupled) g = g + decay * w;
    m = kBeta1 * m + (1 - kBeta1) * g;
    v = kBeta2 * v + (1 - kBeta2) * g * g;
    const double m_hat = m / (1 - std::pow(kBeta1, step)), v_hat = v / (1 - std::pow(kBeta2, step));
    w = w - kRate * m_hat / (std::sqrt(v_hat) + kEps);
  }
  return w;
}

AdamStep adam_step(int step, double decay, bool decoupled) {
  return {.rate = kRate,
          .beta1 = kBeta1,
          .beta2 = kBeta2,
          .eps = kEps,
          .decay = decay,
          .correction1 = 1 - std::pow(kBeta1, step),
          .correction2 = 1 - std::pow(kBeta2, step),
          .decoupled = decoupled};
}

}  // namespace

TEST_CASE_TEMPLATE("SGD takes the steps of its formula", T, float, double) {
  struct Options {
    double momentum, decay;
    bool nesterov;
  };
  for (const Options& o : {Options{0, 0, false},
                           {0, 0.1, false},
                           {0.9, 0, false},
                           {0.9, 0.1, false},
                           {0.9, 0, true},
                           {0.9, 0.1, true}}) {
    std::vector<double> truth = first_weights(19);
    std::vector<T> w = rounded<T>(truth), velocity(w.size(), std::numeric_limits<T>::quiet_NaN());
    for (double& v : truth) v = sgd_truth(v, o.momentum, o.decay, o.nesterov);
    for (int step = 1; step <= kSteps; ++step) {
      const std::vector<T> g = slopes(w, step);
      sgd_update(19, {kRate, o.momentum, o.decay, o.nesterov, step == 1}, w.data(), g.data(),
                 velocity.data());  // the first step does not read the velocity, which is NaN
    }
    CHECK(relative_error(as_doubles(w), truth) <= kTolerance<T>);
  }
}

TEST_CASE_TEMPLATE("SGD without momentum needs no velocity", T, float, double) {
  std::vector<double> truth = first_weights(19);
  std::vector<T> w = rounded<T>(truth);
  for (double& v : truth) v = sgd_truth(v, 0, 0.1, false);
  for (int step = 1; step <= kSteps; ++step) {
    const std::vector<T> g = slopes(w, step);
    sgd_update<T>(19, {kRate, 0, 0.1, false, step == 1}, w.data(), g.data(), nullptr);
  }
  CHECK(relative_error(as_doubles(w), truth) <= kTolerance<T>);
}

TEST_CASE_TEMPLATE("Adam and AdamW take the steps of their formulas", T, float, double) {
  for (const double decay : {0.0, 0.1}) {
    for (const bool decoupled : {false, true}) {
      std::vector<double> truth = first_weights(19);
      std::vector<T> w = rounded<T>(truth), m(w.size()), v(w.size());
      for (double& x : truth) x = adam_truth(x, decay, decoupled);
      for (int step = 1; step <= kSteps; ++step) {
        const std::vector<T> g = slopes(w, step);
        adam_update(19, adam_step(step, decay, decoupled), w.data(), g.data(), m.data(), v.data());
      }
      CHECK(relative_error(as_doubles(w), truth) <= kTolerance<T>);
    }
  }
}

TEST_CASE("the first step of Adam has the length of the rate, whatever the slope's size") {
  for (const double slope : {1e3, 1.0, -1e-2}) {
    double w = 0, m = 0, v = 0;
    adam_update(1, adam_step(1, 0, false), &w, &slope, &m, &v);
    CHECK(std::fabs(w + std::copysign(kRate, slope)) <= 0.011 * kRate);  // eps takes up to 1 %
    CHECK(std::fabs(m - (1 - kBeta1) * slope) <= 1e-15 * std::fabs(slope));
    CHECK(std::fabs(v - (1 - kBeta2) * slope * slope) <= 1e-15 * slope * slope);
  }
}

TEST_CASE("AdamW shrinks a weight whose gradient is zero, Adam follows the penalty's slope") {
  const double zero = 0;
  double w = 2, m = 0, v = 0;
  adam_update(1, adam_step(1, 0.5, true), &w, &zero, &m, &v);
  CHECK(std::fabs(w - 2 * (1 - kRate * 0.5)) <= 1e-15);
  CHECK(m == 0);
  w = 2;
  adam_update(1, adam_step(1, 0.5, false), &w, &zero, &m, &v);
  CHECK(std::fabs(m - (1 - kBeta1)) <= 1e-15);  // g = 0.5 * 2
}

TEST_CASE_TEMPLATE("long arrays take the same steps as short ones, bit by bit", T, float, double) {
  const int64_t n = 2 * 32'768 + 77;
  std::vector<T> w = rounded<T>(first_weights(n)), m(w.size()), v(w.size()), u(w.size());
  std::vector<T> w1 = w, m1 = m, v1 = v, u1 = u;
  const std::vector<T> g = slopes(w, 1);
  const SgdStep sgd = {kRate, 0.9, 0.1, true, false};
  const AdamStep adam = adam_step(1, 0.1, true);
  sgd_update(n, sgd, w.data(), g.data(), u.data());
  adam_update(n, adam, w.data(), g.data(), m.data(), v.data());
  for (size_t i = 0; i < w.size(); ++i) {
    sgd_update(1, sgd, &w1[i], &g[i], &u1[i]);
    adam_update(1, adam, &w1[i], &g[i], &m1[i], &v1[i]);
  }
  CHECK(w == w1);
  CHECK(m == m1);
  CHECK(v == v1);
  CHECK(u == u1);
}

TEST_CASE_TEMPLATE("a sum of squares is exact for integers, and passes NaN and infinity on", T,
                   float, double) {
  const int64_t n = 100'003;
  std::vector<T> g(static_cast<size_t>(n));
  double expected = 0;
  for (size_t i = 0; i < g.size(); ++i) {
    g[i] = static_cast<T>(static_cast<int>(i % 7) - 3);
    expected += static_cast<double>(g[i] * g[i]);
  }
  for_each_isa([&] { CHECK(sum_of_squares(n, g.data()) == expected); });
  CHECK(sum_of_squares<T>(0, nullptr) == 0);
  g[70'000] = std::numeric_limits<T>::infinity();
  CHECK(sum_of_squares(n, g.data()) == std::numeric_limits<double>::infinity());
  g[1] = std::numeric_limits<T>::quiet_NaN();
  CHECK(std::isnan(sum_of_squares(n, g.data())));
}

TEST_CASE_TEMPLATE("updates stay inside their arrays", T, float, double) {
  for (const int64_t behind : kBehind) {
    for (const int64_t n : {0, 1, 7, 16, 17, 33}) {
      const std::vector<T> ones(static_cast<size_t>(n), T(1));
      const Window<T> w(ones, behind), g(ones, behind), m(ones, behind), v(ones, behind);
      sgd_update(n, {kRate, 0.9, 0.1, true, false}, w.data(), g.data(), m.data());
      adam_update(n, adam_step(2, 0.1, true), w.data(), g.data(), m.data(), v.data());
      REQUIRE(sum_of_squares(n, g.data()) == static_cast<double>(n));
      for (const Window<T>* window : {&w, &g, &m, &v}) {
        REQUIRE(window->intact());
        for (const T x : window->values()) REQUIRE(std::isfinite(x));
      }
    }
  }
}
