// From tensors to pointers and strides: (T, D), (B, T, D) and (B, H, T, D) all become the last.
#include "tensor/attention.h"

#include "lib/attention.h"
#include "tensor/elementwise.h"
#include "tensor/strided.h"
#include "tensor/views.h"

namespace qkv::tensor {
namespace {

using lib::fail;

void check_operands(const Tensor& Q, const Tensor& K, const Tensor& V) {
  const auto shapes = [&] {
    return lib::str("attention: Q is ", Q.shape(), ", K ", K.shape(), ", V ", V.shape());
  };
  if (Q.rank() < 2 || Q.rank() > 4 || K.rank() != Q.rank() || V.rank() != Q.rank()) {
    fail(shapes(), "; need (T, D), (B, T, D) or (B, H, T, D), the same kind for all three");
  }
  if (Q.dtype() != K.dtype() || Q.dtype() != V.dtype()) {
    fail("attention: dtypes differ: Q is ", Q.dtype(), ", K ", K.dtype(), ", V ", V.dtype());
  }
  for (int axis = 0; axis < Q.rank() - 2; ++axis) {
    if (K.shape()[axis] != Q.shape()[axis] || V.shape()[axis] != Q.shape()[axis]) {
      fail(shapes(), "; the axes before (T, D) must be equal");
    }
  }
  if (Q.shape().from_end(1) != K.shape().from_end(1)) {
    fail(shapes(), "; queries and keys need the same width D (last axis)");
  }
  if (K.shape().from_end(2) != V.shape().from_end(2)) {
    fail(shapes(), "; every key needs one value (same T, second axis from the end)");
  }
}

void check_mask(const AttentionMask& mask, const Shape& scores) {
  if (mask.key_lengths.defined()) {
    const Tensor& lengths = mask.key_lengths;
    if (scores.rank() != 4) fail("attention: key lengths need operands (B, H, T, D)");
    const int64_t batch = scores[0];
    if (lengths.dtype() != Dtype::int64 || lengths.rank() != 1 ||
        (lengths.numel() != 1 && lengths.numel() != batch)) {
      fail("attention: key lengths are ", lengths.shape(), " ", lengths.dtype(), "; need (", batch,
           ",) int64");
    }
    for (const double length : lengths.to_vector()) {
      if (!(length >= 0 && length <= static_cast<double>(scores.from_end(1)))) {
        fail("attention: key length ", length, " is outside [0, ", scores.from_end(1), "]");
      }
    }
  }
  if (!mask.allowed.defined()) return;
  if (mask.allowed.dtype() != Dtype::boolean) {
    fail("attention: needs a bool mask (true = may attend), got ", mask.allowed.dtype());
  }
  if (broadcast_shapes("attention mask", mask.allowed.shape(), scores) != scores) {
    fail("attention: the mask is ", mask.allowed.shape(), ", the scores are ", scores,
         "; the mask must broadcast to (..., Tq, Tk)");
  }
}

void check_slopes(const Tensor& slopes, const Tensor& Q) {
  if (!slopes.defined()) return;
  if (Q.rank() != 4 || slopes.shape() != Shape{Q.shape()[1]} || slopes.dtype() != Q.dtype()) {
    fail("attention: slopes are ", slopes.shape(), " ", slopes.dtype(), ", Q is ", Q.shape(), " ",
         Q.dtype(), "; need slopes (H) for Q (B, H, T, D), of the same dtype");
  }
}

// (...) of rank 2, 3 or 4, as strides of (B, H, T, D): missing axes have one index.
Strides four_axes(Strides s) {
  if (s.rank() == 2) s.insert(0, 0);
  if (s.rank() == 3) s.insert(1, 0);
  return s;
}

template <class T, class U>
lib::Heads<T> heads_of(const Tensor& x, U* data) {
  const Strides s = four_axes(x.strides());
  return {data, s[0], s[1], s[2]};
}
template <class T>
lib::Heads<const T> heads_of(const Tensor& x) {
  return heads_of<const T>(x, x.data<T>());
}

// The kernels want the elements of a row next to each other; any other strides will do.
Tensor with_whole_rows(const Tensor& x) {
  return x.shape().from_end(1) <= 1 || x.strides().from_end(1) == 1 ? x : x.contiguous();
}

// (B, H, T, D), lying as (B, T, H, D).
Tensor empty_heads(Shape shape, Dtype dtype) {
  if (shape.rank() < 4) return Tensor::empty(shape, dtype);
  std::swap(shape[1], shape[2]);
  return transpose(Tensor::empty(shape, dtype), 1, 2);
}

template <class T>
lib::AttentionProblem<T> problem_of(const Tensor& Q, const Tensor& K, const Tensor& V,
                                    const AttentionMask& mask, double scale, const Tensor& slopes) {
  lib::AttentionProblem<T> p = {.shape = {1, 1, Q.shape().from_end(2), K.shape().from_end(2),
                                          Q.shape().from_end(1), V.shape().from_end(1)},
                                .mask = {.causal = mask.causal},
                                .scale = static_cast<T>(scale),
                                .Q = heads_of<T>(Q),
                                .K = heads_of<T>(K),
                                .V = heads_of<T>(V),
                                .slopes = slopes.defined() ? slopes.data<T>() : nullptr};
  if (Q.rank() > 2) p.shape.batch = Q.shape()[0];
  if (Q.rank() > 3) p.shape.heads = Q.shape()[1];
  if (mask.key_lengths.defined()) {
    p.mask.key_lengths = mask.key_lengths.data<int64_t>();
    p.mask.length_stride = mask.key_lengths.numel() == 1 ? 0 : mask.key_lengths.strides()[0];
  }
  if (mask.allowed.defined()) {
    Shape scores = Q.shape();
    scores[scores.rank() - 1] = p.shape.keys;
    const Tensor& allowed = mask.allowed;
    const Strides s = four_axes(broadcast_strides(allowed.shape(), allowed.strides(), scores));
    p.mask.allowed = allowed.data<bool>();
    p.mask.batch_stride = s[0], p.mask.head_stride = s[1];
    p.mask.query_stride = s[2], p.mask.key_stride = s[3];
  }
  return p;
}

}  // namespace

Tensor dense_mask(const AttentionMask& mask, int64_t queries, int64_t keys) {
  Tensor all = mask.allowed;
  const auto restrict_to = [&](const Tensor& part) {
    all = all.defined() ? logical_and(part, all) : part;
  };
  if (mask.key_lengths.defined()) {
    const Tensor length_of = reshape(mask.key_lengths, {-1, 1, 1, 1});
    restrict_to(less(arange(keys), length_of));  // (B, 1, 1, Tk)
  }
  if (mask.causal) {
    const Tensor last_key = add(arange(queries), static_cast<double>(keys - queries));
    restrict_to(less_equal(arange(keys), unsqueeze(last_key, 1)));  // (Tq, Tk)
  }
  return all;
}

//   Tq = 2, Tk = 4, slope 1:     -2 -1  0 -1      query 0 stands beside key 2
//                                -3 -2 -1  0
Tensor alibi_bias(const Tensor& slopes, int64_t queries, int64_t keys) {
  const Dtype dtype = slopes.dtype();
  const Tensor beside = add(arange(queries, dtype), static_cast<double>(keys - queries));
  const Tensor distance = abs(sub(unsqueeze(beside, 1), arange(keys, dtype)));  // (Tq, Tk)
  return mul(reshape(neg(slopes), {-1, 1, 1}), distance);                       // (H, Tq, Tk)
}

AttentionResult attention(const Tensor& q, const Tensor& k, const Tensor& v,
                          const AttentionMask& mask, double scale, const Tensor& slopes) {
  check_operands(q, k, v);
  check_slopes(slopes, q);
  Shape shape = q.shape();
  shape[shape.rank() - 1] = k.shape().from_end(2);
  check_mask(mask, shape);
  shape[shape.rank() - 1] = v.shape().from_end(1);
  Tensor O = empty_heads(shape, q.dtype());
  shape.erase(shape.rank() - 1);
  Tensor L = Tensor::empty(shape, q.dtype());
  const Tensor Q = with_whole_rows(q), K = with_whole_rows(k), V = with_whole_rows(v);
  const Tensor m = slopes.defined() ? slopes.contiguous() : slopes;
  dispatch_floating("attention", Q.dtype(), [&]<class T>(T) {
    lib::attention(problem_of<T>(Q, K, V, mask, scale, m), heads_of<T>(O, O.mutable_data<T>()),
                   L.mutable_data<T>());
  });
  return {O, L};
}

AttentionGradients attention_backward(const Tensor& q, const Tensor& k, const Tensor& v,
                                      const AttentionMask& mask, double scale,
                                      const AttentionResult& result, const Tensor& d,
                                      const Tensor& slopes) {
  const Tensor Q = with_whole_rows(q), K = with_whole_rows(k), V = with_whole_rows(v),
               dO = with_whole_rows(d);
  const Tensor m = slopes.defined() ? slopes.contiguous() : slopes;
  AttentionGradients grads = {empty_heads(q.shape(), q.dtype()), empty_heads(k.shape(), q.dtype()),
                              empty_heads(v.shape(), q.dtype())};
  dispatch_floating("attention", Q.dtype(), [&]<class T>(T) {
    lib::attention_backward<T>(problem_of<T>(Q, K, V, mask, scale, m),
                               {heads_of<T>(result.output), result.logsumexp.data<T>()},
                               heads_of<T>(dO),
                               {heads_of<T>(grads.dQ, grads.dQ.mutable_data<T>()),
                                heads_of<T>(grads.dK, grads.dK.mutable_data<T>()),
                                heads_of<T>(grads.dV, grads.dV.mutable_data<T>())});
  });
  return grads;
}

}  // namespace qkv::tensor
