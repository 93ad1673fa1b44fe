// Grades exercise 16: a mask, a fully masked row, large numbers behind the mask, and the gradient.
#include "examples/exercises/grader.h"
#include "tensor/softmax.h"

namespace qkv::examples {

Variable softmax_where(const Variable& x, const Tensor& allowed);

namespace {

Tensor cells(const std::vector<double>& ones, const Shape& shape) {
  return greater(numbers(ones, shape), tensor::zeros(shape, Dtype::float64));
}

Tensor filled(const Tensor& x, const Tensor& allowed, double value) {
  return tensor::softmax(masked_fill(x, logical_not(allowed), value), -1);
}

void ask(const std::string& what, const Tensor& x, const Tensor& allowed) {
  tried(what);
  const double infinity = std::numeric_limits<double>::infinity();
  const Tensor all = tensor::softmax(x, -1), ones = allowed.to(Dtype::float64);
  const Tensor late = exp(sub(x, max(x, -1, true)));  // the maximum of hidden ones, too
  const Tensor kept = mul(late, ones);
  compare("the weights", softmax_where(x, allowed).value(), tensor::masked_softmax(x, allowed),
          {{"the maximum of the whole row, hidden elements included",
            div(kept, add(sum(kept, {-1}, true), 1e-300))},
           {"a softmax without the mask: hidden elements have weight", all},
           {"the mask multiplied on behind softmax: rows no longer sum to 1", mul(all, ones)},
           {"the mask turned round: true means \"may attend\"",
            tensor::masked_softmax(x, logical_not(allowed))},
           {"0 for hidden scores: exp(0) is 1, a weight like any other", filled(x, allowed, 0)},
           {"a fully masked row was divided by its sum, 0", filled(x, allowed, -infinity)},
           {"a large negative constant for hidden scores: a fully masked row becomes uniform",
            filled(x, allowed, -1e300)},
           {"a negative constant for hidden scores that is not small enough: it leaks",
            filled(x, allowed, -1e3)}});
}

void questions() {
  const Tensor x = numbers({1, 2, 3, 0.5, -1, 2}, {2, 3});
  tried("x = (1, 2, 3), (0.5, -1, 2); allowed # # . and . # #");
  const Tensor some = cells({1, 1, 0, 0, 1, 1}, {2, 3});
  compare_row_sums("the weights", softmax_where(x, some).value());
  ask("the same, element by element", x, some);
  ask("the same x; allowed # . # and . . .", x, cells({1, 0, 1, 0, 0, 0}, {2, 3}));
  ask("x = (0, -2000, -2001), allowed . # #", numbers({0, -2000, -2001}, {1, 3}),
      cells({0, 1, 1}, {1, 3}));
  tried("the gradient of all that, a fully masked row included");
  const Tensor allowed = cells({1, 0, 1, 0, 0, 0}, {2, 3});
  compare_slopes("softmax_where", [=](In in) { return softmax_where(in[0], allowed); }, {x});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(16, "a masked softmax", qkv::examples::questions); }
