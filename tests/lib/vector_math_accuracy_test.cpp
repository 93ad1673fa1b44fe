// How far the float32 functions are from the truth, in units of the last place (ulp) of the exact
// result. In the suite a dense sample of all floats; by hand, in some minutes, all 2^32 of them:
//
//   build/qkv-tests --no-skip --test-case='every float*'
//
// prints the table quoted below, and compares the bits of the instruction sets.
#include <doctest/doctest.h>

#include <algorithm>
#include <bit>
#include <cmath>
#include <cstdio>
#include <limits>
#include <mutex>
#include <vector>

#include "lib/parallel.h"
#include "lib/vector_math.h"
#include "tests/determinism/settings.h"

using namespace qkv::lib;

namespace {

// The functions in double precision, whose own errors are below 1e-6 of these units.
double normal_distribution(double x) { return 0.5 * std::erfc(-x * std::sqrt(0.5)); }
double sigmoid(double x) {
  return x < 0 ? std::exp(x) / (1 + std::exp(x)) : 1 / (1 + std::exp(-x));
}

double truth(Function f, double x) {
  const double c = 2 * std::sqrt(2 / std::acos(-1.0)), a = 0.044715;
  const double u = c * x * (1 + a * x * x), slope_of_u = c * (1 + 3 * a * x * x);
  const bool far = std::fabs(x) > 40;  // the limits, where the formulas have 0 times infinity
  switch (f) {
    case Function::exp:
      return std::exp(x);
    case Function::log:
      return std::log(x);
    case Function::tanh:
      return std::tanh(x);
    case Function::sigmoid:
      return sigmoid(x);
    case Function::relu:
      return x < 0 ? 0 : x;
    case Function::erf:
      return std::erf(x);
    case Function::gelu:
      return far ? std::fmax(x, 0) : x * normal_distribution(x);
    case Function::gelu_slope:
      return far ? x > 0 : normal_distribution(x) + x * c / 4 * std::exp(-0.5 * x * x);
    case Function::gelu_tanh:
      return far ? std::fmax(x, 0) : x * sigmoid(u);
    case Function::gelu_tanh_slope:
      return far ? x > 0 : sigmoid(u) * (1 + x * slope_of_u * sigmoid(-u));
  }
  return NAN;
}

// |y - exact| in units of the last place of a float of exact's size. Where one is NaN the other has
// to be; an infinite y counts as 2^128, the number after the largest.
double error_in_ulp(float y, double exact) {
  constexpr double kAfterMax = 0x1p128;
  if (std::isnan(y) || std::isnan(exact)) return std::isnan(y) == std::isnan(exact) ? 0 : HUGE_VAL;
  const double bounded = std::fmax(std::fmin(exact, kAfterMax), -kAfterMax);
  const double got = std::isinf(y) ? std::copysign(kAfterMax, y) : static_cast<double>(y);
  const int exponent = bounded == 0 ? -126 : std::max(std::ilogb(bounded), -126);
  return std::fabs(got - bounded) / std::ldexp(1.0, std::min(exponent, 127) - 23);
}

// The largest errors seen: in ulp where the exact result is a normal number, and where it is
// smaller (subnormal); and relative to the larger of 1 and the exact result (scaled).
struct Worst {
  double normal = 0, subnormal = 0, scaled = 0;

