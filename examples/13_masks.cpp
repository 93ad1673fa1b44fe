// Chapter 13. Self-attention and masks: who may see whom, drawn, and proved by gradients.
//
// Four tokens of width 2 attend to each other. Each mask (nn/mask.h) is drawn as it was asked for,
// and as backward finds it, asked which inputs reach which outputs (autograd/dependency.h).
#include <cmath>

#include "autograd/dependency.h"
#include "examples/chapter.h"
#include "nn/attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::autograd::parameter, qkv::autograd::Variable, qkv::nn::Mask, qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

const std::vector<std::string> kWords = {"the", "cat", "sat", "down"};
const Tensor X = Tensor::of<double>({1, 0, 0, 1, 1, 1, 2, 0}, {4, 2});

// Chapter 8 as the library has it. Projections would change the numbers, not who sees whom.
auto self_attention(const Variable& x, const Mask& mask = {}) {
  return qkv::nn::scaled_dot_product_attention(x, x, x, mask);  // (..., T, C), (..., T, T)
}

// Draws what gradients find after some layers: # if token j (column) can change output i (row).
void reached(const Tensor& tokens, const Mask& mask, const std::string& expected, int layers = 1) {
  const Variable x = parameter(tokens);
  Variable y = x;
  for (int layer = 0; layer < layers; ++layer) y = self_attention(y, mask).output;
  draw(dependency(y, x).str());
  expect("the gradients' picture", dependency(y, x).str() == expected);
}

void everybody_and_causal() {
  // 1. Everybody sees everybody
  section(1, "Everybody sees everybody");
  say("In chapters 11 and 12 one sequence asked another: cross-attention. In self-attention a "
      "sequence asks itself. Every token is a query, and all tokens are its keys and values:");
  formula("Y = softmax(X X^T / sqrt(D)) X");
  show("X", "four tokens", X);
  map("who looks at whom", self_attention(X).weights.value(), kWords, kWords);
  say("No state is handed from word to word: all rows are one matrix product, done at the same "
      "time, and between any two words there is one step. Does every token reach every output? We "
      "ask backward where a gradient of each output arrives: # is one, . is exactly none.");
  reached(X, Mask(), "# # # #\n# # # #\n# # # #\n# # # #\n");
  say("Networks that read are made like this, such as the Transformer's encoder and BERT (Devlin "
      "et al. 2019): the whole text is there, and each word may use what comes behind it.");

  // 2. Nobody sees the future: causal
  section(2, "Nobody sees the future: causal");
  say("In training, teacher forcing shows a model all that it should write: the answer of position "
      "i is the input of position i + 1. So query i may see the keys up to i only. The mask:");
  const Mask mask = Mask::causal(4);
  draw(mask.str());
  formula("a_ij = exp(s_ij) / (sum of exp(s_ik) over the allowed k),   and 0 where not allowed");
  const Tensor a = self_attention(X, mask).weights.value();  // (4, 4)
  show("a", "masked softmax(X X^T / sqrt(2))", a);
  expect("a", a,
         {1, 0, 0, 0, .3302, .6698, 0, 0, .2483, .2483, .5035, 0, .1573, .0382, .1573, .6471});
  say("The first token sees itself alone, with weight 1. Each row still adds up to 1, over those "
      "it sees. And what the gradients find:");
  reached(X, mask, mask.str());
  say("The same picture, and its points are zeros, not small numbers: what is not allowed is "
      "skipped, never pushed down by a large negative score. Networks that write are like this: "
      "GPT (Radford et al. 2018) sees what came before, not all, as the first seed has it. In the "
      "Transformer's decoder a cross-attention follows, which asks the encoder.");
}

