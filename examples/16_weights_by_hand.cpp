// Chapter 16. Weights by hand: copy and reverse without any training.
//
// One head of attention, its three matrices written down. It solves both tasks on every sequence
// there is of 4 symbols out of 3; then the same head stands beside a trained Transformer.
#include "examples/chapter.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"
#include "nn/attention.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::lib::str;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

// Rows of the identity, picked by number: 1 at each number, 0 elsewhere.
Tensor unit_rows(const Tensor& ids, int64_t n) { return t::one_hot(ids, n, Dtype::float64); }

const Tensor kSymbols = Tensor::of<int64_t>({2, 0, 1, 1}, {4});
const std::vector<std::string> kLabels = {"2", "0", "1", "1"};
const Tensor kIdentity = unit_rows(t::arange(4), 4);                          // (4, 4)
const Tensor kMirror = unit_rows(Tensor::of<int64_t>({3, 2, 1, 0}, {4}), 4);  // anti-diagonal

struct Head {
  Tensor X, Wq, A, O;
};

// One head on T tokens, each one of S symbols, at a place given by a pattern of width W. Its query:
// "my place, sent through M". Its key: "my place". Its value: "my symbol".
Head by_hand(const Tensor& symbols, int64_t S, const Tensor& places, const Tensor& M) {
  const int64_t W = places.shape()[1];
  const Tensor none = t::zeros({S, W}, Dtype::float64);
  const Tensor X = t::concat({unit_rows(symbols, S), places}, 1);                    // (T, S + W)
  const Tensor Wq = t::concat({none, M}, 0);                                         // (S + W, W)
  const Tensor Wk = t::concat({none, unit_rows(t::arange(W), W)}, 0);                // (S + W, W)
  const Tensor Wv = t::concat({unit_rows(t::arange(S), S), t::transpose(none)}, 0);  // (S + W, S)
  const auto found = qkv::nn::scaled_dot_product_attention(  // steps 3 to 6 of chapter 8
      t::matmul(X, Wq), t::matmul(X, Wk), t::matmul(X, Wv));
  return {X, Wq, found.weights.value(), found.output.value()};  // A (T, T), O (T, S)
}

// How many of all 81 sequences come out right: the largest number of each row of O is the answer.
int right_of_81(const Tensor& places, const Tensor& M, const Tensor& order) {
  int right = 0;
  for (int64_t n = 0; n < 81; ++n) {  // the symbols are the four digits of n in base 3
    const Tensor symbols = Tensor::of<int64_t>({n / 27, n / 9 % 3, n / 3 % 3, n % 3}, {4});
    const Tensor wanted = t::matmul(order, unit_rows(symbols, 3));  // (T, S)
    const Tensor O = by_hand(symbols, 3, places, M).O;              // (T, S)
    if (t::all(t::equal(t::argmax(O, -1), t::argmax(wanted, -1)))) ++right;
  }
  return right;
}

