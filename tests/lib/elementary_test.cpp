// The portable functions against the C library's in long double, at the accuracy the header states.
#include "lib/elementary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <initializer_list>
#include <limits>

using namespace qkv::lib;

namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The distance of y from the true value, in units of the last place of the true value.
double error_in_ulp(double y, long double truth) {
  const double size = std::fabs(static_cast<double>(truth));
  const double ulp = std::nextafter(size, kInfinity) - size;
  return static_cast<double>(std::fabs(y - truth)) / ulp;
}

// max that keeps a NaN, so that a comparison of the result fails.
double worse(double worst, double error) { return error <= worst ? worst : error; }

double log_error(double x) {
  return error_in_ulp(portable_log(x), std::log(static_cast<long double>(x)));
}

}  // namespace

TEST_CASE("log is within 2 units in the last place over all magnitudes") {
  double worst = 0;
  for (int i = -102200; i <= 102300; ++i) worst = worse(worst, log_error(std::exp2(i * 0.01)));
  for (int i = 1; i <= 100000; ++i) worst = worse(worst, log_error(i * 0.00005));
  CHECK(worst <= 2);
}

TEST_CASE("log is within 2 units in the last place close to 1, where it is close to 0") {
  double worst = 0;
  for (int k = 1; k <= 52; ++k) {
    for (const double m : {1.0, 1.37, 1.999}) {
      worst = worse(worst, log_error(1 + std::ldexp(m, -k)));
      worst = worse(worst, log_error(1 - std::ldexp(m, -k - 1)));
    }
  }
  CHECK(worst <= 2);
  CHECK(portable_log(1) == 0);
}

TEST_CASE("log takes the largest, the smallest and subnormal numbers") {
  CHECK(log_error(std::numeric_limits<double>::max()) <= 2);
  CHECK(log_error(std::numeric_limits<double>::min()) <= 2);
  CHECK(log_error(std::numeric_limits<double>::denorm_min()) <= 2);
}

TEST_CASE("sin and cos are within 1e-15 up to a million radians") {
  for (const double range : {1.0, 40.0, 1000.0, 1e6}) {
    double worst = 0;
    for (int i = -20011; i <= 20011; ++i) {
      const double x = range * i / 20011;
      const auto exact = static_cast<long double>(x);
      worst = worse(worst, static_cast<double>(std::fabs(portable_sin(x) - std::sin(exact))));
      worst = worse(worst, static_cast<double>(std::fabs(portable_cos(x) - std::cos(exact))));
    }
    CHECK(worst <= 1e-15);
  }
}

TEST_CASE("sin and cos keep to the quadrants") {
  CHECK(portable_sin(0) == 0);
  CHECK(portable_cos(0) == 1);
  const double quarter = 1.5707963267948966;
  const double sines[] = {0, 1, 0, -1};
  for (int k = -9; k <= 9; ++k) {
    const auto quadrant = static_cast<size_t>(k & 3);
    CHECK(std::fabs(portable_sin(k * quarter) - sines[quadrant]) <= 2e-15);
    CHECK(std::fabs(portable_cos(k * quarter) - sines[(quadrant + 1) & 3]) <= 2e-15);
  }
}

TEST_CASE("exp is within a relative error of 1e-15 from -700 to 700") {
  double worst = 0;
  for (int i = -70000; i <= 70000; ++i) {
    const double x = i * 0.01;
    const long double truth = std::exp(static_cast<long double>(x));
    worst = worse(worst, static_cast<double>(std::fabs(portable_exp(x) - truth) / truth));
  }
  CHECK(worst <= 1e-15);
  CHECK(portable_exp(0) == 1);
}

TEST_CASE("the values are pinned to the bit") {
  CHECK(portable_log(10) == 0x1.26bb1bbb55516p+1);
  CHECK(portable_sin(10) == -0x1.1689ef5f34f52p-1);
  CHECK(portable_cos(10) == -0x1.ad9ac890c6b1fp-1);
  CHECK(portable_exp(10) == 0x1.5829dcf95055fp+14);
}
