// Solution 08, the formula line by line.
//
// Score ij says how well query i matches key j, softmax makes shares of them, and output i is the
// average of the values by these shares. The library's, for (B, H, T, D): nn/attention.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable attention_output(const Variable& Q, const Variable& K, const Variable& V) {
  const double D = static_cast<double>(Q.shape()[1]);
  const Variable scores = matmul(Q, transpose(K)) / std::sqrt(D);  // (Tq, Tk)
  const Variable weights = softmax(scores, -1);                    // (Tq, Tk)
  return matmul(weights, V);                                       // (Tq, Dv)
}

}  // namespace qkv::examples
