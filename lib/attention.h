// Scaled dot-product attention on raw pointers, forward and backward. Two rungs with one signature:
//
//   S = scale Q Kᵀ,   P = softmax of each row of S over the keys the mask allows,   O = P V
//
// Rung 0 keeps whole rows of P. Rung 1 never has more of it than a tile of 128 keys x 64 queries.
// Next: lib/attention_definition.cpp, then lib/kernels/attention_forward.inl for the derivation.
#pragma once

#include <cstdint>

namespace qkv::lib {

// Where a matrix of T rows lies for every batch b and head h: row t begins at
// data + b * batch_stride + h * head_stride + t * row_stride, and its elements are neighbours.
//
//   heads of a projection (B, T, C), C = 6 = 2 heads of D = 3, seen as (B, H, T, D), T = 4:
//   batch_stride 24, head_stride 3, row_stride 6:      t=0  a b c | d e f   <- head 0 | head 1
//                                                      t=1  a b c | d e f
template <class T>
struct Heads {
  T* data;
  int64_t batch_stride, head_stride, row_stride;
};

struct AttentionShape {
  int64_t batch, heads;        // B, H
  int64_t queries, keys;       // Tq, Tk
  int64_t width, value_width;  // D of Q and K; Dv of V and O
};

// Which keys a query may attend to: those that every part allows. All parts are optional.
struct AttentionMask {
  // Query i sees keys 0 .. i + (Tk - Tq): the last query is aligned with the last key.
  bool causal = false;

  // Batch b has key_lengths[b * length_stride] keys; what lies behind them is never read.
  const int64_t* key_lengths = nullptr;
  int64_t length_stride = 1;

  // allowed[b * batch + h * head + i * query + j * key]: may query i attend to key j? Strides of 0
  // broadcast.
  const bool* allowed = nullptr;
  int64_t batch_stride = 0, head_stride = 0, query_stride = 0, key_stride = 0;
};

template <class T>
struct AttentionProblem {
  AttentionShape shape;
  AttentionMask mask;
  T scale;
  Heads<const T> Q, K, V;  // (Tq, D), (Tk, D), (Tk, Dv)

  // slopes[h], or nullptr: score ij of head h loses slopes[h] |i + (Tk - Tq) - j|, its slope times
  // the distance, where the last query is aligned with the last key. Press et al. 2022 (ALiBi).
  const T* slopes = nullptr;
};

// What forward leaves for backward: the output, and one number per query in place of its Tk
// weights, the log-sum-exp  L_i = log Σ_j exp(S_ij), at logsumexp[(b * H + h) * Tq + i].
template <class T>
struct AttentionResults {
  Heads<const T> O;
  const T* logsumexp;
};

template <class T>
struct AttentionGradients {
  Heads<T> dQ, dK, dV;
};

// A hidden key has weight 0 exactly, whatever its score. A query that may attend to nobody gets
// output 0, logsumexp +inf and gradient 0; so does one whose scores are all -inf. NaN and infinity
// reach whatever they have a non-zero weight in; through a weight of 0 they may (0 * inf = NaN) or
// may not (the key was skipped) get through.
//
// REQUIRES: every size >= 0, key lengths in [0, keys]; outputs overlap nothing else. T is float or
// double. logsumexp may be nullptr where no backward will follow.
//
// Rung 0, the definition: three passes over each row of scores, one row at a time.
template <class T>
void attention_definition(const AttentionProblem<T>& problem, Heads<T> O, T* logsumexp);
template <class T>
void attention_backward_definition(const AttentionProblem<T>& problem,
                                   const AttentionResults<T>& results, Heads<const T> dO,
                                   const AttentionGradients<T>& grads);

// Rung 1, fused: tiles in cache, softmax online, backward with the weights computed again. Memory
// beyond the operands: some tiles per thread.
template <class T>
void attention(const AttentionProblem<T>& problem, Heads<T> O, T* logsumexp);
template <class T>
void attention_backward(const AttentionProblem<T>& problem, const AttentionResults<T>& results,
                        Heads<const T> dO, const AttentionGradients<T>& grads);

}  // namespace qkv::lib
