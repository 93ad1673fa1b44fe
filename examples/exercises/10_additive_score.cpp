// Exercise 10. The additive score of Bahdanau (chapter 10)
//
//   score_t = v . tanh(W_q q + W_k k_t)
//
// for one query q (Cq) and every key k_t, row t of keys (T, Ck). W_q (hidden, Cq), W_k (hidden,
// Ck), v (hidden); return (T). Queries and keys may have different widths.
//
// Hint: all keys at once: matmul(keys, transpose(Wk)) is (T, hidden), and the projected query
// (hidden) broadcasts against it. A matrix (T, hidden) times a vector (hidden) gives (T).
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable additive_scores(const Variable& q, const Variable& keys, const Variable& Wq,
                         const Variable& Wk, const Variable& v) {
  return sum(keys, {-1});  // your code
}

}  // namespace qkv::examples
