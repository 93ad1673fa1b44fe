// Solution 04.
//
//   C_ij = Σ_k A_ik B_kj
//
// A_ik is in row i of C only, in each C_ij with weight B_kj: dA_ik = Σ_j dC_ij B_kj, which is row i
// of dC times row k of B. In the same way dB_kj = Σ_i A_ik dC_ij. The library's: matmul in
// autograd/products.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Grads matmul_backward(const Variable& dC, const Variable& A, const Variable& B) {
  return {matmul(dC, transpose(B)),   // (M, N) x (N, K) -> (M, K)
          matmul(transpose(A), dC)};  // (K, M) x (M, N) -> (K, N)
}

}  // namespace qkv::examples
