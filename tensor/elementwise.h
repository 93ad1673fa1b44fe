// One number in, one number out, at every position; operands of two broadcast. Floating results
// have their operands' dtype. Every function throws std::invalid_argument, naming itself and the
// shapes, if shapes do not broadcast, if dtypes differ, or if a dtype does not fit (exp of an
// int64).
#pragma once

#include "tensor/tensor.h"

namespace qkv::tensor {

// ---- arithmetic: float32, float64 and int64 -----------------------------------------------------
[[nodiscard]] Tensor add(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor sub(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor mul(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor div(const Tensor& a, const Tensor& b);      // floating only
[[nodiscard]] Tensor maximum(const Tensor& a, const Tensor& b);  // NaN if either is NaN

// a += b in place, floating, a row-major; b broadcasts to a's shape.
void add_(Tensor& a, const Tensor& b);

[[nodiscard]] Tensor add(const Tensor& a, double b);  // the number takes the tensor's dtype
[[nodiscard]] Tensor mul(const Tensor& a, double b);

// ---- floating functions -------------------------------------------------------------------------
[[nodiscard]] Tensor neg(const Tensor& x);
[[nodiscard]] Tensor abs(const Tensor& x);
[[nodiscard]] Tensor exp(const Tensor& x);
[[nodiscard]] Tensor log(const Tensor& x);
[[nodiscard]] Tensor sqrt(const Tensor& x);
[[nodiscard]] Tensor tanh(const Tensor& x);
[[nodiscard]] Tensor sigmoid(const Tensor& x);  // 1 / (1 + exp(-x))
[[nodiscard]] Tensor erf(const Tensor& x);
[[nodiscard]] Tensor relu(const Tensor& x);  // max(x, 0)
[[nodiscard]] Tensor gelu(const Tensor& x);  // x Φ(x), Φ the normal distribution function
[[nodiscard]] Tensor silu(const Tensor& x);  // x / (1 + exp(-x)), also called swish

// x^exponent. Whole exponents up to 1024 are products; for others a negative x gives NaN, and
// float32 computes exp(exponent ln x), which is as exact as |exponent ln x| is small.
[[nodiscard]] Tensor pow(const Tensor& x, double exponent);

// x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2, which is close to gelu.
[[nodiscard]] Tensor gelu_tanh(const Tensor& x);

// dx = f'(x) dy in one pass, from the result y or from x. Both operands have one shape.
[[nodiscard]] Tensor tanh_backward(const Tensor& y, const Tensor& dy);     // dy (1 - y²)
[[nodiscard]] Tensor sigmoid_backward(const Tensor& y, const Tensor& dy);  // dy y (1 - y)
[[nodiscard]] Tensor relu_backward(const Tensor& y, const Tensor& dy);     // dy where y > 0, else 0
[[nodiscard]] Tensor gelu_backward(const Tensor& x, const Tensor& dy);
[[nodiscard]] Tensor gelu_tanh_backward(const Tensor& x, const Tensor& dy);

// ---- comparison: bool results -------------------------------------------------------------------
[[nodiscard]] Tensor equal(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor less(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor less_equal(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor greater(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor is_finite(const Tensor& x);

// ---- masks: bool operands -----------------------------------------------------------------------
[[nodiscard]] Tensor logical_and(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor logical_or(const Tensor& a, const Tensor& b);
[[nodiscard]] Tensor logical_not(const Tensor& a);

// a where the condition (bool) holds, b elsewhere; all three broadcast.
[[nodiscard]] Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b);

// x with `value` where the mask (bool, broadcast to x) is true.
[[nodiscard]] Tensor masked_fill(const Tensor& x, const Tensor& mask, double value);

}  // namespace qkv::tensor
