// Chapter 16. Weights by hand: copy and reverse without any training.
//
// One head of attention, its three matrices written down. It solves both tasks on every sequence
// there is of 4 symbols out of 3; then the same head stands beside a trained Transformer.
#include <cmath>

#include "examples/chapter.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"
#include "nn/positions.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv::examples;
using qkv::lib::str;
using qkv::tensor::Dtype;
using qkv::tensor::Tensor;

namespace {

namespace t = qkv::tensor;

// Rows of the identity, picked by number: 1 at each number, 0 elsewhere.
Tensor unit_rows(const Tensor& numbers, int64_t n) {
  return t::one_hot(numbers, n, Dtype::float64);
}

const Tensor kSymbols = Tensor::of<int64_t>({2, 0, 1, 1}, {4});
const std::vector<std::string> kLabels = {"2", "0", "1", "1"};
const Tensor kIdentity = unit_rows(t::arange(4), 4);                          // (4, 4)
const Tensor kMirror = unit_rows(Tensor::of<int64_t>({3, 2, 1, 0}, {4}), 4);  // anti-diagonal

struct Head {
  Tensor X, Wq, Wk, Wv, A, O;
};

// One head on T tokens. A token says what it is, one of S symbols, and where it stands, by a
// pattern of width W. Query: "my place, sent through M". Key: "my place". Value: "my symbol".
Head by_hand(const Tensor& symbols, int64_t S, const Tensor& places, const Tensor& M) {
  const int64_t W = places.shape()[1];
  const Tensor none = t::zeros({S, W}, Dtype::float64);
  Head h;
  h.X = t::concat({unit_rows(symbols, S), places}, 1);                    // (T, S + W)
  h.Wq = t::concat({none, M}, 0);                                         // (S + W, W)
  h.Wk = t::concat({none, unit_rows(t::arange(W), W)}, 0);                // (S + W, W)
  h.Wv = t::concat({unit_rows(t::arange(S), S), t::transpose(none)}, 0);  // (S + W, S)
  const Tensor Q = t::matmul(h.X, h.Wq), K = t::matmul(h.X, h.Wk), V = t::matmul(h.X, h.Wv);
  const double scale = 1 / std::sqrt(static_cast<double>(W));
  h.A = t::softmax(t::mul(t::matmul(Q, t::transpose(K)), scale), -1);  // (T, T)
  h.O = t::matmul(h.A, V);                                             // (T, S)
  return h;
}

// Of all 81 sequences, how many come out right, the largest number of each row of O being the
// answer. Or, if it has to be exact: how many to the bit, as rows of the identity.
int right_of_81(const Tensor& places, const Tensor& M, const Tensor& order, bool exact = false) {
  int right = 0;
  for (int64_t n = 0; n < 81; ++n) {  // the symbols are the four digits of n in base 3
    const Tensor symbols = Tensor::of<int64_t>({n / 27, n / 9 % 3, n / 3 % 3, n % 3}, {4});
    const Tensor wanted = t::matmul(order, unit_rows(symbols, 3));  // (T, S)
    const Tensor O = by_hand(symbols, 3, places, M).O;              // (T, S)
    right += exact ? t::all(t::equal(O, wanted))
                   : t::all(t::equal(t::argmax(O, -1), t::argmax(wanted, -1)));
  }
  return right;
}

void copy_and_reverse() {
  // 1. Copy
  section(1, "Copy: look where you stand");
  say("A token of 3 + 4 numbers: a 1 for its symbol, a 1 for its place. To copy, a query must find "
      "the key of its own place and fetch the symbol there. So Wq and Wk pick out the place, and "
      "Wv the symbol. The factor 40 makes scores large and softmax sharp; one also speaks of a "
      "temperature, by which scores are divided, here 1/40.");
  const Head copy = by_hand(kSymbols, 3, kIdentity, t::mul(kIdentity, 40));
  show("X", "symbol and place of 2 0 1 1", copy.X);
  show("Wq", "zeros above 40 times the identity", copy.Wq);
  show("Wk", "zeros above the identity", copy.Wk);
  show("Wv", "the identity above zeros", copy.Wv);
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
}

// 3. How sharp must it be?
void how_sharp() {
  section(3, "How sharp must it be?");
  say("With a factor f the right place scores b = f / 2 and all others 0. Three wrong places with "
      "one symbol outvote it if 3 > exp(b). Of the 81 sequences of 4 symbols out of 3, 24 have "
      "three alike and one that differs.");
  formula("A_right = exp(b) / (exp(b) + 3)      right always if b > ln 3 = 1.0986");
  expect("ln 3", t::log(t::scalar(3, Dtype::float64)).item(), 1.0986);
  std::vector<std::vector<std::string>> rows = {
      {"f", "weight of the right place", "copied", "reversed"}};
  for (const double f : {0.0, 2.0, 2.4, 40.0}) {
    const Tensor straight = t::mul(kIdentity, f), mirrored = t::mul(kMirror, f);
    const int copied = right_of_81(kIdentity, straight, kIdentity);
    const int reversed = right_of_81(kIdentity, mirrored, kMirror);
    const double weight = by_hand(kSymbols, 3, kIdentity, straight).A.at({0, 0});
    rows.push_back({fixed(f, 1), fixed(weight), str(copied, " of 81"), str(reversed, " of 81")});
    const int expected = f == 0 ? 3 : f == 2 ? 81 - 24 : 81;
    expect("so many are right", copied == expected && reversed == expected);
  }
  table(rows);
  say("With f = 0 every place counts the same, and only the 3 sequences of a single symbol come "
      "out. At b = 1 exactly the 24 fail, from b = 1.2 on none. And at b = 800, where exp(-800) is "
      "0 in the machine, O is the answer to the last bit, for all 81.");
  expect("to the bit",
         right_of_81(kIdentity, t::mul(kMirror, 1600), kMirror, /*exact=*/true) == 81);
}

// 4. With sinusoids
void with_sinusoids() {
  section(4, "The same with sinusoids");
  say("With the clocks of chapter 15, place t asks for 3 - t by turning its hands to the mirrored "
      "time. That too is one matrix, and its numbers stand in the last row of P, where t = n = 3.");
  formula("sin((n - t) w) = -sin(t w) cos(n w) + cos(t w) sin(n w)");
  formula("cos((n - t) w) = sin(t w) sin(n w) + cos(t w) cos(n w)");
  const Tensor P = qkv::nn::sinusoidal_positions(4, 4, Dtype::float64);  // (T, W)
  const double s0 = P.at({3, 0}), c0 = P.at({3, 1}), s1 = P.at({3, 2}), c1 = P.at({3, 3});
  const Tensor M =
      Tensor::of<double>({-c0, s0, 0, 0, s0, c0, 0, 0, 0, 0, -c1, s1, 0, 0, s1, c1}, {4, 4});
  show("P", "sinusoids", P);
  show("M", "the mirror", M);
  show("S", "P M P^T: row i asks, column j answers", t::matmul(t::matmul(P, M), t::transpose(P)));
  say("Two clocks that agree score 2; the places beside them score little less, so the factor must "
      "be larger. With 100 all 81 sequences are reversed.");
  map("A", by_hand(kSymbols, 3, P, t::mul(M, 100)).A, kLabels, kLabels);
  expect("all are right", right_of_81(P, t::mul(M, 100), kMirror) == 81);
}

// 5. Beside a trained one
void beside_a_trained_one() {
  section(5, "Beside a trained one");
  say("What does training find? The lab (examples/lab/trainer.h) trains a small Transformer to "
      "reverse 4 digits; chapter 17 watches such a training. These four were not among those it "
      "saw.");
  const Config config = parse_config({"task=reverse", "length=4", "steps=300"});
  const Task task = make_task(config);
  const auto model = make_model(config);
  train(
      *model, task, config, [](const Metrics&) {}, [] { return false; });
  const Batch unseen = make_batch(task, Split::test, 0, 1);
  const Look look = model->looks(unseen).front();
  const Tensor digits = t::select(unseen.source, 0, 0);  // (T)
  map("by hand", by_hand(digits, 10, kIdentity, t::mul(kMirror, 40)).A, look.rows, look.columns);
  map("trained", look.weights, look.rows, look.columns);
  const Accuracy test = evaluate(*model, task, Split::test);
  say(str("Training knew only questions and answers, and came to the same anti-diagonal: ",
          test.exact, " of ", test.sequences,
          " unseen sequences are right. Its map is less sharp; to be right it need not be sharper, "
          "as section 3 has shown."));
  expect("the largest weights lie on the anti-diagonal",
         t::all(t::equal(t::argmax(look.weights, -1), t::argmax(kMirror, -1))));
  try_this(
      "Send places through a matrix with ones just above the diagonal: each place then asks "
      "for the next one, and the last, which asks for nothing, gets the mean of all. Send them "
      "through zeros, and all do: the first row of the table.");
}

void chapter() {
  copy_and_reverse();
  how_sharp();
  with_sinusoids();
  beside_a_trained_one();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
