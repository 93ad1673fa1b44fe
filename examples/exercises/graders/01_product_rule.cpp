// Grades exercise 01 by the gradient check.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Grads product_backward(const Variable& dz, const Variable& x, const Variable& y);

namespace {

void questions() {
  const auto backward = [](In in, Var dz, Var) { return product_backward(dz, in[0], in[1]); };
  compare_gradients("x * y", [](In in) { return in[0] * in[1]; }, backward,
                    {{"x", random_numbers({2, 3}, 1)}, {"y", random_numbers({2, 3}, 2)}},
                    {{"dz came through unchanged: the slopes y and x are missing",
                      [](In, Var dz, Var) -> Grads {
                        return {dz, dz};
                      }},
                     {"each side was given its own value as slope, not the other one's",
                      [](In in, Var dz, Var) -> Grads {
                        return {dz * in[0], dz * in[1]};
                      }}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(1, "the product rule", qkv::examples::questions); }
