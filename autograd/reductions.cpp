// Sums and their opposite, expand: each is the other's adjoint. What was added up gets the sum's
// gradient in every place; what was repeated collects the gradients of its copies.
#include "tensor/reduce.h"

#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::autograd {
namespace {

// The shape of sum(x, axes, keepdim = true): what dy must have to broadcast back to x.
Shape kept_shape(const Shape& shape, const std::vector<int>& axes) {
  Shape kept = shape;
  for (int axis = 0; axes.empty() && axis < kept.rank(); ++axis) kept[axis] = 1;
  for (const int axis : axes) kept[tensor::normalize_axis("sum", axis, kept.rank())] = 1;
  return kept;
}

}  // namespace

// ---- sum ----------------------------------------------------------------------------------------
//
//   forward    y = Σ x over the axes
//   backward   dx = dy, repeated along them
Variable sum(const Variable& x, const std::vector<int>& axes, bool keepdim) {
  return record("sum", {x}, tensor::sum(x.value(), axes, keepdim),
                [shape = x.shape(), axes](const Variable& dy) -> Grads {
                  return {expand(reshape(dy, kept_shape(shape, axes)), shape)};
                });
}

// ---- mean ---------------------------------------------------------------------------------------
//
//   forward    y = (Σ x) / n
//   backward   dx = dy / n, repeated
Variable mean(const Variable& x, const std::vector<int>& axes, bool keepdim) {
  const Tensor y = tensor::mean(x.value(), axes, keepdim);
  return record(
      "mean", {x}, y, [shape = x.shape(), axes, results = y.numel()](const Variable& dy) -> Grads {
        const double n =
            static_cast<double>(shape.numel()) / static_cast<double>(std::max<int64_t>(results, 1));
        return {expand(reshape(dy / n, kept_shape(shape, axes)), shape)};
      });
}

// ---- max ----------------------------------------------------------------------------------------
//
//   forward    y = x[m],  m = argmax x along the axis
//   backward   dx = dy at m, 0 elsewhere            of several equal maxima, the first gets it
Variable max(const Variable& x, int axis, bool keepdim) {
  axis = tensor::normalize_axis("max", axis, x.rank());
  const Tensor y = tensor::max(x.value(), axis, keepdim);
  const Tensor winners = tensor::argmax(x.value(), axis, true);
  const int64_t size = x.shape()[axis];
  return record("max", {x}, y, [winners = Saved(winners), axis, size](const Variable& dy) -> Grads {
    return {scatter_add(reshape(dy, winners.shape()), axis, winners.value(), size)};
  });
}

// ---- expand, reduce_to --------------------------------------------------------------------------
//
//   forward    y = x repeated to a larger shape        y = x summed back to a smaller one
//   backward   dx = dy summed back                     dx = dy repeated
Variable expand(Variable x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return record("expand", {x}, tensor::expand(x.value(), shape),
                [from = x.shape()](const Variable& dy) -> Grads { return {reduce_to(dy, from)}; });
}

Variable reduce_to(Variable x, const Shape& shape) {
  if (x.shape() == shape) return x;
  return record("reduce_to", {x}, tensor::reduce_to(x.value(), shape),
                [from = x.shape()](const Variable& dy) -> Grads { return {expand(dy, from)}; });
}

}  // namespace qkv::autograd
