// Chapter 19. Variations: eight other attentions, each as a diff against chapter 8.
//
// The same three tokens every time; a minus is a line of chapter 8, a plus what stands in its
// place. Each is computed here by simple operations and asserted to be what the library computes
// (nn/variations.h, nn/mask.h, nn/linear_attention.h).
#include "nn/variations.h"

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "nn/linear_attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::autograd::Variable;
using qkv::nn::AttentionOutput;
using qkv::nn::Mask;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;

namespace {

namespace nn = qkv::nn;
namespace t = qkv::tensor;

// Queries, keys and values of chapter 8.
const Variable Q = Tensor::of<double>({1.18, .78, .62, .59, .66, .71}, {3, 2});
const Variable K = Tensor::of<double>({.83, .71, .53, .66, .76, .41}, {3, 2});
const Variable V = Tensor::of<double>({1.02, 1.07, .52, .93, .79, .56}, {3, 2});
const double kScale = 1 / std::sqrt(2.0);                             // 1/√D
Variable plain_scores() { return matmul(Q, transpose(K)) * kScale; }  // (3, 3)

// Ends the chapter unless what is computed here is what the library has, to twelve decimals.
void must_be(const char* name, const Variable& here, const Variable& library) {
  double largest = 0;
  for (const double d : t::abs(t::sub(here.value(), library.value())).to_vector()) {
    largest = std::fmax(largest, d);
  }
  expect(std::string(name) + " here is the library's", largest <= 1e-12);
}

// 1. What is varied
void the_original() {
  section(1, "What is varied");
  say("Three lines of chapter 8; Q, K and V are those of its three tokens.");
  draw("  scores  = Q K^T / sqrt(D)\n  weights = softmax(scores)\n  output  = weights V");
  const Variable weights = softmax(plain_scores(), -1);
  show("weights", "softmax(scores)", weights.value());
  expect("weights", weights.value(),
         {.3911, .2962, .3127, .3684, .3163, .3152, .3731, .3163, .3106});
}

// 2. Soft cap
void soft_cap() {
  section(2, "Soft cap: no score can drown the others");
  draw("- weights = softmax(scores)\n+ weights = softmax(c tanh(scores / c))");
  say("tanh squashes everything into -1 to 1, so capped scores stay between -c and c. Far inside "
      "nothing changes. Gemma 2 takes c = 50; our scores are small, so here c = 0.5.");
  const Variable capped = tanh(plain_scores() / 0.5) * 0.5;  // (3, 3)
  const Variable weights = softmax(capped, -1);
  show("scores", "before", plain_scores().value());
  show("capped", "0.5 tanh(scores / 0.5)", capped.value());
  show("weights", "softmax(capped): more even than before", weights.value());
  expect("weights", weights.value(),
         {.3382, .3297, .3321, .3446, .3280, .3275, .3433, .3294, .3274});
  must_be("soft cap", weights, nn::soft_capped_attention(Q, K, V, 0.5).weights);
}

// 3. Sink
void sink() {
  section(3, "Sink: the right to look at nothing");
  draw("- weights_j = exp(s_j) / sum_k exp(s_k)\n+ weights_j = exp(s_j) / (1 + sum_k exp(s_k))");
  say("Softmax must give away the whole of its weight, even where no key fits. The 1 is the "
      "exponential of a further score, 0, which belongs to no key and has no value: the sink. "
      "Rows now sum to less than 1.");
  const Variable e = exp(plain_scores());
  const Variable weights = e / (sum(e, {-1}, /*keepdim=*/true) + 1.0);
  show("weights", "exp(scores) / (1 + row sum of exp(scores))", weights.value());
  show("row sums", "the rest went to the sink", t::sum(weights.value(), {-1}));
  expect("row sums", t::sum(weights.value(), {-1}), {.8832, .8401, .8494});
  must_be("sink", weights, nn::sink_attention(Q, K, V).weights);
}

// 4. Hard
void hard() {
  section(4, "Hard: the best key only");
  draw("- weights = softmax(scores)\n+ weights = 1 for the largest score of the row, else 0");
  const Tensor best = t::argmax(plain_scores().value(), -1);  // (3): where each row has its largest
  const Variable weights = t::one_hot(best, 3, Dtype::float64);  // (3, 3): 1 there, else 0
  show("weights", "one_hot(argmax(scores))", weights.value());
  expect("weights", weights.value(), {1, 0, 0, 1, 0, 0, 1, 0, 0});
  must_be("hard", weights, nn::hard_attention(Q, K, V).weights);
  say("A hash table at last: one key, one value. But a small step of Q changes no choice, so Q "
      "and K get no gradient, and this cannot be learned by descent. Softmax is the version with "
      "slopes.");
}

// 5. Kernel
void kernel() {
  section(5, "Kernel: near keys count more");
  draw("- scores = Q K^T / sqrt(D)\n+ scores_ij = -|Q_i - K_j|^2 / 2 h^2");
  say("The ancestor of 1964 (Nadaraya, Watson): a value counts the more, the nearer its key lies. "
      "|q - k|^2 = |q|^2 - 2 q.k + |k|^2; the first term is the same for a whole row, and softmax "
      "does not see it. With h^2 = sqrt(D) what is left is chapter 8's score less |k|^2 / 2 h^2: "
      "for keys of one length, attention itself.");
  const double h = std::sqrt(std::sqrt(2.0));
  const Variable lengths = transpose(sum(K * K, {-1}, true));  // (1, 3): |k|²
  const Variable weights = softmax(plain_scores() - lengths / (2 * h * h), -1);
  show("|k|^2", "K K, summed over each row", lengths.value());
  show("weights", "softmax(scores - |k|^2 / 2 h^2)", weights.value());
  say("The first key is the longest. That was its advantage in every row of chapter 8, and here "
      "it is its disadvantage: only for the first query, which is long too, is it still near "
      "enough to lead.");
  expect("|k|^2", lengths.value(), {1.1930, .7165, .7457});
  expect("weights", weights.value(),
         {.3530, .3164, .3306, .3313, .3367, .3321, .3357, .3369, .3274});
  must_be("kernel", weights, nn::kernel_attention(Q, K, V, h).weights);
}

// 6. Window
void window() {
  section(6, "Window: the last few tokens only");
  draw(
      "- weights = softmax(scores)\n+ weights = softmax(scores where the mask allows, row by row)");
  say("A mask as in chapter 13, with a second edge: each token sees itself and the one before. T "
      "tokens cost 2 T scores and not T T / 2. With a sink made of keys the first token stays in "
      "sight of all: softmax puts there what it has no use for. (Luong's local attention, "
      "nn/local_attention.h, is older, and learns where to put its window.) For five tokens:");
  draw("window of 2\n" + Mask::window(5, 5, 2).str() + "\nand one sink\n" +
       Mask::window(5, 5, 2, 1).str());
  const Mask mask = Mask::window(3, 3, 2);
  const Variable weights = masked_softmax(plain_scores(), mask.allowed());
  show("weights", "softmax(scores) in a window of 2", weights.value());
  expect("weights", weights.value(), {1, 0, 0, .5380, .4620, 0, 0, .5045, .4955});
  must_be("window", weights, nn::scaled_dot_product_attention(Q, K, V, mask).weights);
}

// 7. Grouped queries
void grouped() {
  section(7, "Grouped queries: several heads, one set of keys and values");
  draw(
      "- K_h = X Wk_h,  V_h = X Wv_h    for each head h\n+ K_g = X Wk_g,  V_g = X Wv_g    for each "
      "group g "
      "of heads");
  say("Who writes token by token keeps the keys and values of all earlier ones: 2 H D numbers for "
      "each token and layer. Where G groups share them it is 2 G D. Here H = 2 and G = 1: head 1 "
      "has chapter 8's queries, head 2 the same with its two columns exchanged, and both look at "
      "the same K and V.");
  const Variable Q2 = qkv::autograd::concat({slice(Q, 1, 1, 2), slice(Q, 1, 0, 1)}, 1);  // (3, 2)
  const Variable k = qkv::autograd::parameter(K.value().clone());
  const Variable head1 = matmul(softmax(matmul(Q, transpose(k)) * kScale, -1), V);
  const Variable head2 = matmul(softmax(matmul(Q2, transpose(k)) * kScale, -1), V);
  show("head 2", "softmax(Q2 K^T / sqrt(D)) V", head2.value());
  const Variable both =
      nn::grouped_query_attention(reshape(qkv::autograd::concat({Q, Q2}, 0), {1, 2, 3, 2}),
                                  reshape(k, {1, 1, 3, 2}), reshape(V, {1, 1, 3, 2}))
          .output;  // (B, H, T, D) = (1, 2, 3, 2)
  must_be("grouped queries", qkv::autograd::concat({head1, head2}, 0), reshape(both, {6, 2}));

  const Variable r = Tensor::of<double>({1, 0, 0, 1, 1, -1}, {3, 2});  // dO of chapter 8
  const Variable dK1 = qkv::autograd::grad({head1}, {k}, {r})[0],
                 dK2 = qkv::autograd::grad({head2}, {k}, {r})[0];
  show("dK", "what head 1 sends to K: chapter 8's", dK1.value());
  show("dK", "what head 2 sends to K", dK2.value());
  expect("dK of head 1", dK1.value(), {.1096, .0840, -.1093, -.0901, -.0003, .0060});
  must_be("dK", dK1 + dK2,
          qkv::autograd::grad({both}, {k},
                              {reshape(qkv::autograd::concat({r, r}, 0), {1, 2, 3, 2})})[0]);
  say("K was used twice, so its gradient is the sum of both: the diamond of chapter 2.");
}

// 8. Linear
void linear() {
  section(8, "Linear: without exp, the product can be taken from the other end");
  draw("- weights_ij = exp(s_ij) / row sum\n+ weights_ij = phi(Q_i) . phi(K_j) / row sum");
  formula("phi(x) = x + 1 where x > 0, else exp(x)");
  say("phi is never negative, so that products of it can be weights (Katharopoulos et al. 2020). "
      "Our Q and K are all positive: phi only adds 1.");
  const Variable queries = Q + 1.0, keys = K + 1.0;            // phi, (3, 2)
  const Variable products = matmul(queries, transpose(keys));  // (3, 3)
  const Variable weights = products / sum(products, {-1}, /*keepdim=*/true);
  show("weights", "phi(Q) phi(K)^T, each row divided by its sum", weights.value());
  must_be("linear", weights, nn::linear_attention(Q, K, V).weights);

  say("No exp stands between Q and K any more, so the brackets may move: (phi(Q) phi(K)^T) V, by "
      "way of T x T numbers, or phi(Q) (phi(K)^T V), by way of D x D. A column of ones beside V "
      "collects the row sums on the way.");
  const Variable ones = t::ones({3, 1}, Dtype::float64);
  const Variable values = qkv::autograd::concat({V, ones}, -1);  // (3, 3): V, and 1
  const Variable state = matmul(transpose(keys), values);        // (2, 3), however long the text
  const Variable sums = matmul(queries, state);                  // (3, 3)
  const Variable output = slice(sums, -1, 0, 2) / slice(sums, -1, 2, 3);
  show("state", "phi(K)^T [V 1]", state.value());
  show("output", "phi(Q) state, the first two columns divided by the third", output.value());
  must_be("the other end", output, matmul(weights, V));

  Variable so_far;
  for (int64_t i = 0; i < 3; ++i) {  // one token after another: a recurrent net after all
    static_cast<void>(nn::linear_attention_step(slice(Q, 0, i, i + 1), slice(K, 0, i, i + 1),
                                                slice(V, 0, i, i + 1), so_far));
  }
  must_be("the state of three steps", so_far, state);
  say("The state is a sum over tokens, so it can take them in one by one: 6 numbers remember the "
      "whole past. That is a recurrent net, with what chapter 11 said of one vector for "
      "everything: it does not grow with the text.");
}

// 9. Side by side
void side_by_side() {
  section(9, "Side by side");
  say("The first token in each of them, all from the library: its weights, their sum, its output, "
      "and the largest gradient that chapter 8's dO sends to Q.");
  const Variable q = qkv::autograd::parameter(Q.value().clone());
  const Variable dO = Tensor::of<double>({1, 0, 0, 1, 1, -1}, {3, 2});
  std::vector<std::vector<std::string>> rows = {
      {"", "key 1", "key 2", "key 3", "sum", "O_1", "O_2", "largest dQ"}};
  const auto add = [&](const std::string& name, const AttentionOutput& a) {
    std::vector<std::string> row = {name};
    double total = 0, largest = 0;
    for (const double w : t::select(a.weights.value(), 0, 0).to_vector()) {
      row.push_back(fixed(w));
      total += w;
    }
    row.push_back(fixed(total));
    for (const double o : t::select(a.output.value(), 0, 0).to_vector()) row.push_back(fixed(o));
    if (a.output.requires_grad()) {  // hard attention is a constant as far as Q is concerned
      for (const double d :
           t::abs(qkv::autograd::grad({a.output}, {q}, {dO})[0].value()).to_vector()) {
        largest = std::fmax(largest, d);
      }
    }
    row.push_back(fixed(largest));
    rows.push_back(row);
  };
  add("chapter 8", nn::scaled_dot_product_attention(q, K, V));
  add("soft cap 0.5", nn::soft_capped_attention(q, K, V, 0.5));
  add("sink", nn::sink_attention(q, K, V));
  add("hard", nn::hard_attention(q, K, V));
  add("kernel", nn::kernel_attention(q, K, V, std::sqrt(std::sqrt(2.0))));
  add("window of 2", nn::scaled_dot_product_attention(q, K, V, Mask::window(3, 3, 2)));
  add("linear", nn::linear_attention(q, K, V));
  table(rows);
  say("All are called alike, {output, weights} = f(Q, K, V, mask), so that any of them can stand "
      "in a Transformer: ./qkv train reverse variation=sink, or window=4, or heads=4 kv_heads=2.");
  try_this(
      "Multiply Q by 100. Chapter 8's attention becomes hard attention, and its gradients "
      "vanish, too; the capped one becomes a plain average instead, as every score reaches "
      "the cap.");
}

void chapter() {
  the_original();
  soft_cap();
  sink();
  hard();
  kernel();
  window();
  grouped();
  linear();
  side_by_side();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