void padding_and_window() {
  // 3. Nobody sees the filling: padding
  section(3, "Nobody sees the filling: padding");
  say("A batch of two sentences, of 2 and of 4 words, needs one length, so the first is filled up "
      "with two tokens that mean nothing. All queries must leave those keys out:");
  const Mask mask = Mask::padding({2, 4}, 4);  // (B, 1, 1, T): it repeats along heads and queries
  draw(mask.str());
  const Tensor batch = t::reshape(t::stack({X, X}, 0), {2, 1, 4, 2});  // (B, 1, T, C): one head
  say("One line for each sentence: it holds for all its queries. The gradients, rows and columns "
      "being the four words of the first sentence, then those of the second:");
  reached(batch, mask,
          "# # . .   . . . .\n# # . .   . . . .\n# # # .   . . . .\n# # . #   . . . .\n\n"
          ". . . .   # # # #\n. . . .   # # # #\n. . . .   # # # #\n. . . .   # # # #\n");
  say("Sentences of a batch do not mix. In the first, no real word hears the filling. The filling "
      "still asks, so rows 3 and 4 depend on their own query, but the loss leaves those outputs "
      "out. Masks join with &, which allows what both allow.");

  // 4. Only the neighbours: a window
  section(4, "Only the neighbours: a window");
  say("Over long texts a query may be given the last keys only, here two. One layer reaches back "
      "one token; the next reads from tokens that have looked back. One, two, three layers:");
  const Mask two = Mask::window(4, 4, 2);
  reached(X, two, two.str());
  reached(X, two, Mask::window(4, 4, 3).str(), 2);
  reached(X, two, Mask::causal(4).str(), 3);
  say("A window of width w reaches back w - 1 tokens a layer: three see all that causal allows.");
}

void nobody_and_polarity() {
  // 5. A query that may see nobody
  section(5, "A query that may see nobody");
  say("It happens: an empty sentence in a batch, or two masks that leave nothing over. What is the "
      "average of no values? Take the scores 1, 2, 3, 4 and allow none of them:");
  const Tensor scores = Tensor::of<double>({1, 2, 3, 4}, {1, 4});
  const Tensor none = t::zeros({1, 4}, t::Dtype::boolean), all = t::logical_not(none);
  const Tensor large = t::softmax(t::masked_fill(scores, all, -1e9), -1);
  const Tensor infinite = t::softmax(t::masked_fill(scores, all, -INFINITY), -1);
  const Tensor skipped = t::masked_softmax(scores, none);
  show("large", "softmax of scores all replaced by -1e9, a large negative number", large);
  show("skipped", "masked_softmax(scores), as here", skipped);
  expect("all equal", large, {.25, .25, .25, .25});
  expect("minus infinity gives no number", std::isnan(infinite.at({0, 0})));
  expect("zeros", skipped, {0, 0, 0, 0});
  say("With a large constant all keys are equally bad: the query sees everybody, and the mask has "
      "vanished. With minus infinity it would be 0 / 0, nan, and after a step of training so is "
      "every weight. Skipped, the output is 0, and so is every gradient. Here the second token may "
      "see nobody, not even itself:");
  const Tensor may_look = Tensor::of<bool>({true, false, true, true}, {4, 1});
  const Mask mask = Mask::causal(4) & Mask::allow(t::expand(may_look, {4, 4}));
  reached(X, mask, "# . . .\n. . . .\n# # # .\n# # # #\n");

  // 6. Which way round?
  section(6, "Which way round?");
  say("Here # and true mean: may attend. In PyTorch, a much used library, "
      "scaled_dot_product_attention agrees; in its nn.MultiheadAttention true means: leave out. A "
      "mask of the wrong polarity, turned round, raises no error. Here is causal turned round:");
  const Mask wrong = Mask::allow(t::logical_not(Mask::causal(4).allowed()));
  draw(wrong.str());
  say("Every query sees the future only, the last one nobody. A model that writes is then shown "
      "the word that it should predict: in training it can copy it, and when it writes there is "
      "none to copy. Gradients show it before any training:");
  reached(X, wrong, "# # # #\n. # # #\n. . . #\n. . . .\n");
  say("(Outputs 1 and 2 depend on their own token, too: as the query, it chooses among keys.)");
  try_this(
      "Set padding to {0, 4} in section 3. The first sentence is empty: its four rows are points "
      "only, and nothing is nan. expect() then stops the chapter, as the picture is another one.");
  say("Your turn: ./qkv exercise 14 (the causal mask), 15 (padding), 16 (masked softmax).");
}

void chapter() {
  everybody_and_causal();
  padding_and_window();
  nobody_and_polarity();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
