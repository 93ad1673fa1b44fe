// Matrix products. Remember the shapes and the adjoints follow: dA must have the shape of A, and
// only one product of dC and B has it.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/linear.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::autograd {

namespace {

// The same adjoints for vectors, which take part as matrices of one row (A) or of one column (B).
Grads matmul_of_vectors_backward(const Variable& A, const Variable& B, const Variable& dC) {
  const bool row = A.rank() == 1, column = B.rank() == 1;
  const Variable a = row ? reshape(A, {1, A.numel()}) : A;     // (..., M, K)
  const Variable b = column ? reshape(B, {B.numel(), 1}) : B;  // (..., K, N)
  const Variable dc = reshape(dC, tensor::matrix_shape(dC.shape(), row, column));
  Grads grads(2);
  if (wanted(0)) grads[0] = reshape(reduce_to(matmul(dc, transpose(b)), a.shape()), A.shape());
  if (wanted(1)) grads[1] = reshape(reduce_to(matmul(transpose(a), dc), b.shape()), B.shape());
  return grads;
}

}  // namespace

// ---- matmul -------------------------------------------------------------------------------------
//
//   forward    C  = A B            (..., M, K) x (..., K, N) -> (..., M, N)
//   backward   dA = dC Bᵀ          (..., M, N) x (..., N, K) -> (..., M, K)
//              dB = Aᵀ dC          (..., K, M) x (..., M, N) -> (..., K, N)
//
// Why: C_ij = Σ_k A_ik B_kj, so A_ik reaches the loss through row i of C only, weighted by B_kj.
// The dots are batch axes: many products side by side.
// Saved: A and B. The product is not needed again.
Variable matmul(const Variable& A, const Variable& B) {
  return record("matmul", {A, B}, tensor::matmul(A.value(), B.value()),
                [A = Saved(A), B = Saved(B)](const Variable& dC) -> Grads {
                  if (A.shape().rank() == 1 || B.shape().rank() == 1) {
                    return matmul_of_vectors_backward(A, B, dC);
                  }
                  Grads grads(2);  // reduce_to, since batch axes may broadcast
                  if (wanted(0)) grads[0] = reduce_to(matmul(dC, transpose(B)), A.shape());
                  if (wanted(1)) grads[1] = reduce_to(matmul(transpose(A), dC), B.shape());
                  return grads;
                });
}

// ---- linear (fused) -----------------------------------------------------------------------------
//
//   forward    y = x Wᵀ + b        (..., in) x (in, out) + (out) -> (..., out)
//   backward   dx = dy W           (..., out) x (out, in) -> (..., in)
//              dW = dyᵀ x          (out, rows) x (rows, in) -> (out, in), all positions as rows
//              db = Σ dy           over all positions
//
// Each position (a row of `in` numbers) meets the weights W, and a bias b is added, or none.
// Saved: x and W.
Variable linear(const Variable& x, const Variable& W, const Variable& b) {
  const auto definition = [](const std::vector<Variable>& in) {
    Shape shape = in[0].shape();  // (..., in), then (..., out)
    const Variable rows = reshape(in[0], {-1, shape.from_end(1)});
    shape[shape.rank() - 1] = in[1].shape()[0];
    const Variable product = reshape(matmul(rows, transpose(in[1])), shape);
    return in.size() > 2 ? product + in[2] : product;
  };
  const Operand all[] = {x, W, b};
  const Operands inputs(all, b.defined() ? 3 : 2);
  Tensor y = tensor::linear(x.value(), W.value(), b.value());  // checks the operands
  if (using_definitions()) return definition({inputs.begin(), inputs.end()});
  const auto backward = [x = x.value(), W = W.value(),
                         count = inputs.size()](const Tensor& dy) -> std::vector<Tensor> {
    const Tensor rows = tensor::as_rows(dy);
    std::vector<Tensor> grads(count);
    if (wanted(0)) grads[0] = tensor::reshape(tensor::matmul(rows, W), x.shape());
    if (wanted(1)) grads[1] = tensor::matmul(tensor::transpose(rows), tensor::as_rows(x));
    if (count > 2 && wanted(2)) grads[2] = tensor::sum(rows, {0});
    return grads;
  };
  return record_fused("linear", inputs, std::move(y), backward, definition);
}

}  // namespace qkv::autograd
