// Mutants of softmax, its relatives and the norms. Σ softmax(x) is 1 whatever x is: with Σ y as the
// loss the right gradient is zero, and so is nearly every wrong one.
#include "tensor/softmax.h"
#include "examples/mutants/breeding.h"

namespace qkv::examples {

void softmax_mutants(Mutants& all) {
  all.family = "softmax";
  const auto x = normals({{3, 3}});
  const auto row = all.of("softmax", x, [](In in) { return softmax(in[0], -1); });
  row("forgets the sum", [](In, Var dy, Var y) -> Grads { return {dy * y}; });
  row("diagonal of the Jacobian only",
      [](In, Var dy, Var y) -> Grads { return {dy * y - dy * y * y}; });
  row("does not weight the sum by y",
      [](In, Var dy, Var y) -> Grads { return {y * (dy - sum(dy, {-1}, true))}; });
  row("mean of dy for the sum of dy y",
      [](In, Var dy, Var y) -> Grads { return {y * (dy - mean(dy, {-1}, true))}; });
  row("sums along the other axis",
      [](In, Var dy, Var y) -> Grads { return {y * (dy - sum(dy * y, {0}, true))}; });
  row("zeros", [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
  row("wrong sign",
      [](In, Var dy, Var y) -> Grads { return {y * (sum(dy * y, {-1}, true) - dy)}; });
  row("ten times too much",
      [](In, Var dy, Var y) -> Grads { return {y * (dy - sum(dy * y, {-1}, true)) * 10.0}; });
  row("the last row is 1 % too large", [](In, Var dy, Var y) -> Grads {
    const Variable dx = y * (dy - sum(dy * y, {-1}, true));
    return {dx + only_last(dx, 0) * 0.01};
  });

  const Tensor mask = flags({true, false, false, true, true, false, false, false, false}, {3, 3});
  const auto masked =
      all.of("masked_softmax", x, [mask](In in) { return masked_softmax(in[0], mask); });
  masked("leaks where the mask hides", [mask](In, Var dy, Var y) -> Grads {
    const Variable dx = y * (dy - sum(dy * y, {-1}, true));
    return {where(mask, dx, dy - mean(dy, {-1}, true))};
  });
  masked("a fully masked row counts as uniform", [](In, Var dy, Var y) -> Grads {
    const Variable dx = y * (dy - sum(dy * y, {-1}, true));
    return {dx + only_last(dy - mean(dy, {-1}, true), 0) / 3.0};
  });

  const auto logs = all.of("log_softmax", x, [](In in) { return log_softmax(in[0], -1); });
  logs("y for exp(y)", [](In, Var dy, Var y) -> Grads { return {dy - y * sum(dy, {-1}, true)}; });
  logs("the slope of softmax", [](In, Var dy, Var y) -> Grads {
    return {Variable(tensor::softmax_backward(dy.value(), exp(y).value(), -1))};
  });
  logs("does not sum dy", [](In, Var dy, Var y) -> Grads { return {dy - exp(y) * dy}; });
}

namespace {

constexpr double kEps = 1e-3;  // so large that it makes a difference

// n = (x - mean) / deviation and 1 / deviation, per row
struct Normalised {
  Variable n, inverse;
};

Normalised layer_normalised(Var x, double eps) {
  const Variable centered = x - mean(x, {-1}, true);
  const Variable deviation = sqrt(mean(centered * centered, {-1}, true) + eps);
  const Variable one = tensor::ones(deviation.shape(), x.dtype());
  return {centered / deviation, one / deviation};
}

Normalised rms_normalised(Var x, double eps) {
  const Variable size = sqrt(mean(x * x, {-1}, true) + eps);
  const Variable one = tensor::ones(size.shape(), x.dtype());
  return {x / size, one / size};
}

// dx = (dn - mean(dn) - n mean(dn n)) / deviation
Variable layer_dx(const Normalised& at, Var dn) {
  return (dn - mean(dn, {-1}, true) - at.n * mean(dn * at.n, {-1}, true)) * at.inverse;
}

Variable over_positions(Var dy) { return sum(dy, {0, 1}); }  // (B, T, C) -> (C)

void layer_norm_mutants(Mutants& all) {
  // x (B, T, C) = (2, 3, 5), gamma (C), beta (C)
  const Function norm = [](In in) { return layer_norm(in[0], in[1], in[2], kEps); };
  const auto row = all.of("layer_norm", normals({{2, 3, 5}, {5}, {5}}), norm);
  // dgamma and dbeta are right, dx comes from `wrong`.
  const auto wrong_dx = [&](const std::string& mistake, const auto& wrong) {
    row(mistake, [wrong](In in, Var dy, Var) -> Grads {
      const Normalised at = layer_normalised(in[0], kEps);
      return {wrong(in, at, dy), over_positions(dy * at.n), over_positions(dy)};
    });
  };
  wrong_dx("ignores gamma in dx",
           [](In, const Normalised& at, Var dy) { return layer_dx(at, dy); });
  wrong_dx("multiplies by gamma last",
           [](In in, const Normalised& at, Var dy) { return layer_dx(at, dy) * in[1]; });
  wrong_dx("forgets the mean's part", [](In in, const Normalised& at, Var dy) {
    const Variable dn = dy * in[1];
    return (dn - at.n * mean(dn * at.n, {-1}, true)) * at.inverse;
  });
  wrong_dx("forgets the variance's part", [](In in, const Normalised& at, Var dy) {
    const Variable dn = dy * in[1];
    return (dn - mean(dn, {-1}, true)) * at.inverse;
  });
  wrong_dx("takes mean and deviation for constants",
           [](In in, const Normalised& at, Var dy) { return dy * in[1] * at.inverse; });
  wrong_dx("forgets eps", [](In in, const Normalised&, Var dy) {
    return layer_dx(layer_normalised(in[0], 0), dy * in[1]);
  });

  row("x for n in dgamma", [norm](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(norm, in, dy);
    return {right[0], over_positions(dy * in[0]), right[2]};
  });
  row("dgamma of the last sequence only", [norm](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(norm, in, dy);
    return {right[0], right_gradients(norm, in, only_last(dy, 0))[1], right[2]};
  });
  row("dbeta is the mean over positions", [norm](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(norm, in, dy);
    return {right[0], right[1], mean(dy, {0, 1})};
  });

  // As every such layer begins. Then Σ y is Σ beta whatever x is, and the right dx of it is zero.
  const auto fresh = all.of("layer_norm", normals({{2, 3, 5}}), [](In in) {
    const Dtype dtype = in[0].dtype();
    return layer_norm(in[0], tensor::ones({5}, dtype), tensor::zeros({5}, dtype), kEps);
  });
  fresh("zeros for dx, where gamma is 1", [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
}

void rms_norm_mutants(Mutants& all) {
  const auto row = all.of("rms_norm", normals({{2, 3, 5}, {5}}),
                          [](In in) { return rms_norm(in[0], in[1], kEps); });
  const auto wrong_dx = [&](const std::string& mistake, const auto& wrong) {
    row(mistake, [wrong](In in, Var dy, Var) -> Grads {
      const Normalised at = rms_normalised(in[0], kEps);
      return {wrong(in, at, dy), over_positions(dy * at.n)};
    });
  };
  wrong_dx("ignores gamma in dx", [](In, const Normalised& at, Var dy) {
    return (dy - at.n * mean(dy * at.n, {-1}, true)) * at.inverse;
  });
  wrong_dx("takes the root for a constant",
           [](In in, const Normalised& at, Var dy) { return dy * in[1] * at.inverse; });
  wrong_dx("subtracts a mean, as layer_norm does",
           [](In in, const Normalised& at, Var dy) { return layer_dx(at, dy * in[1]); });
}

}  // namespace

void norm_mutants(Mutants& all) {
  all.family = "norms";
  layer_norm_mutants(all);
  rms_norm_mutants(all);
}

}  // namespace qkv::examples
