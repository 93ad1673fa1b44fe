// Functions of one number. For each, dx = f'(x) dy; where f' is easily said in terms of the result
// y, the result is used, which the engine hands over as the second argument. tanh, sigmoid and relu
// have two backwards: by operations if recording() is on (create_graph), else in one pass.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"

namespace qkv::autograd {

// ---- exp ----------------------------------------------------------------------------------------
//
//   forward    y = exp(x)
//   backward   dx = dy y
Variable exp(const Variable& x) {
  return record("exp", {x}, tensor::exp(x.value()),
                [](const Variable& dy, const Variable& y) -> Grads { return {dy * y}; });
}

// ---- log ----------------------------------------------------------------------------------------
//
//   forward    y = ln x
//   backward   dx = dy / x
Variable log(const Variable& x) {
  return record("log", {x}, tensor::log(x.value()),
                [x = Saved(x)](const Variable& dy) -> Grads { return {dy / x}; });
}

// ---- sqrt ---------------------------------------------------------------------------------------
//
//   forward    y = √x
//   backward   dx = dy / (2 y)
Variable sqrt(const Variable& x) {
  return record("sqrt", {x}, tensor::sqrt(x.value()),
                [](const Variable& dy, const Variable& y) -> Grads { return {dy / (y * 2.0)}; });
}

// ---- pow ----------------------------------------------------------------------------------------
//
//   forward    y = x^c                             c is a number, it has no gradient
//   backward   dx = dy c x^(c-1)
//
// x^0 is 1 also at x = 0, so its slope is 0 there, and not 0 times the infinite 0^-1.
Variable pow(const Variable& x, double exponent) {
  return record("pow", {x}, tensor::pow(x.value(), exponent),
                [x = Saved(x), exponent](const Variable& dy) -> Grads {
                  if (exponent == 0) return {masked_fill(dy, tensor::ones({}, Dtype::boolean), 0)};
                  return {dy * (pow(x, exponent - 1) * exponent)};
                });
}

// ---- tanh ---------------------------------------------------------------------------------------
//
//   forward    y = tanh x
//   backward   dx = dy (1 - y²)
Variable tanh(const Variable& x) {
  return record("tanh", {x}, tensor::tanh(x.value()),
                [](const Variable& dy, const Variable& y) -> Grads {
                  if (!recording()) return {tensor::tanh_backward(y.value(), dy.value())};
                  return {dy - dy * y * y};
                });
}

// ---- sigmoid ------------------------------------------------------------------------------------
//
//   forward    y = 1 / (1 + exp(-x))
//   backward   dx = dy y (1 - y)
Variable sigmoid(const Variable& x) {
  return record("sigmoid", {x}, tensor::sigmoid(x.value()),
                [](const Variable& dy, const Variable& y) -> Grads {
                  if (!recording()) return {tensor::sigmoid_backward(y.value(), dy.value())};
                  const Variable weighted = dy * y;
                  return {weighted - weighted * y};
                });
}

// ---- relu ---------------------------------------------------------------------------------------
//
//   forward    y = max(x, 0)
//   backward   dx = dy where y > 0, else 0          at the kink x = 0 we take 0
Variable relu(const Variable& x) {
  return record("relu", {x}, tensor::relu(x.value()),
                [](const Variable& dy, const Variable& y) -> Grads {
                  if (!recording()) return {tensor::relu_backward(y.value(), dy.value())};
                  const Tensor zero = tensor::scalar(0, y.dtype());
                  return {where(tensor::greater(y.value(), zero), dy, zero)};
                });
}

// ---- erf ----------------------------------------------------------------------------------------
//
//   forward    y = 2/√π ∫₀ˣ exp(-t²) dt
//   backward   dx = dy 2/√π exp(-x²)
Variable erf(const Variable& x) {
  constexpr double kTwoOverRootPi = 1.12837916709551257390;
  return record("erf", {x}, tensor::erf(x.value()), [x = Saved(x)](const Variable& dy) -> Grads {
    return {dy * exp(-(x.get() * x)) * kTwoOverRootPi};
  });
}

// ---- gelu (fused) -------------------------------------------------------------------------------
//
//   forward    y = x Φ(x),   Φ(x) = (1 + erf(x / √2)) / 2
//   backward   dx = dy (Φ(x) + x φ(x)),   φ(x) = exp(-x²/2) / √(2π), the derivative of Φ
Variable gelu(const Variable& x) {
  const auto definition = [](const std::vector<Variable>& in) {
    constexpr double kRootHalf = 0.70710678118654752440;
    return in[0] * (erf(in[0] * kRootHalf) + 1.0) * 0.5;
  };
  if (using_definitions()) return definition({x});
  return record_fused(
      "gelu", {x}, tensor::gelu(x.value()),
      [x = x.value()](const Tensor& dy) -> std::vector<Tensor> {
        return {tensor::gelu_backward(x, dy)};
      },
      definition);
}

// ---- gelu_tanh (fused) --------------------------------------------------------------------------
//
//   forward    y = x (1 + tanh u) / 2,   u = √(2/π) (x + 0.044715 x³):  close to gelu
//   backward   dx = dy ((1 + tanh u) / 2 + x (1 - tanh² u) u' / 2),   u' = √(2/π) (1 + 0.134145 x²)
Variable gelu_tanh(const Variable& x) {
  const auto definition = [](const std::vector<Variable>& in) {
    constexpr double kRootTwoOverPi = 0.79788456080286535588;
    const Variable& v = in[0];
    const Variable u = (v + v * v * v * 0.044715) * kRootTwoOverPi;
    return v * (tanh(u) + 1.0) * 0.5;
  };
  if (using_definitions()) return definition({x});
  return record_fused(
      "gelu_tanh", {x}, tensor::gelu_tanh(x.value()),
      [x = x.value()](const Tensor& dy) -> std::vector<Tensor> {
        return {tensor::gelu_tanh_backward(x, dy)};
      },
      definition);
}

// ---- silu ---------------------------------------------------------------------------------------
//
//   forward    y = x s,   s = 1 / (1 + exp(-x))
//   backward   dx = dy (s + x s (1 - s)) = dy s (1 + x - x s)          since s' = s (1 - s)
Variable silu(const Variable& x) {
  return record("silu", {x}, tensor::silu(x.value()), [x = Saved(x)](const Variable& dy) -> Grads {
    const Variable s = sigmoid(x);
    return {dy * s * (x.get() - x.get() * s + 1.0)};
  });
}

}  // namespace qkv::autograd
