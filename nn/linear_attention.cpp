// Linear attention three ways: by its weights, by running sums, and one position after another.
#include "nn/linear_attention.h"

#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/views.h"

namespace qkv::nn {
namespace {

// x / total, where a total of 0 stands for 1: that of a query without keys.
Variable divided(const Variable& x, const Variable& total) {
  const Tensor none = tensor::equal(total.value(), tensor::scalar(0, total.dtype()));
  return x / (total + Variable(none.to(total.dtype())));
}

// V with a column of ones, whose sums are what to divide by:
//
//   a b        a b 1        w_1 (a b 1) + w_2 (c d 1) = (.. .. w_1 + w_2)
//   c d   ->   c d 1
Variable with_ones(const Variable& V) {
  Shape column = V.shape();
  column[column.rank() - 1] = 1;
  return autograd::concat({V, tensor::ones(column, V.dtype())}, -1);  // (..., Tk, Dv + 1)
}

Variable divided_by_last(const Variable& sums) {
  const int64_t Dv = sums.shape().from_end(1) - 1;
  return divided(slice(sums, -1, 0, Dv), slice(sums, -1, Dv, Dv + 1));
}

void check_operands(const char* name, const Variable& Q, const Variable& K, const Variable& V) {
  const int rank = Q.rank();
  bool fits = rank >= 2 && K.rank() == rank && V.rank() == rank;
  if (fits) {
    Shape keys = Q.shape(), values = Q.shape();
    keys[rank - 2] = values[rank - 2] = K.shape()[rank - 2];
    values[rank - 1] = V.shape()[rank - 1];
    fits = K.shape() == keys && V.shape() == values;
  }
  if (fits) return;
  lib::fail(name, ": Q is ", Q.shape(), ", K ", K.shape(), ", V ", V.shape(),
            "; need (..., Tq, D), (..., Tk, D) and (..., Tk, Dv), the axes before the same");
}

void check_step(const Variable& q, const Variable& k, const Variable& v, const Variable& state) {
  check_operands("linear_attention_step", q, k, v);
  if (q.shape().from_end(2) != 1 || k.shape().from_end(2) != 1) {
    lib::fail("linear_attention_step: q is ", q.shape(), ", k ", k.shape(),
              "; need one position, Tq = Tk = 1");
  }
  Shape before = q.shape();  // of the state
  before[q.rank() - 2] = q.shape().from_end(1), before[q.rank() - 1] = v.shape().from_end(1) + 1;
  if (state.defined() && state.shape() != before) {
    lib::fail("linear_attention_step: q is ", q.shape(), ", v ", v.shape(), ", the state ",
              state.shape(), "; need a state (..., D, Dv + 1) = ", before);
  }
}

}  // namespace

// The exponential must not see a large x: it would be infinite, and its gradient 0 times that.
Variable elu_plus_one(const Variable& x) {
  const Tensor positive = tensor::greater(x.value(), tensor::scalar(0, x.dtype()));
  return where(positive, x + 1.0, exp(masked_fill(x, positive, 0)));
}

AttentionOutput linear_attention(const Variable& Q, const Variable& K, const Variable& V,
                                 const Mask& mask, bool need_weights) {
  check_operands("linear_attention", Q, K, V);
  const Variable queries = elu_plus_one(Q);  // (..., Tq, D)
  Variable keys = elu_plus_one(K);           // (..., Tk, D)
  if (need_weights) {
    Variable products = attention_scores(queries, keys, 1.0);  // (..., Tq, Tk)
    if (mask.restricts()) {
      products = masked_fill(products, tensor::logical_not(mask.allowed()), 0);
    }
    const Variable weights = divided(products, sum(products, {-1}, true));
    return {matmul(weights, V), weights};
  }
  const int64_t Tq = Q.shape().from_end(2), Tk = K.shape().from_end(2);
  const tensor::AttentionMask parts = mask.parts(Tq, Tk);
  if (parts.allowed.defined()) {
    lib::fail("linear_attention: the mask is more than causal or padding; running sums cannot ",
              "leave out a key for some queries only, so ask for the weights");
  }
  if (parts.key_lengths.defined()) {
    const Tensor real = tensor::dense_mask({.key_lengths = parts.key_lengths}, Tq, Tk);
    const Tensor padding = tensor::logical_not(tensor::transpose(real));  // (B, 1, Tk, 1)
    keys = masked_fill(keys, padding, 0);
  }
  const Variable values = with_ones(V);  // (..., Tk, Dv + 1)
  const Variable sums = parts.causal ? causal_product(queries, keys, values)
                                     : matmul(queries, matmul(transpose(keys), values));
  return {divided_by_last(sums), Variable()};  // (..., Tq, Dv)
}

Variable linear_attention_step(const Variable& q, const Variable& k, const Variable& v,
                               Variable& state) {
  check_step(q, k, v, state);
  const Variable taken_in = matmul(transpose(elu_plus_one(k)), with_ones(v));  // (..., D, Dv + 1)
  state = state.defined() ? state + taken_in : taken_in;
  return divided_by_last(matmul(elu_plus_one(q), state));  // (..., 1, Dv)
}

}  // namespace qkv::nn
