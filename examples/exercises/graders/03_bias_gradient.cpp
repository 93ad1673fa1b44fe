// Grades exercise 03 by the gradient check.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Variable bias_backward(const Variable& dy);

namespace {

void questions() {
  const Variable x = random_numbers({2, 3, 4}, 1);
  compare_gradients(
      "x + b", [x](In in) { return x + in[0]; },
      [](In, Var dy, Var) -> Grads { return {bias_backward(dy)}; }, {{"b", random_numbers({4}, 2)}},
      {{"the mean over all positions, where the sum is needed", [](In, Var dy, Var) -> Grads {
          return {mean(dy, {0, 1})};
        }}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(3, "the bias gradient", qkv::examples::questions); }
