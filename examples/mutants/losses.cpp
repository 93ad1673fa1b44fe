// Mutants of losses: what is divided by, which positions count, and where the target is.
#include "examples/mutants/breeding.h"
#include "tensor/index.h"
#include "tensor/softmax.h"

namespace qkv::examples {
namespace {

constexpr int64_t kVocab = 5;
constexpr int64_t kRows = 4;

// dlogits = dy w (p - q):  p (rows, vocab), q (rows, vocab), w a number
Variable slope(In in, Var dy, Var q, double w) { return dy * (softmax(in[0], -1) - q) * w; }

Variable one_hot(const std::vector<int64_t>& targets, Dtype dtype) {
  return tensor::one_hot(ids(targets, {kRows}), kVocab, dtype);
}

void plain_mutants(Mutants& all) {
  const std::vector<int64_t> targets = {1, 4, 0, 1}, next = {2, 0, 1, 2};
  const auto row = all.of("cross_entropy", normals({{kRows, kVocab}}),
                          [targets](In in) { return cross_entropy(in[0], ids(targets, {kRows})); });
  row("forgets 1 / count", [targets](In in, Var dy, Var) -> Grads {
    return {slope(in, dy, one_hot(targets, dy.dtype()), 1)};
  });
  row("forgets the target",
      [](In in, Var dy, Var) -> Grads { return {dy * softmax(in[0], -1) * 0.25}; });
  row("the target is one class too far", [next](In in, Var dy, Var) -> Grads {
    return {slope(in, dy, one_hot(next, dy.dtype()), 0.25)};
  });
  row("wrong sign", [targets](In in, Var dy, Var) -> Grads {
    return {slope(in, dy, one_hot(targets, dy.dtype()), -0.25)};
  });
  row("ignores dy", [targets](In in, Var dy, Var) -> Grads {
    const Variable one = tensor::ones(dy.shape(), dy.dtype());
    return {slope(in, one, one_hot(targets, dy.dtype()), 0.25)};
  });
  row("applies the slope of softmax once more", [targets](In in, Var dy, Var) -> Grads {
    const Variable right = slope(in, dy, one_hot(targets, dy.dtype()), 0.25);
    const Variable p = softmax(in[0], -1);
    return {Variable(tensor::softmax_backward(right.value(), p.value(), -1))};
  });
  row("the last position gets nothing", [targets](In in, Var dy, Var) -> Grads {
    const Variable right = slope(in, dy, one_hot(targets, dy.dtype()), 0.25);
    return {right - only_last(right, 0)};
  });
}

void special_mutants(Mutants& all) {
  // The second position is ignored: 3 of 4 count.
  const auto padded = all.of("cross_entropy", normals({{kRows, kVocab}}), [](In in) {
    return cross_entropy(in[0], ids({1, -100, 0, 3}, {kRows}));
  });
  padded("ignored positions get a gradient", [](In in, Var dy, Var) -> Grads {
    return {slope(in, dy, one_hot({1, 0, 0, 3}, dy.dtype()), 1.0 / 3)};
  });
  padded("divides by the number of all positions", [](In in, Var dy, Var) -> Grads {
    const Variable counts = ones_where({true, false, true, true}, {kRows, 1}, dy.dtype());
    return {slope(in, dy, one_hot({1, 0, 0, 3}, dy.dtype()), 0.25) * counts};
  });

  constexpr double kSmoothing = 0.1;
  const std::vector<int64_t> targets = {1, 4, 0, 1};
  const auto smoothed = all.of("cross_entropy", normals({{kRows, kVocab}}), [targets](In in) {
    return cross_entropy(in[0], ids(targets, {kRows}), {.label_smoothing = kSmoothing});
  });
  smoothed("forgets the smoothing", [targets](In in, Var dy, Var) -> Grads {
    return {slope(in, dy, one_hot(targets, dy.dtype()), 0.25)};
  });
  smoothed("smooths over the other classes only", [targets](In in, Var dy, Var) -> Grads {
    const Variable hot = one_hot(targets, dy.dtype());
    const Variable q = hot * (1 - kSmoothing) + (-hot + 1.0) * (kSmoothing / (kVocab - 1));
    return {slope(in, dy, q, 0.25)};
  });
}

}  // namespace

void loss_mutants(Mutants& all) {
  all.family = "losses";
  plain_mutants(all);
  special_mutants(all);

  const auto squares =
      all.of("mse_loss", normals({{2, 3}, {2, 3}}), [](In in) { return mse_loss(in[0], in[1]); });
  squares("forgets the 2", [](In in, Var dy, Var) -> Grads {
    const Variable dx = dy * (in[0] - in[1]) / 6.0;
    return {dx, -dx};
  });
  squares("forgets 1 / n", [](In in, Var dy, Var) -> Grads {
    const Variable dx = dy * (in[0] - in[1]) * 2.0;
    return {dx, -dx};
  });
  squares("the target's gradient has the prediction's sign", [](In in, Var dy, Var) -> Grads {
    const Variable dx = dy * (in[0] - in[1]) / 3.0;
    return {dx, dx};
  });
}

}  // namespace qkv::examples
