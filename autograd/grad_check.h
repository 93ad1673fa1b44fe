// grad_check: is the gradient that backward computes the slope of the function? Each element of
// each input is moved by ±eps, in float64, and the change of the result is compared with what
// backward says:
//
//   numeric = (L(x + eps) - L(x - eps)) / (2 eps),   L = Σ f(x) · r,  r random
#pragma once

#include <functional>
#include <string>
#include <vector>

#include "autograd/variable.h"

namespace qkv::autograd {

using Function = std::function<Variable(const std::vector<Variable>& inputs)>;

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

struct GradCheckReport {
  bool passed = true;
  int64_t elements = 0;  // how many were compared: all of them
  double worst_relative_error = 0;
  GradDifference worst;  // the one farthest outside its tolerance, or nearest to it
  std::string message;   // empty if passed; else what, where, and both values
};

// Checks every element of every float64 input of `function`. Throws std::invalid_argument if an
// input is not float64; an exception from the function passes through. `name` is used in the
// message.
[[nodiscard]] GradCheckReport grad_check(const std::string& name, const Function& function,
                                         const std::vector<Tensor>& inputs,
                                         const GradCheckOptions& options = {});

// The same for the gradient itself: x -> d(Σ f(x) · r)/dx, differentiated a second time.
[[nodiscard]] GradCheckReport grad_grad_check(const std::string& name, const Function& function,
                                              const std::vector<Tensor>& inputs,
                                              const GradCheckOptions& options = {});

}  // namespace qkv::autograd
