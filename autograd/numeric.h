// What the gradient checks stand on: a function of many numbers, evaluated at inputs that can be
// moved one element at a time. For a scalar, the function's result is weighed with a tensor r:
//
//   L(x) = Σ f(x) · r        so dL/dx is what backward computes from the cotangent dy = r
//
// Next: grad_check.h, which moves every element by ±eps; taylor.h, which moves all of them at once.
#pragma once

#include <functional>
#include <vector>

#include "autograd/variable.h"

namespace qkv::autograd {

using Function = std::function<Variable(const std::vector<Variable>& inputs)>;

// A copy with the strides of t, so that a function given a view is checked on a view. Whatever lies
// between its elements is NaN: a function that reads there cannot go unnoticed. Where elements of t
// share a place (expand), none could be moved alone; the copy is row-major then.
[[nodiscard]] Tensor copy_with_layout(const Tensor& t);

// As text: element `place` in row-major order, "(1, 2)".
[[nodiscard]] std::string index_text(int64_t place, const Shape& shape);

class Point {
 public:
  // Inputs are copied, layout included: float64 or float32. REQUIRES: the function outlives this.
  Point(const Function& function, const std::vector<Tensor>& inputs);

  [[nodiscard]] const std::vector<Tensor>& inputs() const { return x_; }
  [[nodiscard]] double at(size_t input, int64_t place) const;  // `place` counts in row-major order
  void set(size_t input, int64_t place, double value);

  [[nodiscard]] Tensor value() const;                  // f(x), without a graph
  [[nodiscard]] double loss(const Tensor& r) const;    // Σ f(x) · r
  [[nodiscard]] std::vector<Variable> leaves() const;  // x as parameters, copied again

 private:
  const Function& function_;
  std::vector<Tensor> x_;
};

}  // namespace qkv::autograd
