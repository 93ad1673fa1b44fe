// Rung 0 of attention: the formulas, one row of scores at a time.
//
//   for each query i:   s_j = scale q_i·k_j  ->  p = softmax(s)  ->  o_i = Σ_j p_j v_j
//
// Next: lib/kernels/attention_forward.inl does the same in one pass.
#include <algorithm>
#include <cmath>
#include <limits>
#include <vector>

#include "lib/attention.h"

namespace qkv::lib {
namespace {

template <class T>
constexpr T kInfinity = std::numeric_limits<T>::infinity();

// One head's matrix.
template <class T>
struct Rows {
  T* data;
  int64_t stride;
  T* operator[](int64_t t) const { return data + t * stride; }
};

template <class T>
Rows<T> rows_of(Heads<T> m, int64_t b, int64_t h) {
  return {m.data + b * m.batch_stride + h * m.head_stride, m.row_stride};
}

template <class T>
void fill_with_zeros(Rows<T> m, int64_t rows, int64_t width) {
  for (int64_t t = 0; t < rows; ++t) std::fill_n(m[t], width, T(0));
}

template <class T>
T dot(int64_t n, const T* x, const T* y) {
  T total = 0;
  for (int64_t d = 0; d < n; ++d) total += x[d] * y[d];
  return total;
}

// y += a x
template <class T>
void add_scaled(int64_t n, T a, const T* x, T* y) {
  for (int64_t d = 0; d < n; ++d) y[d] += a * x[d];
}

// -slope |i + (Tk - Tq) - j|: what ALiBi adds to score ij.
template <class T>
T alibi_bias(const AttentionProblem<T>& problem, int64_t h, int64_t i, int64_t j) {
  if (!problem.slopes) return 0;
  const int64_t beside = i + problem.shape.keys - problem.shape.queries;
  return -problem.slopes[h] * static_cast<T>(std::abs(beside - j));
}

template <class T>
bool may_attend(const AttentionProblem<T>& problem, int64_t b, int64_t h, int64_t i, int64_t j) {
  const auto& [shape, mask, scale, Q, K, V, slopes] = problem;
  if (mask.causal && j > i + (shape.keys - shape.queries)) return false;
  if (mask.key_lengths && j >= mask.key_lengths[b * mask.length_stride]) return false;
  return !mask.allowed || mask.allowed[b * mask.batch_stride + h * mask.head_stride +
                                       i * mask.query_stride + j * mask.key_stride];
}

// The weights p (Tk) of query i, in three passes: the scores and their maximum m, then exp(s - m)
// and its sum, then the division. Returns the log-sum-exp, m + log Σ exp(s - m).
template <class T>
T weights_of(const AttentionProblem<T>& problem, int64_t b, int64_t h, int64_t i,
             std::vector<T>& p) {
  const T* const q = rows_of(problem.Q, b, h)[i];
  const Rows<const T> K = rows_of(problem.K, b, h);
  T m = -kInfinity<T>, total = 0;
  for (int64_t j = 0; j < problem.shape.keys; ++j) {
    T& score = p[static_cast<size_t>(j)];
    const bool allowed = may_attend(problem, b, h, i, j);
    score = problem.scale * dot(problem.shape.width, q, K[j]) + alibi_bias(problem, h, i, j);
    if (!allowed) score = -kInfinity<T>;
    m = std::max(m, score);
  }
  const T shift = std::max(m, std::numeric_limits<T>::lowest());  // -inf - -inf would be NaN
  for (T& score : p) total += score = std::exp(score - shift);
  if (total == 0) return kInfinity<T>;  // nobody to attend to: the weights stay 0
  for (T& weight : p) weight /= total;
  return m + std::log(total);
}

// body(b, h) for every batch and head.
template <class Body>
void for_each_head(const AttentionShape& shape, const Body& body) {
  for (int64_t b = 0; b < shape.batch; ++b) {
    for (int64_t h = 0; h < shape.heads; ++h) body(b, h);
  }
}

}  // namespace

template <class T>
void attention_definition(const AttentionProblem<T>& problem, Heads<T> O, T* logsumexp) {
  const AttentionShape& shape = problem.shape;
  std::vector<T> p(static_cast<size_t>(shape.keys));
  for_each_head(shape, [&](int64_t b, int64_t h) {
    const Rows<const T> V = rows_of(problem.V, b, h);
    const Rows<T> out = rows_of(O, b, h);
    fill_with_zeros(out, shape.queries, shape.value_width);
    for (int64_t i = 0; i < shape.queries; ++i) {
      const T L = weights_of(problem, b, h, i, p);
      if (logsumexp) logsumexp[(b * shape.heads + h) * shape.queries + i] = L;
      for (int64_t j = 0; j < shape.keys; ++j) {
        add_scaled(shape.value_width, p[static_cast<size_t>(j)], V[j], out[i]);
      }
    }
  });
}

// Undoes the lines above from the last to the first, for each query i:
//
//   o_i = Σ_j p_j v_j          dv_j += p_j do_i           dp_j = do_i · v_j
//   p = softmax(s)             ds_j = p_j (dp_j - Σ_k p_k dp_k)       (autograd/softmax.cpp)
//   s_j = scale q_i · k_j      dq_i += scale ds_j k_j     dk_j += scale ds_j q_i
template <class T>
void attention_backward_definition(const AttentionProblem<T>& problem, const AttentionResults<T>&,
                                   Heads<const T> dO, const AttentionGradients<T>& grads) {
  const AttentionShape& shape = problem.shape;
  std::vector<T> p(static_cast<size_t>(shape.keys)), dp(p.size());
  for_each_head(shape, [&](int64_t b, int64_t h) {
    const Rows<const T> Q = rows_of(problem.Q, b, h), K = rows_of(problem.K, b, h),
                        V = rows_of(problem.V, b, h), d_out = rows_of(dO, b, h);
    const Rows<T> dQ = rows_of(grads.dQ, b, h), dK = rows_of(grads.dK, b, h),
                  dV = rows_of(grads.dV, b, h);
    fill_with_zeros(dQ, shape.queries, shape.width);
    fill_with_zeros(dK, shape.keys, shape.width);
    fill_with_zeros(dV, shape.keys, shape.value_width);
    for (int64_t i = 0; i < shape.queries; ++i) {
      weights_of(problem, b, h, i, p);
      for (int64_t j = 0; j < shape.keys; ++j) {
        add_scaled(shape.value_width, p[static_cast<size_t>(j)], d_out[i], dV[j]);
        dp[static_cast<size_t>(j)] = dot(shape.value_width, d_out[i], V[j]);
      }
      const T mean = dot(shape.keys, p.data(), dp.data());
      for (int64_t j = 0; j < shape.keys; ++j) {
        const auto at = static_cast<size_t>(j);
        const T ds = problem.scale * p[at] * (dp[at] - mean);
        add_scaled(shape.width, ds, K[j], dQ[i]);
        add_scaled(shape.width, ds, Q[i], dK[j]);
      }
    }
  });
}

template void attention_definition(const AttentionProblem<float>&, Heads<float>, float*);
template void attention_definition(const AttentionProblem<double>&, Heads<double>, double*);
template void attention_backward_definition(const AttentionProblem<float>&,
                                            const AttentionResults<float>&, Heads<const float>,
                                            const AttentionGradients<float>&);
template void attention_backward_definition(const AttentionProblem<double>&,
                                            const AttentionResults<double>&, Heads<const double>,
                                            const AttentionGradients<double>&);

}  // namespace qkv::lib
