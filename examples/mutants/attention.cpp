// Mutants of attention: scale, mask, softmax and products, each a place to go wrong. Tq, Tk and D
// are equal, so that what changes places fits. Beneath: positions that turn queries and keys.
// Next: score_attention.cpp, the other ways to match a query with keys.
#include "tensor/attention.h"
#include "examples/mutants/breeding.h"
#include "nn/attention.h"
#include "nn/positions.h"
#include "tensor/elementwise.h"

namespace qkv::examples {
namespace {

using tensor::AttentionMask;

const double kScale = 0.57735026918962576451;  // 1/√D, D = 3

// What the backward of attention goes through, at Q, K, V and dO, all (B, H, T, D) = (2, 2, 3, 3):
//
//   P = softmax(scale Q Kᵀ),  dP = dO Vᵀ,  dS = P (dP - Σ_k dP P)        (B, H, Tq, Tk)
struct Steps {
  Variable P, dP, dS;
};

Variable weights(In in, const Tensor& allowed) {
  const Variable scores = matmul(in[0], transpose(in[1])) * kScale;
  return allowed.defined() ? masked_softmax(scores, allowed) : softmax(scores, -1);
}

Variable through_softmax(Var P, Var dP) { return P * (dP - sum(dP * P, {-1}, true)); }

Steps steps_of(In in, Var dO, const Tensor& allowed = {}) {
  const Variable P = weights(in, allowed), dP = matmul(dO, transpose(in[2]));
  return {P, dP, through_softmax(P, dP)};
}

Variable dQ_of(In in, Var dS) { return matmul(dS, in[1]) * kScale; }
Variable dK_of(In in, Var dS) { return matmul(transpose(dS), in[0]) * kScale; }
Variable dV_of(Var P, Var dO) { return matmul(transpose(P), dO); }

// The gradients if all that follows P and dS is right.
Grads from(In in, Var P, Var dS, Var dO) { return {dQ_of(in, dS), dK_of(in, dS), dV_of(P, dO)}; }

const Sample& qkv_sample() {
  static const Sample sample = normals({{2, 2, 3, 3}, {2, 2, 3, 3}, {2, 2, 3, 3}});
  return sample;
}

Function attend(AttentionMask mask) {
  return [mask](In in) { return attention(in[0], in[1], in[2], mask); };
}

void unmasked_mutants(Mutants& all) {
  const auto row = all.of("attention", qkv_sample(), attend({}));
  row("forgets 1/√D", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return {dQ_of(in, dS) / kScale, dK_of(in, dS) / kScale, dV_of(P, dO)};
  });
  row("forgets 1/√D in dK", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return {dQ_of(in, dS), dK_of(in, dS) / kScale, dV_of(P, dO)};
  });
  row("1/D for 1/√D in dK", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return {dQ_of(in, dS), dK_of(in, dS) * kScale, dV_of(P, dO)};
  });
  row("dQ and dK change places", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return {dK_of(in, dS), dQ_of(in, dS), dV_of(P, dO)};
  });
  row("dK without transposing dS", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return {dQ_of(in, dS), matmul(dS, in[0]) * kScale, dV_of(P, dO)};
  });
  row("dV without transposing the weights", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return {dQ_of(in, dS), dK_of(in, dS), matmul(P, dO)};
  });
  row("forgets the softmax", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return from(in, P, dP, dO);
  });
  row("forgets the row sum", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return from(in, P, P * dP, dO);
  });
  row("diagonal of softmax's Jacobian only", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return from(in, P, P * dP - P * P * dP, dO);
  });
  row("leaves out the last key", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return from(in, P - only_last(P, -1), dS - only_last(dS, -1), dO);
  });
  row("the second head gets the first head's weights", [](In in, Var dO, Var) -> Grads {
    const Variable P = weights(in, {});
    const Variable first = slice(P, 1, 0, 1);
    const Variable same = concat({first, first}, 1);
    return from(in, P, through_softmax(same, matmul(dO, transpose(in[2]))), dO);
  });
}

// Scores of head h fall by slopes[h] from one key to the next further away.
void falling_mutants(Mutants& all) {
  const auto slopes = [](Dtype dtype) { return Tensor::of<double>({0.5, 0.125}, {2}).to(dtype); };
  const auto falling = all.of("attention", qkv_sample(), [slopes](In in) {
    return attention(in[0], in[1], in[2], {}, {}, slopes(in[0].dtype()));
  });
  const auto steps = [](In in, Var dO, const Tensor& m) -> Steps {
    const Variable bias = tensor::alibi_bias(m, 3, 3);  // (H, Tq, Tk)
    const Variable P = softmax(matmul(in[0], transpose(in[1])) * kScale + bias, -1);
    const Variable dP = matmul(dO, transpose(in[2]));
    return {P, dP, through_softmax(P, dP)};
  };
  falling("forgets that scores fall with distance", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return from(in, P, dS, dO);
  });
  falling("scores rise with distance", [=](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps(in, dO, tensor::neg(slopes(in[0].dtype())));
    return from(in, P, dS, dO);
  });
  falling("every head falls as the first", [=](In in, Var dO, Var) -> Grads {
    const Tensor first = Tensor::of<double>({0.5, 0.5}, {2}).to(in[0].dtype());
    const auto [P, dP, dS] = steps(in, dO, first);
    return from(in, P, dS, dO);
  });
}

