// Grades exercise 06 by the gradient check.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Variable softmax_backward(const Variable& dy, const Variable& y);

namespace {

void questions() {
  compare_gradients(
      "softmax(x)", [](In in) { return softmax(in[0], -1); },
      [](In, Var dy, Var y) -> Grads { return {softmax_backward(dy, y)}; },
      {{"x", random_numbers({2, 4}, 1)}},
      {{"dy came through unchanged", [](In, Var dy, Var) -> Grads { return {dy}; }},
       {"the sum is forgotten: raising one weight takes from the others in its row",
        [](In, Var dy, Var y) -> Grads { return {dy * y}; }},
       {"the diagonal of the Jacobian alone: x_j changes every y_i of its row, not only y_j",
        [](In, Var dy, Var y) -> Grads { return {dy * y * (-y + 1.0)}; }},
       {"a sum of dy where one of dy y is needed: the average is weighted by y",
        [](In, Var dy, Var y) -> Grads { return {y * (dy - sum(dy, {-1}, true))}; }},
       {"a plain mean of dy: the average is weighted by y",
        [](In, Var dy, Var y) -> Grads { return {y * (dy - mean(dy, {-1}, true))}; }},
       {"a sum down the columns: the sum is over the row, the last axis",
        [](In, Var dy, Var y) -> Grads { return {y * (dy - sum(dy * y, {0}, true))}; }},
       {"one sum over all rows: each row has its own",
        [](In, Var dy, Var y) -> Grads { return {y * (dy - sum(dy * y))}; }}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(6, "softmax backward", qkv::examples::questions); }
