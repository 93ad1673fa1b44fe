// Exercise 16. A softmax under a mask, empty rows included (chapter 13)
//
// The softmax of each row of x over the elements where `allowed` (bool, of x's shape) is true; 0
// elsewhere. A row where nothing is allowed gives zeros, not NaN: a query without keys. Hidden
// elements, however large, change nothing.
//
// Hint: masked_fill(x, logical_not(allowed), -infinity) hides: exp(-infinity) is 0. The maximum to
// subtract is that of what is left. Where nothing is left it is -infinity, and the sum is 0: put
// numbers there that do no harm. x.value() is a Variable's tensor, equal(t, tensor::scalar(0,
// Dtype::float64)) is true where it is 0, and Variable(t.to(Dtype::float64)) makes 1 of true.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable softmax_where(const Variable& x, const Tensor& allowed) {
  return softmax(x, -1);  // your code
}

}  // namespace qkv::examples
