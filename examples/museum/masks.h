// Exhibits 2, 3 and 7 of the museum (chapter 21): masks that leak, are forgotten, or mean the
// opposite.
#pragma once

#include <limits>

#include "autograd/dependency.h"
#include "examples/museum/common.h"

namespace qkv::examples::museum {

// One query that may see key 1 only (value 0), and is rewarded for finding key 2 (value 1). Returns
// the weight of key 2 before training and after every tenth step.
inline std::vector<double> cheat(bool skip, double constant) {
  const Variable keys = Tensor::of<double>({1, 0, 0, 1}, {2, 2});
  const Variable query = autograd::parameter(tensor::zeros({1, 2}, Dtype::float64));
  const Tensor allowed = Tensor::of<bool>({true, false}, {1, 2});
  nn::Adam optimizer({query}, {.learning_rate = .5});
  std::vector<double> weights;
  for (int step = 0; step <= 40; ++step) {
    const Variable scores = matmul(query, transpose(keys));  // (1, 2)
    const Variable penalty = Tensor::of<double>({0, constant}, {1, 2});
    const Variable w = skip ? masked_softmax(scores, allowed) : softmax(scores + penalty, -1);
    const Variable found = slice(w, -1, 1, 2);  // 0 w_1 + 1 w_2
    if (step % 10 == 0) weights.push_back(found.item());
    optimizer.zero_grad();
    backward(sum((found - 1.0) * (found - 1.0)));
    optimizer.step();
  }
  return weights;
}

// 2. A finite mask constant
inline void finite_mask() {
  section(2, "The mask constant that leaks");
  say("Reported: minGPT 75, nanoGPT 331 451, nanochat 844. To hide a key, a large number is taken "
      "off its score. It is a number like any other, and training can pay it back.");
  draw("- softmax(scores - 10 where hidden)\n+ softmax(scores of the others), 0 where hidden");
  say("One query, two keys; the second is hidden and has the answer. The weight of the hidden key "
      "while the query is trained:");
  Rows rows = {{"step", "taken off: 10", "taken off: 20", "skipped"}};
  const auto ten = cheat(false, -10), twenty = cheat(false, -20), skipped = cheat(true, 0);
  for (size_t i = 0; i < ten.size(); ++i) {
    const std::string step = std::to_string(10 * i);
    rows.push_back({step, fixed(ten[i], 6), fixed(twenty[i], 6), fixed(skipped[i], 6)});
  }
  plot({"weight of the hidden key, step by step"}, rows);
  expect("the first leaks from the start", ten.front() > 4e-5 && ten.front() < 5e-5);
  expect("the model cheats", ten.back() > .99);
  expect("a skipped key stays hidden", skipped.back() == 0);
  say("A larger constant only hides the leak better. With -1e9 it is gone, until a row has "
      "nothing but hidden keys: all lose the same, and softmax does not see what all have lost.");
  const Tensor scores = Tensor::of<double>({1, 2, 3}, {1, 3});
  show("wrong", "softmax(1 2 3 - 1e9), every key hidden", t::softmax(t::add(scores, -1e9), -1));
  expect("wrong", t::softmax(t::add(scores, -1e9), -1), {.0900, .2447, .6652});
  say("With -inf (pytorch 41508 131060, burn 4694) such a row is -inf less -inf, no number at "
      "all, and whatever touches it becomes NaN, at last every weight of the model:");
  const Tensor hidden = t::full({1, 3}, -std::numeric_limits<double>::infinity(), Dtype::float64);
  draw("softmax(-inf -inf -inf) = " + t::to_string(t::softmax(hidden, -1)));
  show("right", "masked_softmax, every key hidden: nothing",
       t::masked_softmax(scores, Tensor::of<bool>({false, false, false}, {1, 3})));
  say("The check: the gradient at a hidden key's value, which is its weight, must be 0 exactly, "
      "not small; and a batch with one empty sequence, forward and backward (nn/mask.h).");
}

// 3. Padding
inline void forgotten_padding() {
  section(3, "The forgotten padding mask");
  say("Reported: pytorch/tutorials 593 2840 3643. Sentences of a batch are filled up to one "
      "length with zeros. A zero key has score 0, and exp(0) is 1, not 0: padding is averaged in.");
  draw("- attention(Q, K, V)\n+ attention(Q, K, V, Mask::padding(lengths))");
  Rows rows = {{"padding", "without a mask", "", "with it", ""}};
  const Tensor alone = nn::scaled_dot_product_attention(Q, K, V).output.value();  // (3, 2)
  for (const int64_t pads : {0, 1, 3, 7}) {
    const Tensor padding = t::zeros({pads, 2}, Dtype::float64);
    const Variable k = reshape(autograd::concat({K, padding}, 0), {1, 1, 3 + pads, 2});
    const Variable v = reshape(autograd::concat({V, padding}, 0), {1, 1, 3 + pads, 2});
    const Variable q = reshape(Q, {1, 1, 3, 2});
    const Mask mask = Mask::padding({3}, 3 + pads);
    const Tensor wrong = nn::scaled_dot_product_attention(q, k, v).output.value();
    const Tensor right = nn::scaled_dot_product_attention(q, k, v, mask).output.value();
    rows.push_back({std::to_string(pads), fixed(wrong.at({0, 0, 0, 0})),
                    fixed(wrong.at({0, 0, 0, 1})), fixed(right.at({0, 0, 0, 0})),
                    fixed(right.at({0, 0, 0, 1}))});
    expect("to the bit as alone", right.to_vector() == alone.to_vector());
  }
  table(rows);
  say("The first token of chapter 8. The check: a sentence alone and the same sentence in a batch "
      "with longer ones must give the same numbers; with the mask they do, to the bit.");
}

// 7. Polarity
inline void wrong_polarity() {
  section(7, "True means what?");
  say("Reported: x-transformers 164, pytorch 33763 141694, detr 96. Of two libraries one says "
      "true for \"may attend\" and the other true for \"hide\"; even within one library both "
      "occur. The shapes fit either way.");
  draw("- Mask::allow(logical_not(causal))\n+ Mask::allow(causal)      true: may attend");
  const Tensor causal = Mask::causal(3).allowed();
  const Variable x = parameter(V.clone());
  const auto output = [&](const Tensor& allowed) {
    return nn::scaled_dot_product_attention(x, x, x, Mask::allow(allowed)).output;
  };
  const auto wrong = autograd::dependency(output(t::logical_not(causal)), x);
  const auto right = autograd::dependency(output(causal), x);
  draw("wrong: which input reaches which output\n" + wrong.str() + "\nright\n" + right.str());
  expect("the wrong one sees the future", wrong.strength.at({0, 2}) > 0);
  expect("the right one does not",
         right.strength.at({0, 2}) == 0 && right.strength.at({1, 2}) == 0);
  expect("its last token sees nobody", largest(t::select(wrong.strength, 0, 2)) == 0);
  say("The last token, which may see all, sees nobody; the others see what they are to predict, "
      "so that training rewards them for copying it. The check: this picture, made of gradients "
      "(autograd/dependency.h). Above the diagonal there must be nothing.");
}

}  // namespace qkv::examples::museum
