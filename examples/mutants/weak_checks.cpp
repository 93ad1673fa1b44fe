// The weak checks: one loop for all four, and what each does differently.
#include "examples/mutants/weak_checks.h"

#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::examples {

using autograd::Dtype;
using autograd::Function;
using autograd::random_cotangent;
using autograd::Tensor;
using autograd::Variable;

const std::vector<WeakCheck>& weak_checks() {
  static const std::vector<WeakCheck> checks = {
      // The shortest way to make a number of a tensor, and the usual one in tests of layers.
      {.column = ".sum()", .habit = "the loss is y.sum()", .sum_as_loss = true},
      // Where models are large, moving every parameter takes long.
      {.column = "one index", .habit = "one random element of each input", .one_element = true},
      // What a tolerance becomes that is raised until the test passes.
      {.column = "2e-2", .habit = "tolerance 1e-7 + 2e-2 |numeric|", .rtol = 2e-2},
      // Where there is no float64, eps must be large against rounding, and then the curvature is in
      // the way. 3e-1 is what the right functions need: at half of it some are refused.
      {.column = "float32",
       .habit = "float32, eps 1e-1, tolerance 3e-1 + 3e-1 |numeric|: less refuses right gradients",
       .dtype = Dtype::float32,
       .eps = 1e-1,
       .atol = 3e-1,
       .rtol = 3e-1},
  };
  return checks;
}

namespace {

double loss_at(const Function& function, const std::vector<Tensor>& inputs, const Tensor& r) {
  const autograd::NoGrad quiet;
  const Variable y = function({inputs.begin(), inputs.end()});
  return tensor::sum(tensor::mul(y.value(), r)).item();
}

void set(Tensor& x, int64_t element, double value) { x.view({}, {}, element).fill_(value); }

// (L(x + eps) - L(x - eps)) / (2 eps) for one element of one input
double numeric_slope(const Function& function, std::vector<Tensor>& inputs, Tensor& x,
                     int64_t element, double eps, const Tensor& r) {
  const double at = x.to_vector()[static_cast<size_t>(element)];
  set(x, element, at + eps);
  const double above = loss_at(function, inputs, r);
  set(x, element, at - eps);
  const double below = loss_at(function, inputs, r);
  set(x, element, at);
  return (above - below) / (2 * eps);
}

}  // namespace

double excess(const WeakCheck& check, const Function& function, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> x;
  std::vector<Variable> leaves;
  for (const Tensor& input : inputs) {
    x.push_back(input.to(check.dtype).clone());
    leaves.push_back(autograd::parameter(x.back().clone()));
  }
  lib::Generator generator(0);
  const Variable y = function(leaves);
  const Tensor r = check.sum_as_loss ? tensor::ones(y.shape(), check.dtype)
                                     : random_cotangent(y.shape(), generator, check.dtype);
  const std::vector<Variable> analytic = autograd::grad({y}, leaves, {Variable(r)});

  double worst = 0;
  for (size_t i = 0; i < x.size(); ++i) {
    const std::vector<double> slopes = analytic[i].value().to_vector();
    const int64_t begin = check.one_element ? generator.integer(0, x[i].numel()) : 0;
    const int64_t end = check.one_element ? begin + 1 : x[i].numel();
    for (int64_t e = begin; e < end; ++e) {
      const double numeric = numeric_slope(function, x, x[i], e, check.eps, r);
      const double error = std::abs(slopes[static_cast<size_t>(e)] - numeric);
      const double ratio = error / (check.atol + check.rtol * std::abs(numeric));
      worst = std::max(worst, ratio == ratio ? ratio : INFINITY);
    }
  }
  return worst;
}

}  // namespace qkv::examples
