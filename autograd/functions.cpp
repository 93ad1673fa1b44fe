// Functions of one number. For each, dx = f'(x) dy; where f' is easily said in terms of the result
// y, the result is used, which the engine hands over as the second argument.
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

// ---- tanh ---------------------------------------------------------------------------------------
//
//   forward    y = tanh x
//   backward   dx = dy (1 - y²)
Variable tanh(const Variable& x) {
  return record("tanh", {x}, tensor::tanh(x.value()),
                [](const Variable& dy, const Variable& y) -> Grads { return {dy - dy * y * y}; });
}

// ---- sigmoid ------------------------------------------------------------------------------------
//
//   forward    y = 1 / (1 + exp(-x))
//   backward   dx = dy y (1 - y)
Variable sigmoid(const Variable& x) {
  return record("sigmoid", {x}, tensor::sigmoid(x.value()),
                [](const Variable& dy, const Variable& y) -> Grads {
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
                [](const Variable& dy, const Variable& y) -> Grads { return {gate(dy, y)}; });
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
        return {tensor::mul(dy, tensor::gelu_slope(x))};
      },
      definition);
}

}  // namespace qkv::autograd
