// Grades exercise 05: rows sum to 1, the right weights, and no NaN from large numbers.
#include "examples/exercises/grader.h"
#include "tensor/softmax.h"

namespace qkv::examples {

Variable stable_softmax(const Variable& x);

namespace {

// With m subtracted: what may be wrong is which m.
Tensor softmax_less(const Tensor& x, const Tensor& m) {
  const Tensor e = exp(sub(x, m));
  return div(e, sum(e, {-1}, true));
}

void ask(const std::string& what, const Tensor& x) {
  tried(what);
  const Tensor plain = exp(x), zero = tensor::zeros(Shape{}, Dtype::float64);
  const Tensor largest = max(tensor::reshape(x, {-1}), 0);
  compare("the weights", stable_softmax(x).value(), tensor::softmax(x, -1),
          {{"the maximum was not subtracted: exp(1000) is infinite", softmax_less(x, zero)},
           {"one maximum for all rows: each needs its own", softmax_less(x, largest)},
           {"the maximum of each column: each row needs its own", softmax_less(x, max(x, 0, true))},
           {"the numerator alone: the rows are not divided by their sums", plain},
           {"a softmax down the columns: the sum is over the wrong axis", tensor::softmax(x, 0)},
           {"a sum over all rows: each row has its own", div(plain, sum(plain))}});
}

void questions() {
  const Tensor x = numbers({0, 1, 2, -1, 3, 0.5}, {2, 3});
  tried("x = (0, 1, 2), (-1, 3, 0.5)");
  compare_row_sums("the weights", stable_softmax(x).value());
  ask("the same x, element by element", x);
  ask("x = (1000, 1001, 1002), (0, 0, 0)", numbers({1000, 1001, 1002, 0, 0, 0}, {2, 3}));
  ask("x = (0, 1, 2), (-2000, -2001, -2002)", numbers({0, 1, 2, -2000, -2001, -2002}, {2, 3}));
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(5, "a stable softmax", qkv::examples::questions); }
