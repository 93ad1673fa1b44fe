// Grades exercise 08: the numbers of chapter 8, then sizes that are all different.
#include "examples/exercises/grader.h"
#include "nn/attention.h"

namespace qkv::examples {

Variable attention_output(const Variable& Q, const Variable& K, const Variable& V);

namespace {

void ask(const Tensor& Q, const Tensor& K, const Tensor& V) {
  const auto with = [&](double scale, int axis) {
    return matmul(softmax(matmul(Variable(Q), transpose(Variable(K))) * scale, axis), V).value();
  };
  const double D = static_cast<double>(Q.shape()[1]);
  compare(
      "the output", attention_output(Q, K, V).value(),
      nn::scaled_dot_product_attention(Q, K, V).output.value(),
      {{"V itself: nothing was averaged", V},
       {"the scores were not divided by sqrt(D)", with(1, -1)},
       {"the scores were divided by D, not by its root", with(1 / D, -1)},
       {"the scores were multiplied by sqrt(D)", with(std::sqrt(D), -1)},
       {"a softmax over the queries: each query's row must sum to 1", with(1 / std::sqrt(D), 0)},
       {"a plain average of the values: the scores had no part in it", with(0, -1)}});
}

void questions() {
  tried("the three tokens of chapter 8: Q, K and V (3, 2)");
  ask(numbers({1.18, .78, .62, .59, .66, .71}, {3, 2}),
      numbers({.83, .71, .53, .66, .76, .41}, {3, 2}),
      numbers({1.02, 1.07, .52, .93, .79, .56}, {3, 2}));
  tried("Q (2, 3), K (4, 3), V (4, 5)");
  ask(random_numbers({2, 3}, 1), random_numbers({4, 3}, 2), random_numbers({4, 5}, 3));
}

}  // namespace
}  // namespace qkv::examples

int main() {
  return qkv::examples::grade(8, "scaled dot-product attention", qkv::examples::questions);
}