void masked_mutants(Mutants& all) {
  const AttentionMask causal = {.causal = true};
  const auto later = all.of("attention", qkv_sample(), attend(causal));
  later("forgets the causal mask", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return from(in, P, dS, dO);
  });
  later("forgets the causal mask in dV", [causal](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO, tensor::dense_mask(causal, 3, 3));
    return {dQ_of(in, dS), dK_of(in, dS), dV_of(weights(in, {}), dO)};
  });
  later("the causal mask leaves out the diagonal, too", [causal](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO, tensor::dense_mask(causal, 3, 3));
    const Tensor earlier =
        flags({false, false, false, true, false, false, true, true, false}, {3, 3});
    return from(in, P, dS * earlier.to(dS.dtype()), dO);
  });
  later("inverts the causal mask", [causal](In in, Var dO, Var) -> Grads {
    const Tensor allowed = tensor::logical_not(tensor::dense_mask(causal, 3, 3));
    const auto [P, dP, dS] = steps_of(in, dO, allowed);
    return from(in, P, dS, dO);
  });

  const AttentionMask padding = {.key_lengths = ids({3, 2}, {2})};
  const auto padded = all.of("attention", qkv_sample(), attend(padding));
  padded("values behind the padding mask get a gradient", [padding](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO, tensor::dense_mask(padding, 3, 3));
    return {dQ_of(in, dS), dK_of(in, dS), dV_of(weights(in, {}), dO)};
  });

  const Tensor holes = flags({true, false, true, true, true, true, false, false, false}, {3, 3});
  const auto empty = all.of("attention", qkv_sample(), attend({.allowed = holes}));
  empty("a query without keys attends to all alike", [holes](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO, holes);
    const Variable even = only_last(P * 0.0 + 1.0 / 3, 2);  // the last query is the one
    return {dQ_of(in, dS), dK_of(in, dS), dV_of(P + even, dO)};
  });
}

// ---- rotary -------------------------------------------------------------------------------------
//
//   R turns row t of Q and K by angles t ω_i, pair by pair; on the way back, dx = Rᵀ dy turns the
//   other way. Row 0 is not turned at all, the slow pairs only a little.

Variable rotate(In in) { return nn::rotary_embedding(in[0]); }

// Rᵀ dy with another base or another first position than R.
Grads turned_back(In in, Var dy, double base, int64_t first) {
  const auto turn = [=](In x) { return nn::rotary_embedding(x[0], base, first); };
  return right_gradients(turn, in, dy);
}

void rotary_mutants(Mutants& all) {
  const auto sample = normals({{2, 3, 4}, {2, 3, 4}, {2, 3, 2}});
  const Function whole = [](In in) {
    const Variable Q = nn::rotary_embedding(in[0]), K = nn::rotary_embedding(in[1]);
    return nn::scaled_dot_product_attention(Q, K, in[2], nn::Mask::causal(3), false).output;
  };
  const auto attend_to = [](Var Q, Var K, Var V) { return attention(Q, K, V, {.causal = true}); };
  const auto row = all.of(
      "rotary_attention", sample, whole,
      [attend_to](In in, const Function& turn) {
        return attend_to(turn({in[0]}), turn({in[1]}), in[2]);
      },
      rotate);
  row("the gradient is not turned back", [](In, Var dy, Var) -> Grads { return {dy}; });
  row("wrong sign of sin, so turned on, not back",
      [](In, Var dy, Var) -> Grads { return {nn::rotary_embedding(dy)}; });
  row("only the first pair is turned back", [](In in, Var dy, Var) -> Grads {
    const Variable right = right_gradients(rotate, in, dy)[0];
    return {concat({slice(right, -1, 0, 2), slice(dy, -1, 2, 4)}, -1)};
  });
  row("only the first pair gets a gradient", [](In in, Var dy, Var) -> Grads {
    const Variable right = right_gradients(rotate, in, dy)[0];
    return {slice_adjoint(slice(right, -1, 0, 2), right.shape(), -1, 0, 1)};
  });
  row("positions count from 1 on the way back",
      [](In in, Var dy, Var) -> Grads { return turned_back(in, dy, 10000, 1); });
  row("base 1000 for 10000 on the way back",
      [](In in, Var dy, Var) -> Grads { return turned_back(in, dy, 1000, 0); });

  const auto keys = all.of(
      "rotary_attention", sample, whole,
      [attend_to](In in, const Function& turn) {
        return attend_to(rotate({in[0]}), turn({in[1]}), in[2]);
      },
      rotate);
  keys("dK is not turned back", [](In, Var dy, Var) -> Grads { return {dy}; });
}

}  // namespace

void attention_mutants(Mutants& all) {
  all.family = "attention";
  unmasked_mutants(all);
  falling_mutants(all);
  masked_mutants(all);
  rotary_mutants(all);
}

}  // namespace qkv::examples
