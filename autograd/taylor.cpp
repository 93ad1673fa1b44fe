// The remainder against the step: where it can be seen, and how steeply it falls.
#include "autograd/taylor.h"

#include <algorithm>
#include <cmath>
#include <cstdio>
#include <limits>

#include "autograd/numeric.h"

namespace qkv::autograd {
namespace {

constexpr double kRounding = std::numeric_limits<double>::epsilon() / 2;
constexpr double kNothing = 1e-14;  // a remainder that an error of 1e-7 has at a step of 1e-7
constexpr double kHalfDecade = 0.316227766016837933;

// Root mean square of the remainders at ±h.
double remainder_at(const std::vector<Direction>& directions, const std::vector<double>& at_zero,
                    double h) {
  double squares = 0;
  for (size_t i = 0; i < directions.size(); ++i) {
    for (const double step : {h, -h}) {
      const double r = directions[i].loss(step) - at_zero[i] - step * directions[i].slope;
      squares += r * r;
    }
  }
  return std::sqrt(squares / static_cast<double>(2 * directions.size()));
}

// Least squares through the points (log h, log R) in [first, last).
double fitted_slope(const TaylorFit& fit, size_t first, size_t last) {
  double n = 0, sx = 0, sy = 0, sxx = 0, sxy = 0;
  for (size_t i = first; i < last; ++i) {
    const double x = std::log(fit.steps[i]), y = std::log(fit.remainders[i]);
    n += 1, sx += x, sy += y, sxx += x * x, sxy += x * y;
  }
  return (n * sxy - sx * sy) / (n * sxx - sx * sx);
}

}  // namespace

// What rounding leaves is measured: at steps of 1e-10 a right line has no other remainder. A wrong
// one has 1e-10 |error| there, and is then seen at all larger steps.
//
//   log R |            .´         The last three points above the floor are fitted. If the point
//         |         .´            before the floor is far above it, as it is between two kinks of
//   floor |__.__.__               relu, then R has fallen faster than any power seen: exact.
//         '------------- log h
TaylorFit taylor_fit(const std::vector<Direction>& directions) {
  TaylorFit fit;
  if (directions.empty()) return fit;
  std::vector<double> at_zero;
  for (const Direction& d : directions) at_zero.push_back(d.loss(0));
  double scale = 0;
  for (const double value : at_zero) scale = std::max(scale, std::abs(value));
  double rounding = 0;
  for (const double tiny : {1e-10, 1.7e-10, 2.9e-10, 4.9e-10}) {
    rounding = larger(rounding, remainder_at(directions, at_zero, tiny));
  }
  fit.floor = std::max({100 * kRounding * scale, 10 * rounding, kNothing});
  if (!std::isfinite(rounding)) {  // the gradient or the value is not a number
    fit.exact = false;
    fit.slope = std::numeric_limits<double>::quiet_NaN();
    return fit;
  }
  size_t first = 0, last = 0;  // of the unbroken run of visible remainders that ends last
  double h = 0.1;
  for (size_t i = 0; i < 13; ++i, h *= kHalfDecade) {
    fit.steps.push_back(h);
    fit.remainders.push_back(remainder_at(directions, at_zero, h));
    if (!(fit.remainders[i] > fit.floor) || !std::isfinite(fit.remainders[i])) continue;
    if (last != i) first = i;
    last = i + 1;
  }
  const bool falls_at_once =
      last < fit.steps.size() && last > 0 && fit.remainders[last - 1] > 50 * fit.floor;
  if (last - first < 2 || falls_at_once) return fit;
  fit.exact = false;
  fit.slope = fitted_slope(fit, std::max(first + 3, last) - 3, last);
  return fit;
}

std::string TaylorFit::text() const {
  if (exact) return "exact";
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", slope);
  return text;
}

}  // namespace qkv::autograd
