// Exercise 14. The causal mask (chapter 13)
//
// Return a bool tensor (queries, keys), true where a query may attend to a key: query i may look at
// its own place and at all before it. With more keys than queries the last query stands at the last
// key, as when it asks after a text that has been read before:
//
//   3 queries, 3 keys   # . .        2 queries, 4 keys   # # # .
//                       # # .                            # # # #
//                       # # #
//
// Hint: tensor::arange(n) is 0 .. n-1, unsqueeze(t, 1) makes a column of it, less_equal(a, b) is
// true where a <= b, and operands broadcast. add(t, 2.0) adds 2 to every element.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Tensor causal_mask(int64_t queries, int64_t keys) {
  return tensor::full({queries, keys}, 1, Dtype::boolean);  // your code
}

}  // namespace qkv::examples
