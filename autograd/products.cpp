// Matrix products. Remember the shapes and the adjoints follow: dA must have the shape of A, and
// only one product of dC and B has it.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/matmul.h"

#include "tensor/elementwise.h"
#include "tensor/views.h"

namespace qkv::autograd {

// ---- matmul -------------------------------------------------------------------------------------
//
//   forward    C  = A B            (..., M, K) x (..., K, N) -> (..., M, N)
//   backward   dA = dC Bᵀ          (..., M, N) x (..., N, K) -> (..., M, K)
//              dB = Aᵀ dC          (..., K, M) x (..., M, N) -> (..., K, N)
//
// Why: C_ij = Σ_k A_ik B_kj, so A_ik reaches the loss through row i of C only, weighted by B_kj.
// Saved: A and B. The product is not needed again.
Variable matmul(const Variable& A, const Variable& B) {
  return record("matmul", {A, B}, tensor::matmul(A.value(), B.value()),
                [A = Saved(A), B = Saved(B)](const Variable& dC) -> Grads {
                  return {
                      reduce_to(matmul(dC, transpose(B)), A.shape()),  // batch axes may broadcast
                      reduce_to(matmul(transpose(A), dC), B.shape())};
                });
}

namespace {

// (..., n) -> (rows, n): all positions as rows of one matrix.
Variable as_rows(const Variable& x) {
  const int64_t n = x.shape().from_end(1);
  return reshape(x, {n == 0 ? 0 : x.numel() / n, n});
}

Tensor linear_value(const Tensor& x, const Tensor& W, const Variable& b) {
  if (x.rank() == 0 || W.rank() != 2 || x.shape().from_end(1) != W.shape()[1]) {
    lib::fail("linear: x is ", x.shape(), ", W is ", W.shape(),
              "; need W of rank 2 with W.shape[1] == x.shape[-1]");
  }
  if (x.dtype() != W.dtype() || (b.defined() && b.dtype() != W.dtype())) {
    lib::fail("linear: dtypes differ: x is ", x.dtype(), ", W ", W.dtype(), ", b ",
              b.defined() ? b.dtype() : W.dtype());
  }
  if (b.defined() && b.shape() != Shape{W.shape()[0]}) {
    lib::fail("linear: b is ", b.shape(), ", W is ", W.shape(), "; need b of shape (W.shape[0],)");
  }
  Shape shape = x.shape();
  shape[shape.rank() - 1] = W.shape()[0];
  const int64_t in = x.shape().from_end(1);
  const Tensor rows = tensor::reshape(
      x, {in == 0 ? shape.numel() / std::max<int64_t>(W.shape()[0], 1) : x.numel() / in, in});
  const Tensor y = tensor::reshape(tensor::matmul(rows, tensor::transpose(W)), shape);
  return b.defined() ? tensor::add(y, b.value()) : y;
}

}  // namespace

// ---- linear -------------------------------------------------------------------------------------
//
//   forward    y = x Wᵀ + b        (..., in) x (in, out) + (out) -> (..., out)
//   backward   dx = dy W           (..., out) x (out, in) -> (..., in)
//              dW = dyᵀ x          (out, rows) x (rows, in) -> (out, in), all positions as rows
//              db = Σ dy           over all positions
//
// Saved: x and W.
Variable linear(const Variable& x, const Variable& W, const Variable& b) {
  std::vector<Variable> inputs = {x, W};
  if (b.defined()) inputs.push_back(b);
  return record(
      "linear", inputs, linear_value(x.value(), W.value(), b),
      [x = Saved(x), W = Saved(W), bias = b.defined()](const Variable& dy) {
        const Variable rows = as_rows(dy);
        Grads grads = {reshape(matmul(rows, W), x.shape()), matmul(transpose(rows), as_rows(x))};
        if (bias) grads.push_back(sum(rows, {0}));
        return grads;
      });
}

}  // namespace qkv::autograd
