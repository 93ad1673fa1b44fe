// Mutants of matrix products. Square matrices, so that what is forgotten to be transposed fits.
#include "examples/mutants/breeding.h"

namespace qkv::examples {
namespace {

void matmul_mutants(Mutants& all) {
  const Function product = [](In in) { return matmul(in[0], in[1]); };
  const auto square = all.of("matmul", normals({{3, 3}, {3, 3}}), product);
  square("dA and dB change places", [](In in, Var dC, Var) -> Grads {
    return {matmul(transpose(in[0]), dC), matmul(dC, transpose(in[1]))};
  });
  square("forgets to transpose B", [](In in, Var dC, Var) -> Grads {
    return {matmul(dC, in[1]), matmul(transpose(in[0]), dC)};
  });
  square("dB is transposed", [](In in, Var dC, Var) -> Grads {
    return {matmul(dC, transpose(in[1])), matmul(transpose(dC), in[0])};
  });

  const auto shared = all.of("matmul", normals({{2, 3, 3}, {3, 3}}), product);
  shared("a shared matrix gets the last batch entry's part", [](In in, Var dC, Var) -> Grads {
    const Variable dB = matmul(transpose(in[0]), dC);  // (2, 3, 3)
    return {matmul(dC, transpose(in[1])), sum(only_last(dB, 0), {0})};
  });
  shared("a shared matrix gets the batch's mean", [](In in, Var dC, Var) -> Grads {
    return {matmul(dC, transpose(in[1])), mean(matmul(transpose(in[0]), dC), {0})};
  });

  const auto batch = all.of("matmul", normals({{2, 3, 3}, {2, 3, 3}}), product);
  batch("every batch entry uses the first one's B", [](In in, Var dC, Var) -> Grads {
    return {matmul(dC, transpose(slice(in[1], 0, 0, 1))), matmul(transpose(in[0]), dC)};
  });
}

void linear_mutants(Mutants& all) {
  const Function layer = [](In in) { return linear(in[0], in[1], in[2]); };
  // x (B, T, C) = (2, 3, 4), W (C, C), b (C)
  const auto row = all.of("linear", normals({{2, 3, 4}, {4, 4}, {4}}), layer);
  row("dW is transposed", [layer](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(layer, in, dy);
    return {right[0], transpose(right[1]), right[2]};
  });
  row("dx = dy Wᵀ for dy W", [layer](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(layer, in, dy);
    return {matmul(dy, transpose(in[1])), right[1], right[2]};
  });
  row("dW of the first sequence only", [layer](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(layer, in, dy);
    return {right[0], right_gradients(layer, in, only_first(dy, 0))[1], right[2]};
  });
  row("db of the last position only", [layer](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(layer, in, dy);
    return {right[0], right[1], sum(only_last(dy, 1), {0, 1})};
  });
  row("db is the mean over positions", [layer](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(layer, in, dy);
    return {right[0], right[1], mean(dy, {0, 1})};
  });
  row("db is 1 % too large", [layer](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(layer, in, dy);
    return {right[0], right[1], right[2] * 1.01};
  });
}

}  // namespace

void product_mutants(Mutants& all) {
  all.family = "products";
  matmul_mutants(all);
  linear_mutants(all);
}

}  // namespace qkv::examples
