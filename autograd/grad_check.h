// grad_check: is the gradient that backward computes the slope of the function? Each element of
// each input is moved by ±eps, in float64, and the change of the result is compared with what
// backward says; and a check says what it has found. Two opinions have to agree:
//
//   numeric = (L(x + eps) - L(x - eps)) / (2 eps),   L = Σ f(x) · r,  r random
//   taylor  = the power of h with which L(x + h d) - L(x) - h <gradient, d> vanishes: 2, not 1
//
// Next: numeric.h, where the slopes come from.
#pragma once

#include <string>

#include "autograd/numeric.h"
#include "autograd/taylor.h"

namespace qkv::autograd {

// r is random because with L = Σ f(x) wrong gradients pass: Σ softmax(x) is 1 whatever x is.
struct GradCheckOptions {
  double eps = 1e-6;   // small against the inputs, large against rounding (2e-16 / eps)
  double atol = 1e-7;  // passes if |analytic - numeric| <= atol + rtol |numeric|
  double rtol = 1e-6;
  uint64_t seed = 0;  // of the random cotangents
};

// One compared element.
struct GradDifference {
  int input = -1;     // which input
  std::string index;  // where in it, as "(1, 2)"
  double analytic = 0, numeric = 0;
  [[nodiscard]] double absolute_error() const;
  [[nodiscard]] double relative_error() const;  // |a - n| / max(|a|, |n|, 1e-3)
};

// An element where the function bends within eps, as relu does at 0: it has two slopes, and central
// differences give a mixture. Backward may take either, or one between them; all else is wrong.
//
//   relu      /       below 0, above 1          floor    .--   a jump: no slope is right, and
//        ____/                                        --'      the element cannot be checked
struct Kink {
  int input = -1;
  std::string index;
  double analytic = 0, below = 0, above = 0;
  [[nodiscard]] std::string text() const;       // one sentence
  [[nodiscard]] std::string jump_text() const;  // the same, where the function jumps
};

struct GradCheckReport {
  bool passed = true;
  int64_t elements = 0;  // how many were compared: all but the kinks and jumps
  double worst_relative_error = 0;
  GradDifference worst;  // the one farthest outside its tolerance, or nearest to it
  std::string message;   // empty if passed; else several lines: what, where, both values, and why

  int64_t wrong_elements = 0;
  std::vector<GradDifference> worst_elements;  // up to five that are wrong, the worst first
  std::vector<std::string> diagnoses;          // "input 0: ...", of each input that is wrong
  std::vector<Kink> kinks;                     // all of them
  std::vector<Kink> jumps;                     // slopes at eps / 10, which grow as eps falls
  std::vector<std::string> too_steep;          // wrong places where the error falls like eps²
  TaylorFit taylor;
};

// Checks every element of every input of `function`, whatever their number and layout: an input
// that is a view is checked as a view, and the cotangent is one. An element that is wrong at eps is
// judged once more at eps / 10. Fails if an element is wrong, if the Taylor slope says so, if the
// function jumps within eps, if an input has nothing but kinks (nothing was compared there), or if
// the value is another one each time, or another one while a graph is recorded. Throws
// std::invalid_argument if an input is not float64; an exception from the function passes through.
// `name` is used in the message.
//
// What it cannot tell:
//   - a gradient far below atol from zeros: 1e-13 counts as exact, for the Taylor slope as well;
//   - a tie from a kink: inputs are judged one at a time, so that a maximum that gives the whole of
//     dy to both of two equal inputs is excused at each;
//   - a right gradient from rounding, if f(x) is large: it is known to 1.1e-16 |f|, and that error
//     is divided by eps. x + 1e6 fails. Choose inputs and results of about 1.
[[nodiscard]] GradCheckReport grad_check(const std::string& name, const Function& function,
                                         const std::vector<Tensor>& inputs,
                                         const GradCheckOptions& options = {});

// The same for the gradient itself: (x, r) -> d(Σ f(x) · r)/dx, differentiated a second time. The
// last input of the report is r. Differences of gradients want a larger eps, 1e-5 for instance.
[[nodiscard]] GradCheckReport grad_grad_check(const std::string& name, const Function& function,
                                              const std::vector<Tensor>& inputs,
                                              const GradCheckOptions& options = {});

}  // namespace qkv::autograd
