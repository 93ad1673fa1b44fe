// Why eps is 1e-6, and why the check is in float64: the error of a numeric gradient against eps.
//
//   error |`.            .´     right: truncation, eps² L'''/6, as the parabola leaves the curve
//         |  `.        .´       left: rounding, u |L| / eps, as L(x + eps) and L(x - eps) share
//         |    `.____.´               ever more of their digits (u: 1.1e-16, or 6e-8 in float32)
//         '----------------- eps
#pragma once

#include <string>
#include <vector>

#include "autograd/numeric.h"

namespace qkv::autograd {

struct EpsPoint {
  double eps = 0;
  double float64 = 0, float32 = 0;  // largest |numeric - gradient| / largest |gradient|
};

// For eps = 1e-1, 1e-2 ... 1e-12. The gradient is backward's, in float64, and taken for right; the
// function is evaluated in float64 and in float32. An error is NaN if the function is not a number
// at x ± eps; the whole float32 column is, if it refuses float32.
// Throws std::invalid_argument unless the inputs are float64.
[[nodiscard]] std::vector<EpsPoint> eps_sweep(const Function& function,
                                              const std::vector<Tensor>& inputs, uint64_t seed = 0);

// The same as a chart with numbers, a line for each eps, and what it says in a few sentences. NaN
// has no mark in the chart; it is no candidate for the best eps.
[[nodiscard]] std::string eps_chart(const std::vector<EpsPoint>& points);

}  // namespace qkv::autograd
