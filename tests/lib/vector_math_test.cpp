// Functions of many numbers: special values, windows, and the order of sums, under
// every instruction set. How accurate they are is asked in vector_math_accuracy_test.cpp.
#include "lib/vector_math.h"

#include <doctest/doctest.h>

#include <bit>
#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "lib/random.h"
#include "tests/determinism/settings.h"
#include "tests/lib/window.h"

using namespace qkv::lib;
using namespace qkv::tests;

namespace {

constexpr float kInf = std::numeric_limits<float>::infinity();
constexpr float kNan = std::numeric_limits<float>::quiet_NaN();
constexpr float kDenormal = std::numeric_limits<float>::denorm_min();
constexpr float kMax = std::numeric_limits<float>::max();

// The lengths around one, two and three times the 16 lanes of float and the 8 of double.
constexpr int64_t kLengths[] = {0, 1, 2, 7, 8, 9, 15, 16, 17, 31, 32, 33, 48, 49, 100, 1009};

constexpr Function kFunctions[] = {Function::exp,       Function::log,
                                   Function::tanh,      Function::sigmoid,
                                   Function::relu,      Function::erf,
                                   Function::gelu,      Function::gelu_slope,
                                   Function::gelu_tanh, Function::gelu_tanh_slope};

template <class T>
std::vector<T> mapped(Function f, const std::vector<T>& x) {
  std::vector<T> y(x.size());
  map(f, static_cast<int64_t>(x.size()), x.data(), y.data());
  return y;
}

float value(Function f, float x) { return mapped<float>(f, {x})[0]; }

// The functions in double precision, as a textbook has them.
double truth(Function f, double x) {
  const double normal_distribution = 0.5 * std::erfc(-x * std::sqrt(0.5));
  const double root = std::sqrt(2 / std::acos(-1.0)),
               t = std::tanh(root * (x + 0.044715 * x * x * x));
  switch (f) {
    case Function::exp:
      return std::exp(x);
    case Function::log:
      return std::log(x);
    case Function::tanh:
      return std::tanh(x);
    case Function::sigmoid:
      return 1 / (1 + std::exp(-x));
    case Function::erf:
      return std::erf(x);
    case Function::gelu:
      return x * normal_distribution;
    case Function::gelu_slope:
      return normal_distribution + x * std::exp(-0.5 * x * x) / std::sqrt(2 * std::acos(-1.0));
    case Function::relu:
      return x < 0 ? 0 : x;
    case Function::gelu_tanh:
      return x * (1 + t) / 2;
    case Function::gelu_tanh_slope:
      break;
  }
  return (1 + t) / 2 + x * (1 - t * t) / 2 * root * (1 + 3 * 0.044715 * x * x);
}

// Equal as bits, so that -0 differs from 0; every NaN counts as the same.
bool is(float actual, float expected) {
  if (std::isnan(expected)) return std::isnan(actual);
  return std::bit_cast<uint32_t>(actual) == std::bit_cast<uint32_t>(expected);
}

template <class T>
bool same_bits(T a, T b) {
  return std::memcmp(&a, &b, sizeof(T)) == 0;
}

template <class T>
std::vector<T> numbers(int64_t n, uint64_t seed) {
  Generator generator(seed);
  std::vector<T> x(static_cast<size_t>(n));
  for (T& v : x) v = static_cast<T>(generator.normal());
  return x;
}

// The order of additions, spelled out: lane i takes x[i], x[i + lanes], ...; then the second half
// of the lanes is added onto the first until one is left. `term` adds element i to a lane.
template <class T, class Term>
T sum_in_lanes(int64_t n, const Term& term) {
  constexpr int64_t kLanes = 64 / sizeof(T);
  T lane[kLanes] = {};
  for (int64_t i = 0; i < n; ++i) lane[i % kLanes] = term(lane[i % kLanes], i);
  for (int64_t half = kLanes / 2; half > 0; half /= 2) {
    for (int64_t i = 0; i < half; ++i) lane[i] += lane[i + half];
  }
  return lane[0];
}

}  // namespace

