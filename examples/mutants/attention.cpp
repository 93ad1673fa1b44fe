// Mutants of attention: scale, mask, softmax and products, each a place to go wrong. Tq, Tk and D
// are equal, so that what changes places fits. Beneath: the scores of Luong et al. 2015 (general)
// and of Bahdanau et al. 2015 (additive).
#include "tensor/attention.h"
#include "examples/mutants/breeding.h"
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
  row("the second head gets the first head's weights", [](In in, Var dO, Var) -> Grads {
    const Variable P = weights(in, {});
    const Variable first = slice(P, 1, 0, 1);
    const Variable same = concat({first, first}, 1);
    return from(in, P, through_softmax(same, matmul(dO, transpose(in[2]))), dO);
  });
}

void masked_mutants(Mutants& all) {
  const AttentionMask causal = {.causal = true};
  const auto later = all.of("attention", qkv_sample(), attend(causal));
  later("forgets the causal mask", [](In in, Var dO, Var) -> Grads {
    const auto [P, dP, dS] = steps_of(in, dO);
    return from(in, P, dS, dO);
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

// ---- Luong's general score ----------------------------------------------------------------------
//
//   score = Q W Kᵀ     Q (B, Tq, C), W (C, C), K (B, Tk, C) -> (B, Tq, Tk)
//   context = softmax(score) K
void luong_mutants(Mutants& all) {
  const Function score = [](In in) { return matmul(matmul(in[0], in[1]), transpose(in[2])); };
  const Layer layer = [](In in, const Function& piece) {
    return matmul(softmax(piece(in), -1), in[2]);
  };
  const auto row = all.of("luong_attention", normals({{2, 3, 3}, {3, 3}, {2, 4, 3}}), layer, score);
  row("dW is transposed", [score](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(score, in, dy);
    return {right[0], transpose(right[1]), right[2]};
  });
  row("dW of the first sequence only", [score](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(score, in, dy);
    return {right[0], right_gradients(score, in, only_first(dy, 0))[1], right[2]};
  });
  row("keys get a gradient as values only", [score](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(score, in, dy);
    return {right[0], right[1], right[2] * 0.0};
  });
}

// ---- Bahdanau's additive score ------------------------------------------------------------------
//
//   score_qk = v · tanh(Q_q + K_k)     Q (B, Tq, 1, C), K (B, 1, Tk, C), v (C, 1) -> (B, Tq, Tk, 1)
//   context = Σ_k softmax(score)_qk K_k
void bahdanau_mutants(Mutants& all) {
  const Function score = [](In in) { return matmul(tanh(in[0] + in[1]), in[2]); };
  const Layer layer = [](In in, const Function& piece) {
    return sum(softmax(piece(in), 2) * in[1], {2});  // (B, Tq, C)
  };
  const auto row =
      all.of("bahdanau_attention", normals({{2, 2, 1, 3}, {2, 1, 3, 3}, {3, 1}}), layer, score);
  row("forgets the slope of tanh", [score](In in, Var dy, Var) -> Grads {
    const Variable inner = matmul(dy, transpose(in[2]));  // (B, Tq, Tk, C)
    return {reduce_to(inner, in[0].shape()), reduce_to(inner, in[1].shape()),
            right_gradients(score, in, dy)[2]};
  });
  row("keys get the last query's gradient only", [score](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(score, in, dy);
    return {right[0], right_gradients(score, in, only_last(dy, 1))[1], right[2]};
  });
  row("dv of the last key only", [score](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(score, in, dy);
    return {right[0], right[1], right_gradients(score, in, only_last(dy, 2))[2]};
  });
}

}  // namespace

void attention_mutants(Mutants& all) {
  all.family = "attention";
  unmasked_mutants(all);
  masked_mutants(all);
  luong_mutants(all);
  bahdanau_mutants(all);
}

}  // namespace qkv::examples
