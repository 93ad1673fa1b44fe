// The comparator of the tests: how far two lists of numbers are from each other, as one number.
//
//   error = max_i |actual_i - expected_i| / max_i |expected_i|
//
// Used as CHECK(relative_error(y, truth) <= 1e-6). Whatever cannot be compared is infinitely far.
#pragma once

#include <algorithm>
#include <cmath>
#include <limits>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::tests {

// Infinity if the lengths differ or if any number of either list is NaN or infinite. A list of
// nothing but zeros has no scale of its own: the error is then absolute.
[[nodiscard]] inline double relative_error(const std::vector<double>& actual,
                                           const std::vector<double>& expected) {
  constexpr double kInfinity = std::numeric_limits<double>::infinity();
  if (actual.size() != expected.size()) return kInfinity;
  double scale = 0, error = 0;
  for (size_t i = 0; i < actual.size(); ++i) {
    if (!std::isfinite(actual[i]) || !std::isfinite(expected[i])) return kInfinity;
    scale = std::max(scale, std::fabs(expected[i]));
    error = std::max(error, std::fabs(actual[i] - expected[i]));
  }
  return scale > 0 ? error / scale : error;
}

// The same for tensors of any dtypes and strides; infinity if the shapes differ.
[[nodiscard]] inline double relative_error(const tensor::Tensor& actual,
                                           const tensor::Tensor& expected) {
  if (actual.shape() != expected.shape()) return std::numeric_limits<double>::infinity();
  return relative_error(actual.to_vector(), expected.to_vector());
}

// The message with which an operation refuses its arguments, to be compared with ==.
template <class Operation>
[[nodiscard]] std::string refusal(const Operation& operation) {
  try {
    operation();
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "not refused";
}

}  // namespace qkv::tests
