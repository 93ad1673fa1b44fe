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

// The larger one, or NaN if either is: std::max would lose it.
[[nodiscard]] inline double larger(double a, double b) { return b > a || b != b ? b : a; }

// The slopes on the two sides of an element, and their mean, the central difference.
struct Slopes {
  double below, above, central;
  [[nodiscard]] double gap() const { return above - below; }
  [[nodiscard]] double size() const;  // the larger of |below| and |above|
};

// Why the two slopes differ is told by a step h and a tenth of it. The gap between them is
//
//   smooth   h L'': a tenth of it is left     kink   the same at both steps, as in relu at 0
//   jump     J / h: it grows, to ten times    past   gone: the bend is farther away than h / 10
//            (at a cusp, sqrt |x|, to three)
enum class Bend { smooth, kink, past, jump };

// `rounding` is how large a gap rounding may leave at the larger step.
[[nodiscard]] Bend bend(const Slopes& far, const Slopes& near, double rounding);

// A cotangent for a gradient check: each |r| is between 1 and 2, so that a backward that clips dy
// to 1 is seen, and the signs are random. r has strides, with NaN between its elements: a backward
// that takes dy for row-major is seen as well. (A row-major one has no gaps: r of 0 or 1 elements.)
[[nodiscard]] Tensor random_cotangent(const Shape& shape, lib::Generator& generator,
                                      Dtype dtype = Dtype::float64);

// A copy with the strides of t, so that a function given a view is checked on a view. Whatever lies
// between its elements is NaN: a function that reads there cannot go unnoticed. Where elements of t
// share a place (expand), none could be moved alone; the copy is row-major then.
[[nodiscard]] Tensor copy_with_layout(const Tensor& t);

// As text: element `place` in row-major order, "(1, 2)".
[[nodiscard]] std::string index_text(int64_t place, const Shape& shape);

// Backward belongs to the value that was recorded, numeric slopes to the one without a graph. A
// sentence where they differ by more than rounding; empty if they do not.
[[nodiscard]] std::string value_difference(const Tensor& recorded, const Tensor& quiet);

class Point {
 public:
  // Inputs are copied, layout included: float64 or float32. REQUIRES: the function outlives this.
  Point(const Function& function, const std::vector<Tensor>& inputs);

  [[nodiscard]] const std::vector<Tensor>& inputs() const { return x_; }
  [[nodiscard]] double at(size_t input, int64_t place) const;  // `place` counts in row-major order
  void set(size_t input, int64_t place, double value);

  // Of L, at steps h to either side of one element; `here` is f(x). Results are subtracted before
  // they are summed, so that large ones that do not change leave no rounding errors. Divided by the
  // steps really taken: x + h is rounded, and at x = 1e5 with h = 1e-6 that moves a slope by 1e-5.
  [[nodiscard]] Slopes slopes(size_t input, int64_t place, double h, const Tensor& r,
                              const Tensor& here);

  [[nodiscard]] Tensor value() const;                  // f(x), without a graph; a copy
  [[nodiscard]] double loss(const Tensor& r) const;    // Σ f(x) · r
  [[nodiscard]] std::vector<Variable> leaves() const;  // x as parameters, copied again

 private:
  const Function& function_;
  std::vector<Tensor> x_;
};

}  // namespace qkv::autograd