void with_ones_for_places() {
  // 1. Copy
  section(1, "Copy: look where you stand");
  say("A token is 3 + 4 numbers: a 1 for its symbol, a 1 for its place. To copy, a query must find "
      "the key of its own place and fetch the symbol there. The 40 makes scores large and softmax "
      "sharp. (One also speaks of a temperature, by which scores are divided: here 1/40.)");
  formula("Wq = (0 above 40 I),   Wk = (0 above I),   Wv = (I above 0),   I the identity");
  const Head copy = by_hand(kSymbols, 3, kIdentity, t::mul(kIdentity, 40));
  show("X", "symbol and place of 2 0 1 1", copy.X);
  show("Wq", "picks the place out of X", copy.Wq);
  map("A = softmax(Q K^T / sqrt(4))", copy.A, kLabels, kLabels);
  show("O", "A V, which reads 2 0 1 1", copy.O);
  expect("O", copy.O, {0, 0, 1, 1, 0, 0, 0, 1, 0, 0, 1, 0});

  // 2. Reverse
  section(2, "Reverse: look at the mirror place");
  say("Only what is looked for changes: place t, counted from 0, asks for place 3 - t. So the ones "
      "stand on the anti-diagonal, from the top right to the bottom left, in Wq and in the map.");
  const Head reverse = by_hand(kSymbols, 3, kIdentity, t::mul(kMirror, 40));
  show("Wq", "zeros above 40 times the anti-diagonal", reverse.Wq);
  map("A", reverse.A, kLabels, kLabels);
  show("O", "A V, which reads 1 1 0 2", reverse.O);
  expect("O", reverse.O, {0, 1, 0, 0, 1, 0, 1, 0, 0, 0, 0, 1});

  // 3. How sharp must it be?
  section(3, "How sharp must it be?");
  say("With a factor f the right place scores b = f / 2, all others 0. Three wrong places with one "
      "symbol outvote it if 3 > exp(b). 24 of all 81 sequences have three alike and one other.");
  formula("A_right = exp(b) / (exp(b) + 3)      right always if b > log(3) = 1.0986");
  expect("log 3", t::log(t::scalar(3, Dtype::float64)).item(), 1.0986);
  std::vector<std::vector<std::string>> rows = {{"f", "A_right", "copied", "reversed"}};
  for (const double f : {0.0, 2.0, 2.4, 40.0}) {
    const double weight = by_hand(kSymbols, 3, kIdentity, t::mul(kIdentity, f)).A.at({0, 0});
    const int copied = right_of_81(kIdentity, t::mul(kIdentity, f), kIdentity);
    const int reversed = right_of_81(kIdentity, t::mul(kMirror, f), kMirror);
    rows.push_back({fixed(f, 1), fixed(weight), str(copied, " of 81"), str(reversed, " of 81")});
    expect("so many", copied == reversed && copied == (f == 0 ? 3 : f == 2 ? 81 - 24 : 81));
  }
  table(rows);
  say("With f = 0 only the 3 sequences of a single symbol come out, with f = 2 all but the 24. At "
      "f = 1600 exp(-800) is 0 in the machine, and A is the anti-diagonal to the last bit.");
  const Tensor sharpest = by_hand(kSymbols, 3, kIdentity, t::mul(kMirror, 1600)).A;
  expect("to the bit", t::all(t::equal(sharpest, kMirror)));
}

void chapter() {
  with_ones_for_places();

  // 4. With sinusoids
  section(4, "The same with sinusoids");
  say("With the clocks of chapter 15, place t asks for 3 - t by turning its hands to the mirrored "
      "time: one matrix again, of the numbers in the last row of P, where t = n = 3.");
  formula("sin((n - t) w) = -sin(t w) cos(n w) + cos(t w) sin(n w)");
  formula("cos((n - t) w) = sin(t w) sin(n w) + cos(t w) cos(n w)");
  const Tensor P = qkv::nn::sinusoidal_positions(4, 4, Dtype::float64);  // (T, W)
  const double s0 = P.at({3, 0}), c0 = P.at({3, 1}), s1 = P.at({3, 2}), c1 = P.at({3, 3});
  const Tensor M =
      Tensor::of<double>({-c0, s0, 0, 0, s0, c0, 0, 0, 0, 0, -c1, s1, 0, 0, s1, c1}, {4, 4});
  show("P", "sinusoids", P);
  show("M", "the mirror", M);
  show("S", "P M P^T: row i asks, column j answers", t::matmul(t::matmul(P, M), t::transpose(P)));
  say("Clocks that agree score 2, neighbours little less; but with 100 M all 81 are reversed.");
  expect("all are right", right_of_81(P, t::mul(M, 100), kMirror) == 81);

  // 5. Beside a trained one
  section(5, "Beside a trained one");
  say("The lab (examples/lab/trainer.h) trains a Transformer (chapter 17) to reverse 4 digits.");
  const Config config = parse_config({"task=reverse", "length=4", "steps=300"});
  const Task task = make_task(config);
  const auto model = make_model(config);
  const auto quiet = [](const Metrics&) {};
  train(*model, task, config, /*report=*/quiet, /*stop=*/[] { return false; });
  const Batch unseen = make_batch(task, Split::test, 0, 1);  // never trained on
  const Look look = model->looks(unseen).front();
  const Tensor digits = t::select(unseen.source, 0, 0);  // (T)
  map("by hand", by_hand(digits, 10, kIdentity, t::mul(kMirror, 40)).A, look.rows, look.columns);
  map("trained", look.weights, look.rows, look.columns);
  const Accuracy test = evaluate(*model, task, Split::test);
  say(str(
      "Training knew only questions and answers, and found the same map, less sharp; but sharp ",
      "enough: ", test.exact, " of ", test.sequences, " unseen sequences are right."));
  expect("mirrored", t::all(t::equal(t::argmax(look.weights, -1), t::argmax(kMirror, -1))));
  try_this(
      "In section 1 give by_hand an M with 40s just above its diagonal: each place asks for the "
      "next, and the last gets the mean of all. expect() stops behind O.");
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
