// log, sin, cos, exp by the school method: reduce the argument to a small interval, sum a Taylor
// series there (its terms shrink so fast that it ends), and undo the reduction.
#include "lib/elementary.h"

#include <cmath>

namespace qkv::lib {
namespace {

constexpr double kLn2High = 6.93147180369123816490e-01;  // ln 2 = high + low; high has 21 zero bits
constexpr double kLn2Low = 1.90821492927058770002e-10;   // at its end, so k * high is exact

constexpr double kHalfPiHigh = 1.57079632673412561417e+00;  // pi/2 = high + low, likewise
constexpr double kHalfPiLow = 6.07710050650619224932e-11;

// sin r and cos r for |r| <= pi/4:  r - r³/3! + r⁵/5! - ...   and   1 - r²/2! + r⁴/4! - ...
double sin_series(double r) {
  double term = r, sum = 0;
  for (int n = 1; n <= 21; n += 2) {
    sum += term;
    term *= -r * r / ((n + 1) * (n + 2));
  }
  return sum;
}

double cos_series(double r) {
  double term = 1, sum = 0;
  for (int n = 0; n <= 20; n += 2) {
    sum += term;
    term *= -r * r / ((n + 1) * (n + 2));
  }
  return sum;
}

// x = quarter * pi/2 + r. A quarter turn maps (sin, cos) to (cos, -sin).
double sin_after_quarters(double x, int extra_quarters) {
  const double quarters = std::floor(x / (kHalfPiHigh + kHalfPiLow) + 0.5);
  const double r = (x - quarters * kHalfPiHigh) - quarters * kHalfPiLow;
  const long quadrant = (static_cast<long>(quarters) + extra_quarters) & 3;
  const double magnitude = (quadrant & 1) ? cos_series(r) : sin_series(r);
  return (quadrant & 2) ? -magnitude : magnitude;
}

}  // namespace

double portable_log(double x) {
  int exponent = 0;
  double m = std::frexp(x, &exponent);  // x = m 2^exponent, m in [1/2, 1); exact
  if (m < 0.70710678118654752440) {  // bring m into [√½, √2), where s below is at most 0.172
    m *= 2;
    exponent -= 1;
  }
  // ln(1 + f) = 2 artanh s = 2 (s + s³/3 + s⁵/5 + ...), s = f / (2 + f), and 2s = f - s f. Written
  // from f, which is exact, the result takes its rounding errors from the small rest only.
  const double f = m - 1, s = f / (2 + f);
  double power = s * s, sum = 0;  // s²/3 + s⁴/5 + ...
  for (int n = 3; n <= 25; n += 2) {
    sum += power / n;
    power *= s * s;
  }
  return exponent * kLn2High + (f - (s * (f - 2 * sum) - exponent * kLn2Low));
}

double portable_sin(double x) { return sin_after_quarters(x, 0); }
double portable_cos(double x) { return sin_after_quarters(x, 1); }

double portable_exp(double x) {
  const double k = std::floor(x / (kLn2High + kLn2Low) + 0.5);
  const double r = (x - k * kLn2High) - k * kLn2Low;  // x = k ln 2 + r, |r| <= 0.35
  double term = 1, sum = 0;
  for (int n = 1; n <= 16; ++n) {
    sum += term;
    term *= r / n;
  }
  return std::ldexp(sum, static_cast<int>(k));
}

}  // namespace qkv::lib
