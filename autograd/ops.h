// The differentiable operations. Each computes its value with the function of the same name in
// tensor/, and throws what that throws; the file named above a group holds its formulas and
// adjoints.
#pragma once

#include <optional>
#include <span>

#include "autograd/variable.h"
#include "lib/random.h"
#include "lib/recurrent_cells.h"
#include "tensor/attention.h"

namespace qkv::autograd {

// ---- arithmetic.cpp: operands broadcast ---------------------------------------------------------
[[nodiscard]] Variable add(const Variable& a, const Variable& b);
[[nodiscard]] Variable sub(const Variable& a, const Variable& b);
[[nodiscard]] Variable mul(const Variable& a, const Variable& b);
[[nodiscard]] Variable div(const Variable& a, const Variable& b);
[[nodiscard]] Variable maximum(const Variable& a, const Variable& b);  // a tie splits the gradient
[[nodiscard]] Variable neg(const Variable& x);
[[nodiscard]] Variable scale(const Variable& x, double factor);
[[nodiscard]] Variable shift(const Variable& x, double amount);

[[nodiscard]] inline Variable operator+(const Variable& a, const Variable& b) { return add(a, b); }
[[nodiscard]] inline Variable operator-(const Variable& a, const Variable& b) { return sub(a, b); }
[[nodiscard]] inline Variable operator*(const Variable& a, const Variable& b) { return mul(a, b); }
[[nodiscard]] inline Variable operator/(const Variable& a, const Variable& b) { return div(a, b); }
[[nodiscard]] inline Variable operator-(const Variable& x) { return neg(x); }
[[nodiscard]] inline Variable operator*(const Variable& x, double factor) {
  return scale(x, factor);
}
[[nodiscard]] inline Variable operator*(double factor, const Variable& x) {
  return scale(x, factor);
}
[[nodiscard]] inline Variable operator/(const Variable& x, double by) { return scale(x, 1 / by); }
[[nodiscard]] inline Variable operator+(const Variable& x, double amount) {
  return shift(x, amount);
}
[[nodiscard]] inline Variable operator-(const Variable& x, double amount) {
  return shift(x, -amount);
}

// ---- functions.cpp: one number in, one out ------------------------------------------------------
[[nodiscard]] Variable exp(const Variable& x);
[[nodiscard]] Variable log(const Variable& x);
[[nodiscard]] Variable sqrt(const Variable& x);
[[nodiscard]] Variable tanh(const Variable& x);
[[nodiscard]] Variable sigmoid(const Variable& x);
[[nodiscard]] Variable pow(const Variable& x, double exponent);
[[nodiscard]] Variable relu(const Variable& x);  // the slope at 0 is taken as 0
[[nodiscard]] Variable erf(const Variable& x);
[[nodiscard]] Variable gelu(const Variable& x);       // x Φ(x); Hendrycks and Gimpel 2016
[[nodiscard]] Variable gelu_tanh(const Variable& x);  // its tanh approximation, of the same paper
[[nodiscard]] Variable silu(const Variable& x);       // x / (1 + exp(-x)); of the same paper

// ---- reductions.cpp -----------------------------------------------------------------------------
[[nodiscard]] Variable sum(const Variable& x, const std::vector<int>& axes = {},
                           bool keepdim = false);
[[nodiscard]] Variable mean(const Variable& x, const std::vector<int>& axes = {},
                            bool keepdim = false);
[[nodiscard]] Variable max(const Variable& x, int axis, bool keepdim = false);  // first maximum
[[nodiscard]] Variable expand(Variable x, const Shape& shape);     // x itself if it has that shape
[[nodiscard]] Variable reduce_to(Variable x, const Shape& shape);  // the adjoint of expand

// ---- shapes.cpp ---------------------------------------------------------------------------------
[[nodiscard]] Variable reshape(const Variable& x, const Shape& shape);
[[nodiscard]] Variable transpose(const Variable& x, int a = -2, int b = -1);
[[nodiscard]] Variable permute(const Variable& x, const std::vector<int>& order);
[[nodiscard]] Variable slice(const Variable& x, int axis, int64_t begin, int64_t end,
                             int64_t step = 1);
[[nodiscard]] Variable select(const Variable& x, int axis, int64_t index);  // a slice, axis removed
[[nodiscard]] Variable slice_adjoint(const Variable& x, const Shape& shape, int axis, int64_t begin,
                                     int64_t step);
[[nodiscard]] Variable concat(std::span<const Variable> parts, int axis);
[[nodiscard]] inline Variable concat(std::initializer_list<Variable> parts, int axis) {
  return concat(std::span(parts.begin(), parts.size()), axis);
}
[[nodiscard]] Variable stack(const std::vector<Variable>& parts, int axis);

// All slices along an axis, without it: (B, T, C) along 1 -> T times (B, C). Each is a view. If a
// loop takes them one by one, as slice would give them, the way back takes O(T), not O(T²).
[[nodiscard]] std::vector<Variable> unbind(const Variable& x, int axis);

// ---- selection.cpp: masks and indices are tensors, they have no gradient ------------------------
[[nodiscard]] Variable where(const Tensor& condition, const Variable& a, const Variable& b);
[[nodiscard]] Variable masked_fill(const Variable& x, const Tensor& mask, double value);
[[nodiscard]] Variable gather(const Variable& x, int axis, const Tensor& index);
[[nodiscard]] Variable scatter_add(const Variable& values, int axis, const Tensor& index,
                                   int64_t size);
[[nodiscard]] Variable scatter_add_rows(const Variable& values, const Tensor& ids, int64_t rows);

// Slices of x by number, along one axis: n numbers of axis 1 of (2, 5, 3) give (2, n, 3).
[[nodiscard]] Variable index_select(const Variable& x, int axis, const Tensor& index);
[[nodiscard]] Variable index_add(const Variable& x, int axis, const Tensor& index, int64_t size);

// Row ids[i] of the table (vocab, C):  ids (...) int64 -> (..., C).
[[nodiscard]] Variable embedding(const Variable& table, const Tensor& ids);

// Each element zero with probability p, the others divided by 1 - p, so that the mean stays.
// Draws one number per element. Throws std::invalid_argument unless 0 <= p < 1.
// Source: Srivastava et al., JMLR 2014.
[[nodiscard]] Variable dropout(const Variable& x, double p, lib::Generator& generator);

// ---- products.cpp -------------------------------------------------------------------------------
// C = A B:  (..., M, K) x (..., K, N) -> (..., M, N); a vector A is one row, a vector B one column.
[[nodiscard]] Variable matmul(const Variable& A, const Variable& B);

// y = x Wᵀ + b:  x (..., in), W (out, in), b (out) or undefined -> (..., out)
[[nodiscard]] Variable linear(const Variable& x, const Variable& W, const Variable& b = {});

// ---- softmax.cpp --------------------------------------------------------------------------------
[[nodiscard]] Variable softmax(const Variable& x, int axis);
[[nodiscard]] Variable log_softmax(const Variable& x, int axis);
[[nodiscard]] Variable masked_softmax(const Variable& x, const Tensor& mask);  // over the last axis

// log Σ exp(x) over one axis, without overflow. A row of nothing but -inf has gradient 0.
[[nodiscard]] Variable logsumexp(const Variable& x, int axis, bool keepdim = false);

// ---- attention.cpp ------------------------------------------------------------------------------
// softmax(scale Q Kᵀ) V over the keys that the mask allows, without ever holding the weights:
// Q (B, H, Tq, D), K (B, H, Tk, D), V (B, H, Tk, Dv) -> (B, H, Tq, Dv); H, or B and H, may be left
// out. The scale is 1/√D if none is given. A query without keys gives output 0 and gradient 0.
// With slopes (H), one constant for each head, score ij falls by slope |i + (Tk - Tq) - j|.
// Source: Vaswani et al. 2017, equation 1; Dao et al. 2022; slopes: Press et al. 2022.
[[nodiscard]] Variable attention(const Variable& Q, const Variable& K, const Variable& V,
                                 const tensor::AttentionMask& mask = {},
                                 std::optional<double> scale = {}, const Tensor& slopes = {});

// ---- causal_product.cpp -------------------------------------------------------------------------
// y_i = Σ_j (q_i · k_j) v_j over the keys j <= i + Tk - Tq; in reverse, as the way back needs it,
// over j >= i + Tk - Tq. Q (..., Tq, D), K (..., Tk, D), V (..., Tk, Dv) -> (..., Tq, Dv), by
// running sums in O(Tq + Tk).
// Source: Katharopoulos et al. 2020, equations 9, 18 to 20.
[[nodiscard]] Variable causal_product(const Variable& Q, const Variable& K, const Variable& V,
                                      bool reverse = false);

// ---- recurrent_cells.cpp: one step --------------------------------------------------------------
// from_x = W_ih x + b_ih and from_h = W_hh h + b_hh are (B, gates · hidden), 1, 3 or 4 gates, and
// the state before is (B, hidden). They throw std::invalid_argument if shapes or dtypes do not fit.
// Sources: Elman 1990 (RNN); Cho et al. 2014, section 2.3 (GRU); Hochreiter and Schmidhuber 1997,
// with the forget gate of Gers et al. 2000 (LSTM).
[[nodiscard]] Variable rnn_cell(const Variable& from_x, const Variable& from_h);  // -> h'
[[nodiscard]] Variable gru_cell(const Variable& from_x, const Variable& from_h, const Variable& h);
[[nodiscard]] Variable lstm_cell(const Variable& from_x, const Variable& from_h,
                                 const Variable& c);  // -> (2, B, hidden): h', then c'

// ---- recurrence.cpp: a whole sequence -----------------------------------------------------------
struct RecurrenceOptions {
  std::vector<int64_t> lengths = {};  // behind lengths[b] the state of sequence b stands still
  bool reversed = false;              // from the last position to the first
};

// from_x (B, T, gates · hidden), W (gates · hidden, hidden), b (gates · hidden), h0 and, for an
// LSTM alone, c0 (B, hidden) -> the states after each position (states, B, T, hidden): h, and for
// an LSTM c. Throws std::invalid_argument if shapes, dtypes or lengths do not fit.
[[nodiscard]] Variable recurrence(lib::Cell cell, const Variable& from_x, const Variable& W,
                                  const Variable& b, const Variable& h0, const Variable& c0 = {},
                                  const RecurrenceOptions& options = {});

// ---- layer_norm.cpp -----------------------------------------------------------------------------
// y = (x - mean) / √(variance + eps) · gamma + beta over the last axis; x (..., C), gamma and beta
// (C).
// Source: Ba, Kiros, Hinton 2016.
[[nodiscard]] Variable layer_norm(const Variable& x, const Variable& gamma, const Variable& beta,
                                  double eps = 1e-5);

// y = x / √(mean(x²) + eps) · gamma over the last axis; x (..., C), gamma (C).
// Source: Zhang and Sennrich 2019.
[[nodiscard]] Variable rms_norm(const Variable& x, const Variable& gamma, double eps = 1e-5);

// ---- cross_entropy.cpp --------------------------------------------------------------------------
inline constexpr int64_t kIgnoreIndex = -100;  // a target that does not count

struct CrossEntropyOptions {
  int64_t ignore_index = kIgnoreIndex;
  double label_smoothing = 0;  // this share of the target is spread evenly over all classes
};

// The mean of -log softmax(logits)[target] over the counted positions: logits (..., vocab), targets
// (...) int64 -> (). Throws std::invalid_argument if shapes do not fit, a target is outside [0,
// vocab), no position counts, or label_smoothing is outside [0, 1).
[[nodiscard]] Variable cross_entropy(const Variable& logits, const Tensor& targets,
                                     CrossEntropyOptions options = {});

// ---- mse_loss.cpp -------------------------------------------------------------------------------
// The mean of (x - target)² over all elements -> (). Throws std::invalid_argument if shapes or
// dtypes differ, if they are not floating, or if there is no element.
[[nodiscard]] Variable mse_loss(const Variable& x, const Variable& target);

}  // namespace qkv::autograd
