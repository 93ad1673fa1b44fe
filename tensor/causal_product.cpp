// From tensors to pointers: all axes before the last two are batches.
#include "tensor/causal_product.h"

#include "lib/causal_product.h"

namespace qkv::tensor {
namespace {

// The shape without its last two axes.
Shape batches_of(const Tensor& x) {
  Shape shape = x.shape();
  shape.erase(shape.rank() - 1);
  shape.erase(shape.rank() - 1);
  return shape;
}

void check_operands(const Tensor& Q, const Tensor& K, const Tensor& V) {
  const bool matrices = Q.rank() >= 2 && K.rank() == Q.rank() && V.rank() == Q.rank();
  if (!matrices || batches_of(K) != batches_of(Q) || batches_of(V) != batches_of(Q) ||
      K.shape().from_end(1) != Q.shape().from_end(1) ||
      K.shape().from_end(2) != V.shape().from_end(2)) {
    lib::fail("causal_product: Q is ", Q.shape(), ", K ", K.shape(), ", V ", V.shape(),
              "; need (..., Tq, D), (..., Tk, D) and (..., Tk, Dv), the rest equal");
  }
  if (Q.dtype() != K.dtype() || Q.dtype() != V.dtype()) {
    lib::fail("causal_product: dtypes differ: Q is ", Q.dtype(), ", K ", K.dtype(), ", V ",
              V.dtype());
  }
}

}  // namespace

Tensor causal_product(const Tensor& Q, const Tensor& K, const Tensor& V, bool reverse) {
  check_operands(Q, K, V);
  Shape shape = Q.shape();
  shape[shape.rank() - 1] = V.shape().from_end(1);
  Tensor y = Tensor::empty(shape, Q.dtype());
  dispatch_floating("causal_product", Q.dtype(), [&]<class T>(T) {
    const Tensor q = Q.contiguous(), k = K.contiguous(), v = V.contiguous();
    lib::causal_product<T>({.batches = batches_of(Q).numel(),
                            .queries = Q.shape().from_end(2),
                            .keys = K.shape().from_end(2),
                            .D = Q.shape().from_end(1),
                            .Dv = V.shape().from_end(1),
                            .reverse = reverse},
                           q.data<T>(), k.data<T>(), v.data<T>(), y.mutable_data<T>());
  });
  return y;
}

}  // namespace qkv::tensor
