// Grades exercise 09 by the gradient check: dq = J^T doutput.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Variable output_slope(const Variable& a, const Variable& K, const Variable& V, double scale);

namespace {

using Slope = std::function<Variable(Var a, Var K, Var V)>;

constexpr double kScale = 0.6;

void questions() {
  const Variable K = random_numbers({5, 3}, 1), V = random_numbers({5, 2}, 2);
  const auto weights = [K](Var q) { return softmax(matmul(K, q) * kScale, -1); };
  const Variable q = random_numbers({3}, 3);
  tried("J, for q (3), K (5, 3), V (5, 2)");
  const Shape shape = output_slope(weights(q), K, V, kScale).shape();
  require(shape == Shape{2, 3},
          lib::str("J is ", shape,
                   ", expected (2, 3): a row for each element of the output, a "
                   "column for each of q"));
  const auto way = [=](const Slope& J) -> Backward {
    return [=](In in, Var dy, Var) -> Grads {
      return {matmul(dy, J(weights(in[0]), K, V))};  // (Dv) x (Dv, D) -> (D)
    };
  };
  const auto column = [](Var a) { return reshape(a, {5, 1}); };
  compare_gradients(
      "attention of one query", [=](In in) { return matmul(weights(in[0]), V); },
      way([](Var a, Var keys, Var values) { return output_slope(a, keys, values, kScale); }),
      {{"q", q.value()}},
      {{"the plain sum of v_t k_t^T: no weights a, no means taken off, no scale",
        way([](Var, Var k, Var v) { return matmul(transpose(v), k); })},
       {"no means were taken off: sum_t a_t v_t k_t^T is no covariance yet",
        way([=](Var a, Var k, Var v) { return matmul(transpose(v * column(a)), k) * kScale; })},
       {"plain means: they are weighted by a", way([=](Var a, Var k, Var v) {
          const Variable v_off = v - mean(v, {0}), k_off = k - mean(k, {0});
          return matmul(transpose(v_off * column(a)), k_off) * kScale;
        })},
       {"the scale is missing", way([=](Var a, Var k, Var v) {
          return matmul(transpose(v * column(a)), k - matmul(a, k));
        })}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(9, "a covariance", qkv::examples::questions); }
