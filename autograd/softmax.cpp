// Softmax and its relatives. The Jacobian first, then what is left of it.
#include "tensor/softmax.h"

#include "autograd/node.h"
#include "autograd/ops.h"

namespace qkv::autograd {
namespace {

// dx = y (dy - Σ_j dy_j y_j), from y_i = exp(x_i) / Σ exp(x_j):
//
//   ∂y_i/∂x_j = y_i (δ_ij - y_j)                       the Jacobian, n x n
//   dx_j = Σ_i dy_i y_i (δ_ij - y_j) = y_j (dy_j - Σ_i dy_i y_i)
Variable through_softmax(const Variable& dy, const Variable& y, int axis) {
  return y * (dy - sum(dy * y, {axis}, true));
}

}  // namespace

// ---- softmax ------------------------------------------------------------------------------------
//
//   forward    y_i = exp(x_i) / Σ_j exp(x_j)
//   backward   dx = y (dy - Σ_j dy_j y_j)
//
// A constant dy gives dx = 0: y sums to 1 whatever x is.
Variable softmax(const Variable& x, int axis) {
  return record("softmax", {x}, tensor::softmax(x.value(), axis),
                [axis](const Variable& dy, const Variable& y) -> Grads {
                  return {through_softmax(dy, y, axis)};
                });
}

// ---- masked_softmax -----------------------------------------------------------------------------
//
//   forward    y = softmax over the allowed elements, 0 elsewhere; a row with none allowed is 0
//   backward   as softmax: where y is 0, dx is exactly 0
Variable masked_softmax(const Variable& x, const Tensor& mask) {
  return record(
      "masked_softmax", {x}, tensor::masked_softmax(x.value(), mask),
      [](const Variable& dy, const Variable& y) -> Grads { return {through_softmax(dy, y, -1)}; });
}

// ---- log_softmax --------------------------------------------------------------------------------
//
//   forward    y_i = x_i - log Σ_j exp(x_j)
//   backward   ∂y_i/∂x_j = δ_ij - softmax_j,  so  dx = dy - exp(y) Σ_i dy_i
Variable log_softmax(const Variable& x, int axis) {
  return record("log_softmax", {x}, tensor::log_softmax(x.value(), axis),
                [axis](const Variable& dy, const Variable& y) -> Grads {
                  return {dy - exp(y) * sum(dy, {axis}, true)};
                });
}

}  // namespace qkv::autograd