TEST_CASE("the functions take zeros, infinities, NaN and the smallest numbers") {
  struct Row {
    Function f;
    float at_minus_inf, at_minus_0, at_0, at_inf;
  };
  for_each_isa([] {
    for (const Row& r : {Row{Function::exp, 0, 1, 1, kInf},
                         {Function::log, kNan, -kInf, -kInf, kInf},
                         {Function::tanh, -1, -0.0f, 0, 1},
                         {Function::sigmoid, 0, 0.5f, 0.5f, 1},
                         {Function::erf, -1, -0.0f, 0, 1},
                         {Function::relu, 0, -0.0f, 0, kInf},
                         {Function::gelu, 0, -0.0f, 0, kInf},
                         {Function::gelu_slope, -0.0f, 0.5f, 0.5f, 1},
                         {Function::gelu_tanh, -0.0f, -0.0f, 0, kInf},
                         {Function::gelu_tanh_slope, -0.0f, 0.5f, 0.5f, 1}}) {
      INFO("function ", static_cast<int>(r.f));
      CHECK(is(value(r.f, -kInf), r.at_minus_inf));
      CHECK(is(value(r.f, -0.0f), r.at_minus_0));
      CHECK(is(value(r.f, 0.0f), r.at_0));
      CHECK(is(value(r.f, kInf), r.at_inf));
      CHECK(is(value(r.f, kNan), kNan));
      CHECK(is(value(r.f, -kNan), kNan));
    }
    for (const float tiny : {kDenormal, -kDenormal, 1e-40f, -1e-40f}) {
      CHECK(value(Function::exp, tiny) == 1);
      CHECK(value(Function::tanh, tiny) == tiny);
      CHECK(value(Function::sigmoid, tiny) == 0.5f);
      CHECK(std::fabs(value(Function::erf, tiny) - tiny) <= std::fabs(0.2f * tiny));
    }
    CHECK(value(Function::log, kDenormal) == static_cast<float>(std::log(0x1p-149)));
    CHECK(is(value(Function::log, -kDenormal), kNan));
    CHECK(value(Function::log, 1) == 0);
    CHECK(value(Function::log, kMax) == static_cast<float>(std::log(0x1.fffffep127)));
  });
}

TEST_CASE("gelu and its slopes have their limits far out, in both precisions") {
  for_each_isa([] {
    for (const double far : {50.0, 1e10, HUGE_VAL}) {
      for (const Function f : {Function::gelu, Function::gelu_tanh}) {
        CHECK(value(f, static_cast<float>(far)) == static_cast<float>(far));
        CHECK(value(f, static_cast<float>(-far)) == 0);
        CHECK(mapped<double>(f, {far, -far}) == std::vector<double>{far, 0});
      }
      for (const Function f : {Function::gelu_slope, Function::gelu_tanh_slope}) {
        CHECK(value(f, static_cast<float>(far)) == 1);
        CHECK(value(f, static_cast<float>(-far)) == 0);
        CHECK(mapped<double>(f, {far, -far}) == std::vector<double>{1, 0});
      }
    }
    CHECK(value(Function::gelu, kMax) == kMax);
    CHECK(value(Function::gelu_tanh, kMax) == kMax);
  });
}

TEST_CASE("exp overflows, becomes subnormal and vanishes where it should") {
  for_each_isa([] {
    CHECK(value(Function::exp, 88.72283f) < kInf);
    CHECK(value(Function::exp, 88.72284f) == kInf);
    CHECK(value(Function::exp, kMax) == kInf);
    CHECK(value(Function::exp, -87.4f) < std::numeric_limits<float>::min());
    CHECK(value(Function::exp, -103.9f) == kDenormal);
    CHECK(value(Function::exp, -104.0f) == 0);
    CHECK(value(Function::exp, -kMax) == 0);
  });
}

