// Grades exercise 02 by the gradient check.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Variable tanh_backward(const Variable& dy, const Variable& y);

namespace {

void questions() {
  compare_gradients(
      "tanh(x)", [](In in) { return tanh(in[0]); },
      [](In, Var dy, Var y) -> Grads { return {tanh_backward(dy, y)}; },
      {{"x", random_numbers({2, 3}, 1)}},
      {{"dy came through unchanged: the slope 1 - y^2 is missing",
        [](In, Var dy, Var) -> Grads { return {dy}; }},
       {"1 - y for 1 - y^2", [](In, Var dy, Var y) -> Grads { return {dy * (-y + 1.0)}; }},
       {"tanh was taken once more: y is tanh(x) already",
        [](In, Var dy, Var y) -> Grads { return {dy * (-(tanh(y) * tanh(y)) + 1.0)}; }},
       {"y (1 - y), the slope of another function: of sigmoid",
        [](In, Var dy, Var y) -> Grads { return {dy * y * (-y + 1.0)}; }}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(2, "tanh backward", qkv::examples::questions); }
