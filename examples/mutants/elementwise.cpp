// Mutants of arithmetic and of functions of one number: the slope is wrong, or it is right and not
// multiplied by dy, or the copies that broadcasting made are not added up.
#include "tensor/elementwise.h"
#include "examples/mutants/breeding.h"

namespace qkv::examples {
namespace {

constexpr double kRootHalf = 0.70710678118654752440;       // √(1/2)
constexpr double kRootTwoOverPi = 0.79788456080286535588;  // √(2/π)

// Pairs that differ by at least 0.2: the kink of maximum is where they are equal.
std::vector<Tensor> far_pairs(lib::Generator& generator) {
  const Tensor a = normals({{3, 4}})(generator)[0];
  const Tensor distance = autograd::away_from_zero({3, 4})(generator)[0];
  return {a, tensor::add(a, tensor::mul(distance, 2))};
}

Tensor larger(In in) { return tensor::greater(in[0].value(), in[1].value()); }

}  // namespace

void arithmetic_mutants(Mutants& all) {
  all.family = "arithmetic";
  const auto bias = all.of("add", normals({{2, 3}, {3}}), [](In in) { return in[0] + in[1]; });
  bias("a broadcast operand gets the last row of dy", [](In, Var dy, Var) -> Grads {
    return {dy, reshape(slice(dy, 0, 1, 2), {3})};
  });
  const auto twice = all.of("add", normals({{2, 3}}), [](In in) { return in[0] + in[0]; });
  twice("x + x counts one use of x", [](In, Var dy, Var) -> Grads { return {dy}; });

  const auto sub_row =
      all.of("sub", normals({{2, 3}, {2, 3}}), [](In in) { return in[0] - in[1]; });
  sub_row("forgets the sign of db", [](In, Var dy, Var) -> Grads { return {dy, dy}; });

  const auto mul_row = all.of("mul", normals({{2, 3}, {3}}), [](In in) { return in[0] * in[1]; });
  mul_row("averages over a broadcast axis", [](In in, Var dy, Var) -> Grads {
    return {dy * in[1], mean(dy * in[0], {0})};
  });
  const auto both = all.of("mul", normals({{2, 3}, {2, 3}}), [](In in) { return in[0] * in[1]; });
  both("each factor is its own slope", [](In in, Var dy, Var) -> Grads {
    return {dy * in[0], dy * in[1]};
  });
  const auto square = all.of("mul", normals({{2, 3}}), [](In in) { return in[0] * in[0]; });
  square("x x counts one use of x", [](In in, Var dy, Var) -> Grads { return {dy * in[0]}; });

  const auto div_row =
      all.of("div", uniforms(0.5, 2, {{2, 3}, {2, 3}}), [](In in) { return in[0] / in[1]; });
  div_row("forgets the sign of db", [](In in, Var dy, Var) -> Grads {
    return {dy / in[1], dy * in[0] / (in[1] * in[1])};
  });
  div_row("b for b² in db", [](In in, Var dy, Var) -> Grads {
    return {dy / in[1], -(dy * in[0] / in[1])};
  });
  div_row("adds 1e-3 to the divisor", [](In in, Var dy, Var) -> Grads {
    const Variable b = in[1] + 1e-3;
    return {dy / b, -(dy * in[0] / (b * b))};
  });

  const auto x = normals({{2, 3}});
  const auto neg_row = all.of("neg", x, [](In in) { return -in[0]; });
  neg_row("forgets the sign", [](In, Var dy, Var) -> Grads { return {dy}; });
  neg_row("clips dy to [-1, 1]", [](In, Var dy, Var) -> Grads {
    const Variable one(tensor::ones(dy.shape(), dy.dtype()));
    return {maximum(-maximum(dy, -one), -one)};
  });
  const auto scale_row = all.of("scale", x, [](In in) { return in[0] * 2.5; });
  scale_row("divides by the factor", [](In, Var dy, Var) -> Grads { return {dy / 2.5}; });
  scale_row("reads dy as if it were row-major", [](In, Var dy, Var) -> Grads {
    return {Variable(dy.value().view({2, 3}, {3, 1}, 0)) * 2.5};
  });
  const auto shift_row = all.of("shift", x, [](In in) { return in[0] + 2.5; });
  shift_row("ignores dy", [](In, Var dy, Var) -> Grads {
    return {Variable(tensor::ones(dy.shape(), dy.dtype()))};
  });
}

namespace {

void smooth_mutants(Mutants& all) {
  const auto x = normals({{2, 3}});
  const auto exp_row = all.of("exp", x, [](In in) { return exp(in[0]); });
  exp_row("x for y", [](In in, Var dy, Var) -> Grads { return {dy * in[0]}; });
  exp_row("ignores dy", [](In, Var, Var y) -> Grads { return {y}; });

  const auto positive = uniforms(0.3, 3, {{2, 3}});
  const auto log_row = all.of("log", positive, [](In in) { return log(in[0]); });
  log_row("x for 1 / x", [](In in, Var dy, Var) -> Grads { return {dy * in[0]}; });
  log_row("adds 1e-3 to x", [](In in, Var dy, Var) -> Grads { return {dy / (in[0] + 1e-3)}; });

  const auto sqrt_row = all.of("sqrt", positive, [](In in) { return sqrt(in[0]); });
  sqrt_row("forgets the 2 of 1 / (2 y)", [](In, Var dy, Var y) -> Grads { return {dy / y}; });
  const auto cube = all.of("pow", positive, [](In in) { return pow(in[0], 3); });
  cube("does not lower the exponent", [](In, Var dy, Var y) -> Grads { return {dy * y * 3.0}; });
  cube("forgets the factor", [](In in, Var dy, Var) -> Grads { return {dy * in[0] * in[0]}; });

  const auto tanh_row = all.of("tanh", x, [](In in) { return tanh(in[0]); });
  tanh_row("1 - y for 1 - y²", [](In, Var dy, Var y) -> Grads { return {dy - dy * y}; });
  tanh_row("1 - x² for 1 - y²",
           [](In in, Var dy, Var) -> Grads { return {dy - dy * in[0] * in[0]}; });

  const auto sigmoid_row = all.of("sigmoid", x, [](In in) { return sigmoid(in[0]); });
  sigmoid_row("x (1 - x) for y (1 - y)",
              [](In in, Var dy, Var) -> Grads { return {dy * in[0] - dy * in[0] * in[0]}; });
  sigmoid_row("y² for y (1 - y)", [](In, Var dy, Var y) -> Grads { return {dy * y * y}; });

  const auto erf_row = all.of("erf", x, [](In in) { return erf(in[0]); });
  erf_row("forgets the sign of the exponent", [](In in, Var dy, Var) -> Grads {
    return {dy * exp(in[0] * in[0]) * 1.12837916709551257390};
  });
  erf_row("rounds 2 / √π to 1.13",
          [](In in, Var dy, Var) -> Grads { return {dy * exp(-(in[0] * in[0])) * 1.13}; });
}

void activation_mutants(Mutants& all) {
  const auto relu_row =
      all.of("relu", autograd::away_from_zero({3, 4}), [](In in) { return relu(in[0]); });
  relu_row("lets dy through where x < 0", [](In, Var dy, Var y) -> Grads {
    return {dy - Variable(tensor::relu_backward(y.value(), dy.value()))};
  });
  relu_row("leaks 0.01 dy where x < 0", [](In, Var dy, Var y) -> Grads {
    return {dy * 0.01 + Variable(tensor::relu_backward(y.value(), dy.value())) * 0.99};
  });
  relu_row("x for the step", [](In, Var dy, Var y) -> Grads { return {dy * y}; });

  const auto x = normals({{3, 4}});
  const auto gelu_row = all.of("gelu", x, [](In in) { return gelu(in[0]); });
  gelu_row("forgets x φ(x)",
           [](In in, Var dy, Var) -> Grads { return {dy * (erf(in[0] * kRootHalf) + 1.0) * 0.5}; });
  gelu_row("takes the slope of its approximation", [](In in, Var dy, Var) -> Grads {
    return {Variable(tensor::gelu_tanh_backward(in[0].value(), dy.value()))};
  });

  const auto tanh_row = all.of("gelu_tanh", x, [](In in) { return gelu_tanh(in[0]); });
  tanh_row("forgets the 3 of 3 x²", [](In in, Var dy, Var) -> Grads {
    const Variable square = in[0] * in[0];
    const Variable t = tanh((in[0] + square * in[0] * 0.044715) * kRootTwoOverPi);
    const Variable slope = (square * 0.044715 + 1.0) * kRootTwoOverPi;
    return {dy * (t + 1.0) * 0.5 + dy * in[0] * (t * t - 1.0) * slope * -0.5};
  });

  const auto silu_row = all.of("silu", x, [](In in) { return silu(in[0]); });
  silu_row("forgets the slope of the gate",
           [](In in, Var dy, Var) -> Grads { return {dy * sigmoid(in[0])}; });
  silu_row("y for x in the second term", [](In in, Var dy, Var y) -> Grads {
    const Variable s = sigmoid(in[0]);
    return {dy * (s + y * s * (-s + 1.0))};
  });

  const auto maximum_row =
      all.of("maximum", far_pairs, [](In in) { return maximum(in[0], in[1]); });
  maximum_row("both operands get dy", [](In, Var dy, Var) -> Grads { return {dy, dy}; });
  maximum_row("the smaller one gets dy", [](In in, Var dy, Var) -> Grads {
    const Variable zero = dy * 0.0;
    return {where(larger(in), zero, dy), where(larger(in), dy, zero)};
  });
}

}  // namespace

void function_mutants(Mutants& all) {
  all.family = "functions";
  smooth_mutants(all);
  activation_mutants(all);
}

}  // namespace qkv::examples
