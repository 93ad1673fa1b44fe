// Solution 10. Row t of the projected keys is W_k k_t; the query's projection is added to each row:
// a small network with one hidden layer, asked once for every key. The library's, for batches:
// AdditiveAttention in nn/score_attention.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable additive_scores(const Variable& q, const Variable& keys, const Variable& Wq,
                         const Variable& Wk, const Variable& v) {
  const Variable from_query = matmul(Wq, q);               // (hidden)
  const Variable from_keys = matmul(keys, transpose(Wk));  // (T, hidden)
  return matmul(tanh(from_keys + from_query), v);          // (T)
}

}  // namespace qkv::examples
