// From x, W and b to one product whose sums begin with b.
#include "tensor/linear.h"

#include "lib/matmul.h"
#include "tensor/views.h"

namespace qkv::tensor {
namespace {

using lib::fail;

void check_operands(const Tensor& x, const Tensor& W, const Tensor& b) {
  if (x.rank() == 0 || W.rank() != 2 || x.shape().from_end(1) != W.shape()[1]) {
    fail("linear: x is ", x.shape(), ", W is ", W.shape(),
         "; need W of rank 2 with W.shape[1] == x.shape[-1]");
  }
  if (x.dtype() != W.dtype() || (b.defined() && b.dtype() != W.dtype())) {
    fail("linear: dtypes differ: x is ", x.dtype(), ", W ", W.dtype(), ", b ",
         b.defined() ? b.dtype() : W.dtype());
  }
  if (b.defined() && b.shape() != Shape{W.shape()[0]}) {
    fail("linear: b is ", b.shape(), ", W is ", W.shape(), "; need b of shape (W.shape[0],)");
  }
}

}  // namespace

Tensor as_rows(const Tensor& x) {
  Shape positions = x.shape();
  positions.erase(positions.rank() - 1);
  return reshape(x, {positions.numel(), x.shape().from_end(1)});
}

Tensor linear(const Tensor& x, const Tensor& W, const Tensor& b) {
  check_operands(x, W, b);
  Shape shape = x.shape();
  shape[shape.rank() - 1] = W.shape()[0];
  Tensor y = Tensor::empty(shape, x.dtype());
  const Tensor rows = as_rows(x);
  const int64_t M = rows.shape()[0], K = W.shape()[1], N = W.shape()[0];
  dispatch_floating("linear", x.dtype(), [&]<class T>(T) {
    const Tensor bias = b.defined() ? b.contiguous() : Tensor();
    lib::matmul<T>({.M = M, .N = N, .K = K}, {rows.data<T>(), rows.strides()[0], rows.strides()[1]},
                   {W.data<T>(), W.strides()[1], W.strides()[0]}, {y.mutable_data<T>(), N, 1},
                   b.defined() ? bias.data<T>() : nullptr);
  });
  return y;
}

}  // namespace qkv::tensor
