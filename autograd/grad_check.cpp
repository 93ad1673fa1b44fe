// Central differences against backward, element by element.
#include "autograd/grad_check.h"

#include <algorithm>
#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::autograd {
namespace {

constexpr uint64_t kCotangentStream = 0xc07a;

// L = Σ f(x) · r as a number.
double loss_at(const Function& function, const std::vector<Tensor>& inputs, const Tensor& r) {
  const NoGrad quiet;
  const Variable y = function({inputs.begin(), inputs.end()});
  return tensor::sum(tensor::mul(y.value(), r)).item();
}

std::string index_text(int64_t place, const Shape& shape) {
  Shape index = shape;
  for (int axis = shape.rank() - 1; axis >= 0; --axis) {
    index[axis] = place % shape[axis];
    place /= shape[axis];
  }
  return index.str();
}

// How far outside its tolerance: above 1 means failed. NaN counts as infinitely far.
double excess(const GradDifference& d, const GradCheckOptions& options) {
  const double ratio = d.absolute_error() / (options.atol + options.rtol * std::abs(d.numeric));
  return ratio == ratio ? ratio : INFINITY;
}

std::string describe(const std::string& name, const GradDifference& d,
                     const GradCheckOptions& options) {
  return lib::str(name, ": input ", d.input, " at ", d.index, ": analytic ", d.analytic,
                  ", numeric ", d.numeric, ", absolute error ", d.absolute_error(),
                  ", relative error ", d.relative_error(), "; allowed ", options.atol, " + ",
                  options.rtol, " |numeric|");
}

std::vector<Tensor> own_copies(const std::string& name, const std::vector<Tensor>& inputs) {
  std::vector<Tensor> copies;
  for (const Tensor& input : inputs) {
    if (input.dtype() != Dtype::float64) {
      lib::fail("grad_check: ", name, ": inputs must be float64, got ", input.dtype());
    }
    copies.push_back(input.clone());
  }
  return copies;
}

std::vector<Variable> as_parameters(const std::vector<Tensor>& inputs) {
  std::vector<Variable> leaves;
  for (const Tensor& input : inputs) leaves.push_back(parameter(input.clone()));
  return leaves;
}

}  // namespace

double GradDifference::absolute_error() const { return std::abs(analytic - numeric); }

double GradDifference::relative_error() const {
  return absolute_error() / std::max({std::abs(analytic), std::abs(numeric), 1e-3});
}

GradCheckReport grad_check(const std::string& name, const Function& function,
                           const std::vector<Tensor>& inputs, const GradCheckOptions& options) {
  std::vector<Tensor> x = own_copies(name, inputs);
  const std::vector<Variable> leaves = as_parameters(inputs);
  const Variable y = function(leaves);
  lib::Generator generator(options.seed, kCotangentStream);
  const Tensor r = tensor::uniform(y.shape(), -1, 1, generator, Dtype::float64);
  const std::vector<Variable> analytic = grad({y}, leaves, {Variable(r)});

  GradCheckReport report;
  double worst_excess = -1;
  for (size_t i = 0; i < x.size(); ++i) {
    const std::vector<double> slopes = analytic[i].value().to_vector();
    for (int64_t e = 0; e < x[i].numel(); ++e) {
      double& element = x[i].mutable_data<double>()[e];
      const double at = element;
      element = at + options.eps;
      const double above = loss_at(function, x, r);
      element = at - options.eps;
      const double below = loss_at(function, x, r);
      element = at;
      const GradDifference d{.input = static_cast<int>(i),
                             .index = index_text(e, x[i].shape()),
                             .analytic = slopes[static_cast<size_t>(e)],
                             .numeric = (above - below) / (2 * options.eps)};
      report.elements += 1;
      report.worst_relative_error = std::max(report.worst_relative_error, d.relative_error());
      if (const double far = excess(d, options); far > worst_excess) {
        worst_excess = far;
        report.worst = d;
      }
    }
  }
  report.passed = worst_excess <= 1;
  if (!report.passed) report.message = describe(name, report.worst, options);
  return report;
}

// The function checked is (x, r) -> dx. The cotangent r is an input as well: the gradient of a
// linear operation does not depend on x, but it does on r.
GradCheckReport grad_grad_check(const std::string& name, const Function& function,
                                const std::vector<Tensor>& inputs,
                                const GradCheckOptions& options) {
  const Function gradient = [&](const std::vector<Variable>& in) {
    const bool differentiable = recording();  // off while grad_check evaluates the moved inputs;
    const SetRecording on(true);              // a gradient needs a graph even then
    std::vector<Variable> leaves;
    for (const Variable& v : in) leaves.push_back(v.requires_grad() ? v : parameter(v.value()));
    const Variable r = leaves.back();
    leaves.pop_back();
    std::vector<Variable> flat;
    for (const Variable& dx : grad({function(leaves)}, leaves, {r},
                                   {.retain_graph = false, .create_graph = differentiable})) {
      flat.push_back(reshape(dx, {dx.numel()}));
    }
    return concat(flat, 0);
  };
  std::vector<Tensor> x_and_r = inputs;
  lib::Generator generator(options.seed + 1, kCotangentStream);
  const Shape shape = function({inputs.begin(), inputs.end()}).shape();
  x_and_r.push_back(tensor::uniform(shape, -1, 1, generator, Dtype::float64));
  return grad_check(name + " (second order)", gradient, x_and_r, options);
}

}  // namespace qkv::autograd
