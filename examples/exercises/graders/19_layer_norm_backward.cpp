// Grades exercise 19 by the gradient check, with an eps so large that it shows.
#include "examples/exercises/grader.h"

namespace qkv::examples {

Grads layer_norm_backward(const Variable& dy, const Variable& x, const Variable& gamma, double eps);

namespace {

constexpr double kEps = 1e-2;

// A mistake in dx, from n, dn and 1 / deviation.
using WrongDx = std::function<Variable(In in, Var dy, Var n, Var inverse)>;

WrongBackward slip(const std::string& what, const WrongDx& dx, double eps = kEps) {
  return {what, [=](In in, Var dy, Var) -> Grads {
            const Variable centred = in[0] - mean(in[0], {-1}, true);
            const Variable inverse = pow(mean(centred * centred, {-1}, true) + eps, -0.5);
            return {dx(in, dy, centred * inverse, inverse), Variable(), Variable()};
          }};
}

Variable row_mean(Var u) { return mean(u, {-1}, true); }

void questions() {
  const auto right = [](Var dn, Var n, Var inverse) {
    return (dn - row_mean(dn) - n * row_mean(dn * n)) * inverse;
  };
  compare_gradients(
      "layer_norm", [](In in) { return layer_norm(in[0], in[1], in[2], kEps); },
      [](In in, Var dy, Var) { return layer_norm_backward(dy, in[0], in[1], kEps); },
      {{"x", random_numbers({3, 4}, 1)},
       {"gamma", random_numbers({4}, 2)},
       {"beta", random_numbers({4}, 3)}},
      {slip("dx is dy itself: nothing was normalised", [](In, Var dy, Var, Var) { return dy; }),
       slip("gamma is forgotten in dx",
            [=](In, Var dy, Var n, Var inverse) { return right(dy, n, inverse); }),
       slip("gamma multiplied on last: it belongs inside, dn = dy gamma",
            [=](In in, Var dy, Var n, Var inverse) { return right(dy, n, inverse) * in[1]; }),
       slip("the mean is taken for a constant: - mean(dn) is missing",
            [](In in, Var dy, Var n, Var inverse) {
              const Variable dn = dy * in[1];
              return (dn - n * row_mean(dn * n)) * inverse;
            }),
       slip("the deviation is taken for a constant: - n mean(dn n) is missing",
            [](In in, Var dy, Var, Var inverse) {
              const Variable dn = dy * in[1];
              return (dn - row_mean(dn)) * inverse;
            }),
       slip("mean and deviation are taken for constants",
            [](In in, Var dy, Var, Var inverse) { return dy * in[1] * inverse; }),
       slip(
           "eps is forgotten",
           [=](In in, Var dy, Var n, Var inverse) { return right(dy * in[1], n, inverse); }, 0)});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(19, "layer norm backward", qkv::examples::questions); }
