// A second opinion on a gradient, which needs no eps. Along any direction d a function is a line
// and a remainder, and smaller steps tell whether the line is the right one:
//
//   R(h) = |L(x + h d) - L(x) - h <g, d>|      g right:  ~ h² L''/2    slope 2 in log-log
//                                              g wrong:  ~ h |error|   slope 1
//
// Source: the Taylor remainder test of adjoint (backward) codes, as in Farrell, Ham, Funke, Rognes
// 2013.
#pragma once

#include <functional>
#include <string>
#include <vector>

namespace qkv::autograd {

// A line through the point: h -> L(x + h d), and what backward says is its slope at 0: <g, d>.
struct Direction {
  std::function<double(double h)> loss;
  double slope = 0;
};

struct TaylorFit {
  bool exact = true;  // a line, as far as rounding lets one see: nothing to fit, and right
  double slope = 0;   // unless exact: of log R against log h, at the smallest steps that show R
  std::vector<double> steps, remainders;  // the largest step first
  double floor = 0;                       // remainders below are rounding errors

  [[nodiscard]] bool agrees() const { return exact || slope >= 1.7; }  // false for NaN
  [[nodiscard]] std::string text() const;                              // "2.0", "exact", "nan"
};

// R is the root mean square over all directions, each taken both ways: where the h² and the h³ of
// one remainder cancel by chance, the others still show theirs. Steps are 10^-1, 10^-1.5 ... 10^-7;
// scale the directions accordingly. No directions: exact.
[[nodiscard]] TaylorFit taylor_fit(const std::vector<Direction>& directions);

}  // namespace qkv::autograd
