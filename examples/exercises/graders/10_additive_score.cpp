// Grades exercise 10, against the formula one key after the other.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Variable additive_scores(const Variable& q, const Variable& keys, const Variable& Wq,
                         const Variable& Wk, const Variable& v);

namespace {

using Squash = double (*)(double);

// v . f(W_q q + W_k k_t), or with one of the two projections left out.
Tensor scores(const std::vector<Tensor>& in, Squash f, double query_part, double key_part) {
  const Tensor &q = in[0], &keys = in[1], &Wq = in[2], &Wk = in[3], &v = in[4];
  std::vector<double> result;
  for (int64_t t = 0; t < keys.shape()[0]; ++t) {
    double score = 0;
    for (int64_t h = 0; h < v.shape()[0]; ++h) {
      double x = 0;
      for (int64_t c = 0; c < q.shape()[0]; ++c) x += query_part * Wq.at({h, c}) * q.at({c});
      for (int64_t c = 0; c < keys.shape()[1]; ++c) x += key_part * Wk.at({h, c}) * keys.at({t, c});
      score += v.at({h}) * f(x);
    }
    result.push_back(score);
  }
  return numbers(result);
}

void questions() {
  const std::vector<Tensor> in = {random_numbers({3}, 1), random_numbers({5, 2}, 2),
                                  random_numbers({4, 3}, 3), random_numbers({4, 2}, 4),
                                  random_numbers({4}, 5)};
  const Squash tanh_of = [](double x) { return std::tanh(x); };
  tried("q (3), keys (5, 2), W_q (4, 3), W_k (4, 2), v (4)");
  compare("the scores", additive_scores(in[0], in[1], in[2], in[3], in[4]).value(),
          scores(in, tanh_of, 1, 1),
          {{"the sums of the keys: neither the query nor the weights had a part in it",
            tensor::sum(in[1], {-1})},
           {"tanh is missing", scores(
                                   in, [](double x) { return x; }, 1, 1)},
           {"sigmoid for tanh", scores(
                                    in, [](double x) { return 1 / (1 + std::exp(-x)); }, 1, 1)},
           {"the query has no part in it", scores(in, tanh_of, 0, 1)},
           {"the keys have no part in it", scores(in, tanh_of, 1, 0)},
           {"the query was subtracted", scores(in, tanh_of, -1, 1)}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(10, "the additive score", qkv::examples::questions); }