  void add(Function f, float x, float y) {
    const double exact = truth(f, x), ulp = error_in_ulp(y, exact);
    const bool tiny = std::fabs(exact) < 0x1p-126;
    double& worst = tiny ? subnormal : normal;
    if (!(ulp <= worst)) worst = ulp;
    const double relative = std::fabs(y - exact) / std::fmax(1, std::fabs(exact));
    if (std::isfinite(y) && !(relative <= scaled)) scaled = relative;
  }
  void add(const Worst& other) {
    normal = std::max(normal, other.normal);
    subnormal = std::max(subnormal, other.subnormal);
    scaled = std::max(scaled, other.scaled);
  }
};

Worst worst_of(Function f, const std::vector<float>& x) {
  std::vector<float> y(x.size());
  map(f, static_cast<int64_t>(x.size()), x.data(), y.data());
  Worst worst;
  for (size_t i = 0; i < x.size(); ++i) worst.add(f, x[i], y[i]);
  return worst;
}

// The floats whose bit patterns are multiples of `step`, shared among the threads.
Worst worst_over(Function f, uint64_t step) {
  constexpr int64_t kParts = 4096;
  constexpr uint64_t kPart = (uint64_t{1} << 32) / kParts;
  Worst worst;
  std::mutex mutex;
  parallel_for(kParts, 1, [&](int64_t begin, int64_t end) {
    for (int64_t part = begin; part < end; ++part) {
      const uint64_t first = static_cast<uint64_t>(part) * kPart;
      std::vector<float> x;
      for (uint64_t bits = (first + step - 1) / step * step; bits < first + kPart; bits += step) {
        x.push_back(std::bit_cast<float>(static_cast<uint32_t>(bits)));
      }
      const Worst of_part = worst_of(f, x);
      const std::lock_guard lock(mutex);
      worst.add(of_part);
    }
  });
  return worst;
}

// Where kernels change their way: thresholds, ends of intervals, zeros; and each power of two. With
// 50 neighbours to both sides.
std::vector<float> delicate_places() {
  std::vector<float> places = {0.75f,  1.5f,    10.0f,    9.01f,     17.33f,    18.5f,    16.63f,
                               16.98f, 88.723f, 87.336f,  103.972f,  104.0f,    89.0f,    0.5f,
                               2.5f,   3.0f,    3.5f,     3.92f,     3.96875f,  5.0f,     7.0f,
                               11.0f,  13.2f,   14.4f,    14.875f,   0.751792f, 0.75246f, 5.25f,
                               6.0f,   10.6f,   0.34657f, 0.173287f, 1.03972f};
  for (int e = -149; e <= 127; ++e) places.push_back(std::ldexp(1.0f, e));
  std::vector<float> x;
  for (const float place : places) {
    const int64_t middle = std::bit_cast<int32_t>(place);
    for (int64_t bits = std::max<int64_t>(middle - 50, 0); bits <= middle + 50; ++bits) {
      const float v = std::bit_cast<float>(static_cast<int32_t>(bits));
      x.push_back(v), x.push_back(-v);
    }
  }
  for (const float special :
       {0.0f, std::numeric_limits<float>::infinity(), std::numeric_limits<float>::max(),
        std::numeric_limits<float>::quiet_NaN()}) {
    x.push_back(special), x.push_back(-special);
  }
  return x;
}

struct Bound {
  const char* name;
  Function f;
  double normal, subnormal, scaled;
};

// What all 2^32 floats gave:
//
//                      ulp    worst at   where the result is subnormal
//   exp               0.909    5.20      0.859
//   log               0.899    0.743     0
//   tanh              1.954    0.519     0
//   sigmoid           1.684   -1.11      1.212
//   erf               0.797    0.0004    0.603
//   gelu              1.908   -3.65      1.077
//   gelu_slope        2.429   -0.770     1.317
//   gelu_tanh         1.889   -5.00      1.322
//   gelu_tanh_slope   none    -0.7525    2.520
//
// The slopes cross zero. gelu_slope keeps its relative precision even there; gelu_tanh_slope adds
// two numbers that cancel, so that its bound is the last column: it gave 2.3e-7.
constexpr Bound kBounds[] = {
    {"exp", Function::exp, 1, 1, 1.2e-7},
    {"log", Function::log, 1, 1, 1e-7},
    {"tanh", Function::tanh, 2, 1, 1.3e-7},
    {"sigmoid", Function::sigmoid, 2, 1.5, 1e-7},
    {"relu", Function::relu, 0, 0, 0},
    {"erf", Function::erf, 1, 1, 1e-7},
    {"gelu", Function::gelu, 2, 1.5, 1e-7},
    {"gelu_slope", Function::gelu_slope, 2.5, 1.5, 1e-7},
    {"gelu_tanh", Function::gelu_tanh, 2, 1.5, 1.3e-7},
    {"gelu_tanh_slope", Function::gelu_tanh_slope, HUGE_VAL, 3, 2.5e-7},
};

void check(const Bound& bound, const Worst& worst) {
  INFO(bound.name);
  CHECK(worst.normal <= bound.normal);
  CHECK(worst.subnormal <= bound.subnormal);
  CHECK(worst.scaled <= bound.scaled);
}

}  // namespace

TEST_CASE("the largest errors of the float32 functions, over a sample of all floats") {
  for (const Bound& bound : kBounds) {
    check(bound, worst_over(bound.f, 4099));
    check(bound, worst_of(bound.f, delicate_places()));
  }
}

TEST_CASE("every float: the largest errors of the float32 functions" * doctest::skip()) {
  for (const Bound& bound : kBounds) {
    const Worst worst = worst_over(bound.f, 1);
    std::printf("%-16s %.3f ulp, subnormal results %.3f, relative to max(1, result) %.2g\n",
                bound.name, worst.normal, worst.subnormal, worst.scaled);
    check(bound, worst);
  }
}

TEST_CASE("every float: the same bits with every instruction set" * doctest::skip()) {
  constexpr size_t kPart = size_t{1} << 24;
  std::vector<float> x(kPart), y(kPart), reference(kPart);
  for (uint32_t part = 0; part < 256; ++part) {
    for (uint32_t i = 0; i < kPart; ++i) x[i] = std::bit_cast<float>((part << 24) + i);
    for (const Bound& bound : kBounds) {
      bool first = true;
      qkv::tests::for_each_isa([&] {
        std::vector<float>& result = first ? reference : y;
        map(bound.f, static_cast<int64_t>(kPart), x.data(), result.data());
        const auto same = [](float a, float b) {
          return (std::isnan(a) && std::isnan(b)) ||
                 std::bit_cast<uint32_t>(a) == std::bit_cast<uint32_t>(b);
        };
        INFO(bound.name, " from ", x[0]);
        REQUIRE(std::equal(result.begin(), result.end(), reference.begin(), same));
        first = false;
      });
    }
  }
}
