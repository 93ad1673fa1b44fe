// Softmax and its relatives, fused: the definitions by simple operations are the text, the kernels
// behind tensor/softmax.h compute the same in one go. The Jacobian first (∂ instead of d: only x_j
// moves), then what is left of it:
//
//   y_i = exp(x_i) / Σ_j exp(x_j)     ∂y_i/∂x_j = y_i (δ_ij - y_j)                 n x n
//   dx_j = Σ_i dy_i y_i (δ_ij - y_j) = y_j (dy_j - Σ_i dy_i y_i)                   n
#include "tensor/softmax.h"

#include <limits>

#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::autograd {
namespace {

constexpr double kInfinity = std::numeric_limits<double>::infinity();

// The maximum along an axis that is kept; an axis without elements has 0.
Tensor max_or_zero(const Tensor& x, int axis) {
  return x.numel() > 0 ? tensor::max(x, axis, true) : tensor::sum(x, {axis}, true);
}

// The shift by the maximum cancels, so it counts as a constant.
Variable shifted_by_max(const Variable& x, int axis) {
  return x - Variable(max_or_zero(x.value(), axis));
}

Variable softmax_definition(const Variable& x, int axis) {
  const Variable e = exp(shifted_by_max(x, axis));
  return e / sum(e, {axis}, true);
}

// A row with nothing allowed has only zeros to divide: by 1, then.
Variable masked_softmax_definition(const Variable& x, const Tensor& mask) {
  const Variable hidden = masked_fill(x, tensor::logical_not(mask), -kInfinity);
  const Tensor m = max_or_zero(hidden.value(), -1), nothing = tensor::scalar(-kInfinity, x.dtype());
  const Variable e = exp(hidden - Variable(tensor::masked_fill(m, tensor::equal(m, nothing), 0)));
  const Variable total = sum(e, {-1}, true);
  const Tensor empty = tensor::equal(total.value(), tensor::scalar(0, x.dtype()));
  return e / (total + Variable(empty.to(x.dtype())));
}

Variable log_softmax_definition(const Variable& x, int axis) {
  const Variable shifted = shifted_by_max(x, axis);
  return shifted - log(sum(exp(shifted), {axis}, true));
}

using Slope = Tensor (*)(const Tensor& dy, const Tensor& y, int axis);

// The result y is all that the slopes need; it is saved.
template <class Define>
Variable record_along_axis(const char* op, const Variable& x, const Tensor& y, Slope slope,
                           int axis, const Define& definition) {
  const auto backward = [slope, axis, saved = Saved(y)](const Tensor& dy) -> std::vector<Tensor> {
    return {slope(dy, saved.value(), axis)};
  };
  return record_fused(op, {x}, y, backward, definition);
}

}  // namespace

// ---- softmax (fused) ----------------------------------------------------------------------------
//
//   forward    y_i = exp(x_i) / Σ_j exp(x_j)
//   backward   dx = y (dy - Σ_j dy_j y_j)
//
// A constant dy gives dx = 0: y sums to 1 whatever x is.
Variable softmax(const Variable& x, int axis) {
  const auto definition = [axis](const auto& in) { return softmax_definition(in[0], axis); };
  const Tensor y = tensor::softmax(x.value(), axis);
  if (using_definitions()) return definition(std::vector<Variable>{x});
  return record_along_axis("softmax", x, y, tensor::softmax_backward, axis, definition);
}

// ---- masked_softmax (fused) ---------------------------------------------------------------------
//
//   forward    y = softmax over the allowed elements, 0 elsewhere; a row with none allowed is 0
//   backward   as softmax: where y is 0, dx is exactly 0
Variable masked_softmax(const Variable& x, const Tensor& mask) {
  const auto definition = [mask = Saved(mask)](const auto& in) {
    return masked_softmax_definition(in[0], mask.value());
  };
  const Tensor y = tensor::masked_softmax(x.value(), mask);
  if (using_definitions()) return definition(std::vector<Variable>{x});
  return record_along_axis("masked_softmax", x, y, tensor::softmax_backward, -1, definition);
}

// ---- log_softmax (fused) ------------------------------------------------------------------------
//
//   forward    y_i = x_i - log Σ_j exp(x_j)
//   backward   ∂y_i/∂x_j = δ_ij - softmax_j,  so  dx = dy - exp(y) Σ_i dy_i
Variable log_softmax(const Variable& x, int axis) {
  const auto definition = [axis](const auto& in) { return log_softmax_definition(in[0], axis); };
  const Tensor y = tensor::log_softmax(x.value(), axis);
  if (using_definitions()) return definition(std::vector<Variable>{x});
  return record_along_axis("log_softmax", x, y, tensor::log_softmax_backward, axis, definition);
}

// ---- logsumexp ----------------------------------------------------------------------------------
//
//   forward    y = log Σ_j exp(x_j)
//   backward   dx_j = dy exp(x_j) / Σ_i exp(x_i) = dy exp(x_j - y)      softmax, times dy
//
// In a row of nothing but -inf each exp is 0, and so is its gradient: there y = -inf counts as 0.
Variable logsumexp(const Variable& x, int axis, bool keepdim) {
  axis = tensor::normalize_axis("logsumexp", axis, x.rank());
  return record("logsumexp", {x}, tensor::logsumexp(x.value(), axis, keepdim),
                [x = Saved(x), axis](const Variable& dy, const Variable& y) -> Grads {
                  Shape row = x.shape();  // (..., n, ...), then (..., 1, ...)
                  row[axis] = 1;
                  const Tensor nothing = tensor::scalar(-kInfinity, y.dtype());
                  const Variable finite = masked_fill(y, tensor::equal(y.value(), nothing), 0);
                  return {reshape(dy, row) * exp(x.get() - reshape(finite, row))};
                });
}

}  // namespace qkv::autograd
