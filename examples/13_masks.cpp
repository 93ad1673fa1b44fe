// Chapter 13. Self-attention and masks: who may see whom, drawn, and proved by gradients.
//
// Four tokens of width 2 attend to each other. Each mask is drawn twice: as it was asked for
// (nn/mask.h), and as backward finds it, asked which inputs reach which outputs
// (autograd/dependency.h).
#include <cmath>

#include "autograd/dependency.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "nn/attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::autograd::parameter;
using qkv::autograd::Variable;
using qkv::nn::Mask;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;
namespace nn = qkv::nn;
constexpr auto kDouble = qkv::tensor::Dtype::float64;

namespace {

const std::vector<std::string> kWords = {"the", "cat", "sat", "down"};
const Tensor X = Tensor::of<double>({1, 0, 0, 1, 1, 1, 2, 0}, {4, 2});

// Every token is query, key and value at once. Projections, as in chapter 8, would change the
// numbers, not who sees whom.
nn::AttentionOutput self_attention(const Variable& x, const Mask& mask = {}) {
  return nn::scaled_dot_product_attention(x, x, x, mask);  // (..., T, C), weights (..., T, T)
}

// The picture that gradients draw after some layers of it: # in row i and column j, if token j can
// change output i.
std::string reached(const Tensor& tokens, const Mask& mask, int layers = 1) {
  const Variable x = parameter(tokens);
  Variable y = x;
  for (int layer = 0; layer < layers; ++layer) y = self_attention(y, mask).output;
  return dependency(y, x).str();
}

// 1. Everybody sees everybody
void self() {
  section(1, "Everybody sees everybody");
  say("In chapters 11 and 12 one sequence asked and another answered: cross-attention. In "
      "self-attention a sequence asks itself. Every token is a query, and all tokens are its keys "
      "and values:");
  formula("Y = softmax(X X^T / sqrt(D)) X");
  show("X", "four tokens", X);
  const Tensor weights = self_attention(X).weights.value();  // (4, 4)
  map("who looks at whom", weights, kWords, kWords);
  say("No state is handed from word to word, so there is nothing to wait for: all rows are one "
      "matrix product, done at the same time, and between any two words there is one step. Does "
      "every token reach every output? Backward knows: we ask it, for one output after the other, "
      "at which inputs a gradient arrives. # is one, . is exactly none.");
  draw(reached(X, Mask()));
  expect("all reach all", reached(X, Mask()) == "# # # #\n# # # #\n# # # #\n# # # #\n");
  say("Networks that read are made like this, such as the Transformer's encoder and BERT (Devlin "
      "et al. 2019): the whole text is there, and each word may use what comes behind it.");
}

// 2. Nobody sees the future: causal
void causal() {
  section(2, "Nobody sees the future: causal");
  say("A model that writes must not see what it is going to write. In training all words are there "
      "at once, as teacher forcing wants it, and the answer of position i is the input of position "
      "i + 1. So query i may see the keys up to i only. The mask:");
  const Mask mask = Mask::causal(4);
  draw(mask.str());
  formula("a_ij = exp(s_ij) / (sum of exp(s_ik) over the allowed k), and 0 where not allowed");
  const Tensor weights = self_attention(X, mask).weights.value();  // (4, 4)
  show("weights", "masked softmax(X X^T / sqrt(2))", weights);
  expect("weights", weights,
         {1, 0, 0, 0, .3302, .6698, 0, 0, .2483, .2483, .5035, 0, .1573, .0382, .1573, .6471});
  say("The first token sees itself alone, with weight 1. Each row still adds up to 1, over those "
      "it sees. And what the gradients find:");
  draw(reached(X, mask));
  expect("causal as drawn", reached(X, mask) == mask.str());
  say("The same picture, and its points are zeros, not small numbers: what is not allowed is "
      "skipped, never pushed down by a large negative score. Networks that write are made like "
      "this: GPT (Radford et al. 2018), and the Transformer's decoder where it attends to itself. "
      "It is often said of GPT, too, that each position can look at all the others; it can look at "
      "all that came before.");
}

// 3. Nobody sees the filling: padding
void padding() {
  section(3, "Nobody sees the filling: padding");
  say("Two sentences side by side, of 2 and of 4 words: a batch needs one length, so the first is "
      "filled up with two tokens that mean nothing. All queries must leave those keys out:");
  const Mask mask = Mask::padding({2, 4}, 4);  // (B, 1, 1, T): it repeats along heads and queries
  draw(mask.str());
  const Tensor batch = t::reshape(t::stack({X, X}, 0), {2, 1, 4, 2});  // (B, 1, T, C): one head
  say("One line for each sentence: it holds for all its queries. The gradients, rows and columns "
      "being the four words of the first sentence, then those of the second:");
  draw(reached(batch, mask));
  expect("padding",
         reached(batch, mask) ==
             "# # . .   . . . .\n# # . .   . . . .\n# # # .   . . . .\n# # . #   . . . .\n"
             "\n"
             ". . . .   # # # #\n. . . .   # # # #\n. . . .   # # # #\n. . . .   # # # #\n");
  say("Sentences of a batch do not mix. In the first, no real word hears the filling. The filling "
      "itself still asks, so rows 3 and 4 depend on their own query; nobody reads those outputs, "
      "as the loss leaves them out. Masks join with &, allowed by both:");
  draw((Mask::causal(4) & mask).str());
}

// 4. Only the neighbours: a window
void window() {
  section(4, "Only the neighbours: a window");
  say("Over long texts every query may be given only the last keys, here two. Six tokens:");
  const Mask two = Mask::window(6, 6, 2);
  qkv::lib::Generator generator(1);
  const Tensor six = t::normal({6, 2}, 0, 1, generator, kDouble);
  draw(two.str());
  say("One layer reaches back one token; the next layer reads from tokens that have looked back "
      "already. The gradients through two layers of it:");
  draw(reached(six, two, 2));
  expect("one layer", reached(six, two, 1) == two.str());
  expect("two layers", reached(six, two, 2) == Mask::window(6, 6, 3).str());
  expect("five layers", reached(six, two, 5) == Mask::causal(6).str());
  say("A window of width w reaches back w - 1 tokens in each layer. Five layers of this one see "
      "all that a causal mask allows here.");
}

// 5. A query that may see nobody
void nobody() {
  section(5, "A query that may see nobody");
  say("It happens: an empty sentence in a batch, or two masks that leave nothing over. What is the "
      "average of no values? Take the scores 1, 2, 3, 4 and allow none of them:");
  const Tensor scores = Tensor::of<double>({1, 2, 3, 4}, {1, 4});
  const Tensor none = t::zeros({1, 4}, qkv::tensor::Dtype::boolean), all = t::logical_not(none);
  const Tensor large = t::softmax(t::masked_fill(scores, all, -1e9), -1);
  const Tensor infinite = t::softmax(t::masked_fill(scores, all, -INFINITY), -1);
  const Tensor skipped = t::masked_softmax(scores, none);
  show("large", "softmax of scores all replaced by -1000000000", large);
  show("skipped", "masked_softmax(scores), as here", skipped);
  expect("all equal", large, {.25, .25, .25, .25});
  expect("minus infinity gives no number", std::isnan(infinite.at({0, 0})));
  expect("zeros", skipped, {0, 0, 0, 0});
  say("With a large constant all keys are equally bad, so the query sees everybody: the mask has "
      "vanished. With minus infinity it would be 0 / 0, not a number, and soon no weight of the "
      "network is one. Skipped, it is a row of zeros: the output is 0, and so is every gradient. "
      "Here the second token may see nobody, not even itself:");
  const Tensor may_look =
      t::equal(Tensor::of<double>({1, 0, 1, 1}, {4, 1}), t::ones({1, 4}, kDouble));
  const Mask mask = Mask::causal(4) & Mask::allow(may_look);
  draw(reached(X, mask));
  expect("row 2 is empty", reached(X, mask) == "# . . .\n. . . .\n# # # .\n# # # #\n");
}

// 6. Which way round?
void polarity() {
  section(6, "Which way round?");
  say("Here # and true mean: may attend. PyTorch's scaled_dot_product_attention agrees; in the "
      "masks of its nn.MultiheadAttention true means: leave out. A mask of the wrong polarity "
      "raises no error. Causal turned round is this:");
  const Mask wrong = Mask::allow(t::logical_not(Mask::causal(4).allowed()));
  draw(wrong.str());
  say("Every query sees the future and nothing else, the last one nobody. A model that writes is "
      "then shown the very word that it should predict: in training it can copy the answer, and "
      "when it writes there is no answer to copy. Gradients show it before any training:");
  draw(reached(X, wrong));
  expect("as drawn", reached(X, wrong) == "# # # #\n. # # #\n. . . #\n. . . .\n");
  say("The first two outputs depend on their own token, too: as the query, it has keys to choose "
      "from. The third has one key, so its weight is 1 whatever it asks.");
  try_this(
      "Set padding to {0, 4} in section 3. The first sentence is empty: its four rows are "
      "points only, and nothing is nan. expect() stops the chapter there, as it should: the "
      "picture is another one.");
}

void chapter() {
  self();
  causal();
  padding();
  window();
  nobody();
  polarity();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
