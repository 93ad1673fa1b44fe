// Chapter 19. Variations: seven other attentions, each as a diff against chapter 8.
//
// The same three tokens every time; a minus is a line of chapter 8, a plus what stands in its
// place. Each is computed here by simple operations and asserted to be what the library computes.
#include "nn/variations.h"

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "nn/linear_attention.h"
#include "tensor/index.h"
#include "tensor/reduce.h"

using namespace qkv::examples;
using namespace qkv::autograd;  // for softmax, exp, sum ... of Variables
using qkv::nn::Mask;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
namespace nn = qkv::nn;
namespace t = qkv::tensor;

namespace {

// Queries, keys and values of chapter 8, and the gradient of its output.
const Variable Q = Tensor::of<double>({1.18, .78, .62, .59, .66, .71}, {3, 2});
const Variable K = Tensor::of<double>({.83, .71, .53, .66, .76, .41}, {3, 2});
const Variable V = Tensor::of<double>({1.02, 1.07, .52, .93, .79, .56}, {3, 2});
const Variable dO = Tensor::of<double>({1, 0, 0, 1, 1, -1}, {3, 2});
const double kScale = 1 / std::sqrt(2.0);                  // 1/√D
const Variable scores = matmul(Q, transpose(K)) * kScale;  // (3, 3)

// Shows what is computed here, and ends the chapter unless the library has the same.
void result(const char* name, const char* formula, const Variable& here, const Variable& library) {
  show(name, formula, here.value());
  expect(name, here.value(), library.value().to_vector());
}

void scores_and_weights() {
  // 1. Soft cap
  section(1, "Soft cap: no score can drown the others");
  say("Chapter 8 had three lines. Every section changes one of them.");
  draw("  scores  = Q K^T / sqrt(D)\n  weights = softmax(scores)\n  output  = weights V");
  show("weights", "softmax(scores)", softmax(scores, -1).value());
  draw("- weights = softmax(scores)\n+ weights = softmax(c tanh(scores / c))");
  say("tanh squashes everything into -1 to 1, so capped scores stay between -c and c. Far inside "
      "nothing changes. Gemma 2, which writes text, takes c = 50; we take c = 0.5.");
  const Variable capped = tanh(scores / 0.5) * 0.5;  // (3, 3)
  result("weights", "softmax(0.5 tanh(scores / 0.5)): more even than before", softmax(capped, -1),
         nn::soft_capped_attention(Q, K, V, 0.5).weights);

  // 2. Sink
  section(2, "Sink: the right to look at nothing");
  draw("- weights_j = exp(s_j) / sum_k exp(s_k)\n+ weights_j = exp(s_j) / (1 + sum_k exp(s_k))");
  say("Softmax must give away all of its weight, even where no key fits. The 1 is the exponential "
      "of one more score, 0, which has no key and no value: the sink. Rows sum to less than 1.");
  const Variable e = exp(scores), sinking = e / (sum(e, {-1}, /*keepdim=*/true) + 1.0);
  result("weights", "exp(scores) / (1 + row sum)", sinking, nn::sink_attention(Q, K, V).weights);
  expect("row sums", t::sum(sinking.value(), {-1}), {.8832, .8401, .8494});

  // 3. Hard
  section(3, "Hard: the best key only");
  draw("- weights = softmax(scores)\n+ weights = 1 for the largest score of the row, else 0");
  const Variable best = t::one_hot(t::argmax(scores.value(), -1), 3, Dtype::float64);  // (3, 3)
  result("weights", "one_hot(argmax(scores))", best, nn::hard_attention(Q, K, V).weights);
  say("(argmax: where the largest is.) A hash table at last: one key, one value. But a small step "
      "of Q changes no choice, so Q and K get no gradient and cannot learn. Softmax has slopes.");

  // 4. Kernel
  section(4, "Kernel: near keys count more");
  draw("- scores = Q K^T / sqrt(D)\n+ scores_ij = -|Q_i - K_j|^2 / (2 h^2)");
  say("Chapter 7's average, its bell h wide. |q - k|^2 = |q|^2 - 2 q . k + |k|^2, and softmax does "
      "not see |q|^2, the same in a row. With h^2 = sqrt(D) this is chapter 8's score less |k|^2 / "
      "(2 h^2): for keys of one length, attention itself.");
  const double h = std::sqrt(std::sqrt(2.0));
  const Variable lengths = transpose(sum(K * K, {-1}, true));  // (1, 3): |k|²
  result("weights", "softmax(scores - |k|^2 / (2 h^2))",
         softmax(scores - lengths / (2 * h * h), -1), nn::kernel_attention(Q, K, V, h).weights);
}

void fewer_keys() {
  // 5. Window
  section(5, "Window: the last few tokens only");
  draw("- weights = softmax(scores)\n+ weights = softmax(scores where the mask allows)");
  say("A mask as in chapter 13, with a second edge: each token sees itself and the one before. T "
      "tokens cost 2 T scores, not T T / 2. Here are five tokens, then the same with the first "
      "token in sight of all, a sink made of a key. (In nn/local_attention.h queries move it.)");
  draw(Mask::window(5, 5, 2).str() + "\n" + Mask::window(5, 5, 2, 1).str());
  const Mask mask = Mask::window(3, 3, 2);
  result("weights", "of our three tokens, in a window of 2", masked_softmax(scores, mask.allowed()),
         nn::scaled_dot_product_attention(Q, K, V, mask).weights);

  // 6. Grouped queries
  section(6, "Grouped queries: several heads, one set of keys and values");
  draw("- Wk_h, Wv_h    for each head h\n+ Wk_g, Wv_g    for each group g of heads");
  say("Who writes token by token keeps the keys and values of all earlier ones: 2 H D numbers for "
      "each. If G groups of heads share them, 2 G D. Here H = 2 and G = 1: head 1 has chapter 8's "
      "queries, head 2 the same with its columns exchanged, and both look at the same K and V.");
  const Variable Q2 = concat({slice(Q, 1, 1, 2), slice(Q, 1, 0, 1)}, 1);  // (3, 2)
  const Variable k = parameter(K.value().clone());
  const Variable head1 = matmul(softmax(matmul(Q, transpose(k)) * kScale, -1), V);
  const Variable head2 = matmul(softmax(matmul(Q2, transpose(k)) * kScale, -1), V);
  const Variable both =  // (B, H, T, D) = (1, 2, 3, 2)
      nn::grouped_query_attention(reshape(concat({Q, Q2}, 0), {1, 2, 3, 2}),
                                  reshape(k, {1, 1, 3, 2}), reshape(V, {1, 1, 3, 2}))
          .output;
  result("heads", "head 1 above head 2", concat({head1, head2}, 0), reshape(both, {6, 2}));
  result("dK", "from head 1 + from head 2, as in the diamond of chapter 2",
         grad({head1}, {k}, {dO})[0] + grad({head2}, {k}, {dO})[0],
         grad({both}, {k}, {reshape(concat({dO, dO}, 0), {1, 2, 3, 2})})[0]);
}

void chapter() {
  scores_and_weights();
  fewer_keys();

  // 7. Linear
  section(7, "Linear: without exp, the product can be taken from the other end");
  draw("- weights_ij = exp(s_ij) / row sum\n+ weights_ij = phi(Q_i) . phi(K_j) / row sum");
  formula("phi(x) = x + 1 where x > 0, else exp(x)");
  say("phi is never negative, so its products can be weights (Katharopoulos et al. 2020).");
  const Variable queries = Q + 1.0, keys = K + 1.0;            // phi, (3, 2), as all are > 0
  const Variable products = matmul(queries, transpose(keys));  // (3, 3)
  const Variable weights = products / sum(products, {-1}, /*keepdim=*/true);
  result("weights", "phi(Q) phi(K)^T / row sum", weights, nn::linear_attention(Q, K, V).weights);
  say("The brackets may move now: (phi(Q) phi(K)^T) V goes by way of T x T numbers, phi(Q) "
      "(phi(K)^T V) by D x D. A column of ones beside V collects the row sums on the way.");
  const Variable ones = t::ones({3, 1}, Dtype::float64);
  const Variable state = matmul(transpose(keys), concat({V, ones}, -1));  // (2, 3)
  const Variable sums = matmul(queries, state);                           // (3, 3)
  result("output", "phi(Q) phi(K)^T [V 1], the first two columns divided by the third",
         slice(sums, -1, 0, 2) / slice(sums, -1, 2, 3), matmul(weights, V));
  Variable so_far;
  for (int64_t i = 0; i < 3; ++i) {  // one token after another: a recurrent net after all
    static_cast<void>(nn::linear_attention_step(slice(Q, 0, i, i + 1), slice(K, 0, i, i + 1),
                                                slice(V, 0, i, i + 1), so_far));
  }
  result("state", "phi(K)^T [V 1], a sum over tokens, taken in one by one", so_far, state);
  say("2 x 3 numbers remember the past: a recurrent net, with what chapter 11 said of one vector "
      "for everything. All these, nn/variations.h and its neighbours, can stand in a Transformer: "
      "./qkv train reverse variation=sink, or window=4, or heads=4 kv_heads=2.");
  try_this(
      "Multiply Q by 100. Chapter 8's weights become hard ones, without slopes; the capped ones a "
      "plain average, as every score reaches the cap. expect() stops in section 2.");
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
