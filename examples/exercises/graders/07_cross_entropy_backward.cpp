// Grades exercise 07 by the gradient check: all rows count, then one does not.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Variable cross_entropy_backward(const Variable& dloss, const Variable& logits,
                                const Tensor& targets);

namespace {

Tensor ids(const std::vector<int64_t>& list) {
  return Tensor::of(list, {static_cast<int64_t>(list.size())});
}

Variable one_hot(const std::vector<int64_t>& list) {
  return tensor::one_hot(ids(list), 5, Dtype::float64);
}

// (p - q) over `rows`, with some rows taken out
WrongBackward slip(const std::string& what, const Variable& q, double rows, const Variable& keep) {
  return {what, [=](In in, Var dy, Var) -> Grads {
            return {dy * (softmax(in[0], -1) - q) * keep / rows};
          }};
}

void ask(const std::vector<int64_t>& targets, const std::vector<WrongBackward>& slips) {
  compare_gradients(
      "the loss", [=](In in) { return cross_entropy(in[0], ids(targets)); },
      [=](In in, Var dy, Var) -> Grads {
        return {cross_entropy_backward(dy, in[0], ids(targets))};
      },
      {{"logits", random_numbers({4, 5}, 1)}}, slips);
}

void questions() {
  const Variable all = numbers({1, 1, 1, 1}, {4, 1}), counted = numbers({1, 0, 1, 1}, {4, 1});
  const Variable none = numbers({0, 0, 0, 0, 0});
  ask({1, 4, 0, 1},
      {{"softmax of the logits: the row with 1 at the target, dloss and the mean are missing",
        [](In in, Var, Var) -> Grads { return {softmax(in[0], -1)}; }},
       slip("softmax alone: the row with 1 at the target is not subtracted", none, 4, all),
       slip("softmax alone, and a sum where the loss is a mean", none, 1, all),
       slip("a sum over the rows: the loss is their mean", one_hot({1, 4, 0, 1}), 1, all),
       slip("a mean over all elements: it is over the rows", one_hot({1, 4, 0, 1}), 20, all)});
  ask({1, -100, 0, 3},
      {slip("rows that do not count got a gradient", one_hot({1, 0, 0, 3}), 3, all),
       slip("rows that do not count got a gradient, and were counted", one_hot({1, 0, 0, 3}), 4,
            all),
       slip("a mean over all 4 rows: only 3 count", one_hot({1, 0, 0, 3}), 4, counted)});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(7, "cross entropy backward", qkv::examples::questions); }
