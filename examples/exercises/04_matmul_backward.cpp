// Exercise 04. The two gradients of a matrix product (chapter 3)
//
// C = A B with A (M, K), B (K, N), so C and dC are (M, N). Return dA (M, K) and dB (K, N).
//
// Hint: there is only one way to put dC and B together into (M, K) that sums over N, and only one
// to put A and dC together into (K, N) that sums over M. transpose(B) is (N, K).
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Grads matmul_backward(const Variable& dC, const Variable& A, const Variable& B) {
  return {A, B};  // your code
}

}  // namespace qkv::examples
