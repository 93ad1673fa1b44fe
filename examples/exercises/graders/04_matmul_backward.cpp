// Grades exercise 04 by the gradient check: three different sizes, then square matrices, whose
// shapes forgive everything.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Grads matmul_backward(const Variable& dC, const Variable& A, const Variable& B);

namespace {

void questions() {
  const auto product = [](In in) { return matmul(in[0], in[1]); };
  const auto backward = [](In in, Var dC, Var) { return matmul_backward(dC, in[0], in[1]); };
  compare_gradients("A B", product, backward,
                    {{"A", random_numbers({2, 3}, 1)}, {"B", random_numbers({3, 4}, 2)}},
                    {{"A and B themselves: dC has no part in it", [](In in, Var, Var) -> Grads {
                        return {in[0], in[1]};
                      }}});
  compare_gradients(
      "A B", product, backward,
      {{"A", random_numbers({3, 3}, 3)}, {"B", random_numbers({3, 3}, 4)}},
      {{"B and A were not transposed",
        [](In in, Var dC, Var) -> Grads {
          return {matmul(dC, in[1]), matmul(in[0], dC)};
        }},
       {"factors in the wrong order: dA is dC B^T, dB is A^T dC", [](In in, Var dC, Var) -> Grads {
          return {matmul(transpose(in[1]), dC), matmul(dC, transpose(in[0]))};
        }}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(4, "matmul backward", qkv::examples::questions); }