TEST_CASE(
    "tanh, erf and sigmoid are odd, or symmetric about one half, and never leave their range") {
  for_each_isa([] {
    for (float x = 1e-3f; x < 200; x *= 1.01f) {
      CHECK(value(Function::tanh, -x) == -value(Function::tanh, x));
      CHECK(value(Function::erf, -x) == -value(Function::erf, x));
      REQUIRE(value(Function::tanh, x) <= 1);
      REQUIRE(value(Function::erf, x) <= 1);
      REQUIRE(std::fabs(value(Function::sigmoid, -x) + value(Function::sigmoid, x) - 1) <= 1.2e-7f);
    }
  });
}

TEST_CASE("in double precision the functions are the standard library's") {
  const std::vector<double> x = numbers<double>(1009, 1);
  for_each_isa([&] {
    for (const Function f : kFunctions) {
      const std::vector<double> y = mapped(f, x);
      for (size_t i = 0; i < x.size(); ++i) {
        const double exact = truth(f, x[i]);
        REQUIRE((std::isnan(exact) ? std::isnan(y[i]) : std::fabs(y[i] - exact) <= 1e-15));
      }
    }
  });
}

TEST_CASE_TEMPLATE("a result depends on its number alone, not on the place it has", T, float,
                   double) {
  const std::vector<T> x = numbers<T>(3 * 32'768 + 17, 2);
  for (const Function f : kFunctions) {
    const std::vector<T> y = mapped(f, x);
    for (size_t i = 0; i < x.size(); i += 97) {
      T alone;
      map(f, 1, &x[i], &alone);
      REQUIRE((same_bits(y[i], alone) || (std::isnan(y[i]) && std::isnan(alone))));
    }
  }
}

TEST_CASE_TEMPLATE("map stays inside its arrays, and may overwrite its input", T, float, double) {
  for_each_isa([] {
    for (const Function f : kFunctions) {
      for (const int64_t behind : kBehind) {
        for (const int64_t n : kLengths) {
          const std::vector<T> x(static_cast<size_t>(n), T(0.5));
          const Window<T> in(x, behind), out(n, behind);
          map(f, n, in.data(), out.data());
          REQUIRE(in.values() == x);
          REQUIRE(out.values() == mapped(f, x));
          map(f, n, in.data(), in.data());
          REQUIRE(in.values() == out.values());
          REQUIRE(in.intact());
          REQUIRE(out.intact());
        }
      }
    }
  });
}

TEST_CASE_TEMPLATE("sums and dot products follow the stated order, bit by bit", T, float, double) {
  for_each_isa([] {
    for (const int64_t n : kLengths) {
      for (const int64_t behind : kBehind) {
        const Window<T> x(numbers<T>(n, 3), behind), y(numbers<T>(n, 4), behind);
        const T *const a = x.data(), *const b = y.data();
        const T total = sum_in_lanes<T>(n, [&](T lane, int64_t i) { return lane + a[i]; });
        const T product =
            sum_in_lanes<T>(n, [&](T lane, int64_t i) { return std::fma(a[i], b[i], lane); });
        REQUIRE(same_bits(sum(n, a), total));
        REQUIRE(same_bits(dot(n, a, b), product));
      }
    }
  });
}

TEST_CASE_TEMPLATE("NaN and infinity reach a sum and a dot product from every place", T, float,
                   double) {
  for_each_isa([] {
    constexpr T kInfinity = std::numeric_limits<T>::infinity();
    for (const size_t place : std::vector<size_t>{0, 5, 15, 16, 30, 32}) {
      std::vector<T> x(33, T(1)), zeros(33, T(0));
      x[place] = kInfinity;
      CHECK(sum<T>(33, x.data()) == kInfinity);
      CHECK(std::isnan(dot<T>(33, x.data(), zeros.data())));  // 0 * infinity
      x[32 - place] = -kInfinity;
      CHECK((place == 16 ? sum<T>(33, x.data()) == -kInfinity : std::isnan(sum<T>(33, x.data()))));
      x[place] = std::numeric_limits<T>::quiet_NaN();
      CHECK(std::isnan(sum<T>(33, x.data())));
    }
  });
}
