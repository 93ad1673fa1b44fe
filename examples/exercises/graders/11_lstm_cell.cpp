// Grades exercise 11 against the library's cell.
#include "examples/exercises/grader.h"

namespace qkv::examples {

std::pair<Variable, Variable> lstm_step(const Variable& x, const Variable& h, const Variable& c,
                                        const Variable& W_ih, const Variable& W_hh,
                                        const Variable& b);

namespace {

constexpr int64_t kHidden = 3;

// The state {h', c'}, with the blocks of the gates read in some order: "ifgo" is the right one.
std::vector<Tensor> step(Var gates, Var c, const std::string& order) {
  const auto gate = [&](char name) {
    const auto block = static_cast<int64_t>(order.find(name));
    return slice(gates, -1, block * kHidden, (block + 1) * kHidden);
  };
  const Variable next = sigmoid(gate('f')) * c + sigmoid(gate('i')) * tanh(gate('g'));
  return {(sigmoid(gate('o')) * tanh(next)).value(), next.value()};
}

void questions() {
  const Variable x = random_numbers({2, 4}, 1), h = random_numbers({2, kHidden}, 2);
  const Variable c = random_numbers({2, kHidden}, 3), b = random_numbers({4 * kHidden}, 4);
  const Variable W_ih = random_numbers({4 * kHidden, 4}, 5);
  const Variable W_hh = random_numbers({4 * kHidden, kHidden}, 6);
  const Variable gates = linear(x, W_ih, b) + linear(h, W_hh);
  const std::vector<Tensor> right = step(gates, c, "ifgo");
  tried("x (2, 4), h and c (2, 3), W_ih (12, 4), W_hh (12, 3), b (12)");
  const auto [h_next, c_next] = lstm_step(x, h, c, W_ih, W_hh, b);
  std::vector<Slip> of_c = {
      {"c came through unchanged", c.value()},
      {"the bias is missing", step(linear(x, W_ih) + linear(h, W_hh), c, "ifgo")[1]},
      {"h has no part in it", step(linear(x, W_ih, b), c, "ifgo")[1]},
      {"x has no part in it", step(linear(h, W_hh, b), c, "ifgo")[1]}};
  const auto block = [&](int64_t k) { return slice(gates, -1, k * kHidden, (k + 1) * kHidden); };
  const Variable i = sigmoid(block(0)), f = sigmoid(block(1)), o = sigmoid(block(3));
  of_c.push_back({"sigmoid for the tanh of g", (f * c + i * sigmoid(block(2))).value()});
  of_c.push_back({"i is missing: all of g enters", (f * c + tanh(block(2))).value()});
  of_c.push_back({"f is missing: all of c is kept", (c + i * tanh(block(2))).value()});
  for (const std::string order : {"igfo", "figo", "ifog", "iofg", "oifg", "gifo"}) {
    of_c.push_back(
        {"gates in the order " + order + ", where PyTorch's is i f g o", step(gates, c, order)[1]});
  }
  compare("c'", c_next.value(), right[1], of_c);
  const Variable next = right[1];
  compare("h'", h_next.value(), right[0],
          {{"h came through unchanged", h.value()},
           {"h' and c' are the same, but h' is o tanh(c')", right[1]},
           {"tanh around c' is missing", (o * next).value()},
           {"the old c for the new c'", (o * tanh(c)).value()}});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(11, "an LSTM cell", qkv::examples::questions); }
