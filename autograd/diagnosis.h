// What may be wrong with a gradient: the mistakes that people make in a backward leave traces in
// its numbers. Each known pattern is tried against the whole gradient of an input, and the first
// that explains it is said in one sentence.
//
//   numeric  [0.2 -0.4  0.6]        analytic [0.4 -0.8  1.2]      "constant factor 2: ..."
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::autograd {

// One input and its gradients, all in row-major order.
struct Gradient {
  tensor::Shape shape;
  std::vector<double> x, analytic, numeric;

  // slopes[e * outputs + o] = ∂f_o/∂x_e by central differences: which element of the result the
  // gradient comes from. May be empty; then the patterns that need it are not tried.
  std::vector<double> slopes;
};

// What is known about a checked function: y = f(inputs), numeric = Σ_o slopes[o] r_o.
struct Evidence {
  std::vector<Gradient> inputs;
  tensor::Shape output;
  std::vector<double> y, r;
};

// One plain sentence about the analytic gradient of evidence.inputs[input]; empty if it is right;
// "no known pattern: ..." if nothing explains it.
[[nodiscard]] std::string diagnose(const Evidence& evidence, size_t input);

}  // namespace qkv::autograd
