// Grades exercise 12 by the gradient check of a cell whose result is h' above c'.
#include "autograd/engine.h"
#include "examples/exercises/grader.h"

namespace qkv::examples {

Grads lstm_backward(const Variable& dh_next, const Variable& dc_next, const Variable& gates,
                    const Variable& c);

namespace {

constexpr int64_t kHidden = 3;

// (gates, c) -> (2, B, hidden)
Variable cell(In in) {
  return lstm_cell(in[0], Variable(tensor::zeros(in[0].shape(), in[0].dtype())), in[1]);
}

// The right way back, of a part of what came.
Backward right_of(double h_share, double c_share) {
  return [=](In in, Var dy, Var) -> Grads {
    const autograd::SetRecording on(true);
    const std::vector<Variable> leaves = {autograd::parameter(in[0].value()),
                                          autograd::parameter(in[1].value())};
    const Variable share = numbers({h_share, c_share}, {2, 1, 1});
    const auto grads = autograd::grad({cell(leaves)}, leaves, {(dy * share).detach()});
    return {grads[0], grads[1]};
  };
}

void questions() {
  compare_gradients(
      "an LSTM cell", cell,
      [](In in, Var dy, Var) {
        return lstm_backward(select(dy, 0, 0), select(dy, 0, 1), in[0], in[1]);
      },
      {{"gates", random_numbers({2, 4 * kHidden}, 1)}, {"c", random_numbers({2, kHidden}, 2)}},
      {{"no gradient for the gates, and dc' as it came: f keeps only a share of c",
        [](In in, Var dy, Var) -> Grads {
          return {in[0] * 0.0, select(dy, 0, 1)};
        }},
       {"dc' has no part in it: c' also goes to the next step", right_of(1, 0)},
       {"dh' has no part in it: c' also reaches the loss through h'", right_of(0, 1)}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(12, "an LSTM cell backward", qkv::examples::questions); }
