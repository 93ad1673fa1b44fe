// For the files of the diagnosis: the case, and when two gradients count as equal. A pattern is a
// function of the case that returns a sentence, or nothing; diagnosis.cpp lists them.
#pragma once

#include <algorithm>
#include <cmath>
#include <string>

#include "autograd/diagnosis.h"

namespace qkv::autograd {

using Values = std::vector<double>;

// The gradient under suspicion, beside everything else that is known.
struct Case {
  const Evidence& all;
  size_t input;
  const Gradient& g;
};

inline double largest(const Values& values) {
  double size = 0;
  for (const double v : values) size = std::max(size, std::abs(v));
  return size;
}

// Equal but for the errors of central differences. NaN equals nothing.
inline bool close(double a, double b, double scale) {
  return std::abs(a - b) <= 1e-6 * scale + 1e-8;
}

inline bool equal(const Values& a, const Values& b) {
  const double scale = std::max(largest(a), largest(b));
  for (size_t i = 0; i < a.size(); ++i) {
    if (!close(a[i], b[i], scale)) return false;
  }
  return a.size() == b.size();
}

// Does the mistake explain the analytic gradient, and is it one: not also the right gradient?
inline bool explains(const Case& c, const Values& mistake) {
  return equal(c.g.analytic, mistake) && !equal(c.g.numeric, mistake);
}

// Patterns of diagnosis_factors.cpp: the gradient is right but for a factor.
[[nodiscard]] std::string constant_factor(const Case& c);
[[nodiscard]] std::string varying_factor(const Case& c);

}  // namespace qkv::autograd
