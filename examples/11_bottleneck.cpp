// Chapter 11. The bottleneck: one vector for forty words, and what attention changes.
//
// First one number by hand, then untrained layers of width 16 (nn/recurrent.h), then small networks
// (nn/seq2seq.h) trained by the lab (examples/lab/trainer.h), with attention and without.
#include <cstdio>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"
#include "nn/recurrent.h"
#include "nn/score_attention.h"
#include "nn/teacher_forcing.h"

using namespace qkv::examples;
using qkv::autograd::grad;
using qkv::autograd::parameter;
using qkv::autograd::Variable;
using qkv::lib::str;
using qkv::tensor::Tensor;
namespace nn = qkv::nn;
constexpr auto kDouble = qkv::tensor::Dtype::float64;

namespace {

// 1. A sentence through one state
void one_state() {
  section(1, "A sentence through one state");
  say("Before attention, a network read a sentence one word at a time. A recurrent net keeps a "
      "state h, and every word rewrites it, with the same weights W and U at each position:");
  formula("h_t = tanh(W x_t + U h_(t-1))");
  draw(
      "    x_1    x_2    x_3         x_n         x_t: the numbers that stand for word t\n"
      "     |      |      |           |\n"
      "    h_1 -> h_2 -> h_3 -> ... -> h_n -> the decoder, which writes from h_n alone\n");
  say("The network that reads is the encoder, the one that writes the decoder (Cho et al. 2014, "
      "Sutskever et al. 2014). Between them there is one vector, also called the thought vector, "
      "as wide for forty words as for four. It need not lack the room; but the network has to "
      "learn to pack forty words into it, and to unpack them, through all these rewritings.");
  table({{"words", "numbers read, at width 32", "numbers in h_n"},
         {"4", str(4 * 32), "32"},
         {"40", str(40 * 32), "32"}});
}

// 2. What is left of word 1
void by_hand() {
  section(2, "What is left of word 1");
  say("Let everything be one number, W = 1 and U = 0.5, and all eight words 0. Then every h is 0, "
      "where tanh has slope 1, and each step multiplies what comes from before by 0.5: h_8 changes "
      "with x_1 by 0.5 to the 7th, 0.0078.");
  formula("dh_8 / dx_t = 0.5^(8 - t)");
  std::vector<Variable> x, h;
  Variable state = qkv::tensor::zeros({1}, kDouble);
  for (int position = 0; position < 8; ++position) {
    x.push_back(parameter(qkv::tensor::zeros({1}, kDouble)));
    state = tanh(x.back() + 0.5 * state);
    h.push_back(state);
  }
  const auto slopes = [&](const Variable& y) {  // dy/dx_t for t = 1 ... 8, by the engine
    std::vector<double> all;
    for (const Variable& dx : grad({y}, x, {}, {.retain_graph = true})) all.push_back(dx.item());
    return Tensor::of(all, {8});
  };
  const Tensor chain = slopes(h.back());
  show("dh_8/dx", "of x_1 to x_8, by the engine", chain);
  expect("dh_8/dx", chain, {.0078, .0156, .0313, .0625, .125, .25, .5, 1});
  say("From a mistake at word 8, 0.0078 of it arrives at word 1, so little is learned from it: a "
      "long sentence is forgotten from its beginning. Now leave out the middlemen. Let c be the "
      "average of all states, an attention of equal weights:");
  formula("c = (h_1 + h_2 + ... + h_8) / 8");
  const Tensor average = slopes(mean(stack(h, 0)));
  show("dc/dx", "of x_1 to x_8", average);
  expect("dc/dx_1", average.at({0}), .2490);
  expect("times as much", average.at({0}) / chain.at({0}), 31.875);
  say("Word 1 counts for 0.2490 now, 31.875 times as much: h_1 itself is in the sum.");
}

// 3. Word 1 looks at word 50
double length_of_first(const Variable& x, const Variable& y) {           // (1, T, 16), (1, 16)
  const Variable one = qkv::tensor::full({1, 16}, 0.25, kDouble);        // a gradient of length 1
  const Variable dx = grad({y}, {x}, {one}, {.retain_graph = true})[0];  // (1, T, 16)
  const Variable first = select(dx, 1, 0);                               // (1, 16)
  return sqrt(sum(first * first)).item();
}

void reach() {
  section(3, "Word 1 looks at word 50");
  say("The same with layers of width 16 and random weights, as before any training. LSTM is the "
      "recurrent net with gates that decide what to keep (Hochreiter and Schmidhuber 1997). With "
      "attention, chapter 10's additive one, the last state asks and all states answer. A gradient "
      "of length 1 arrives at the end; how long is what comes to word 1?");
  qkv::lib::Generator generator(1);
  nn::RNN rnn(16, 16, generator);
  nn::LSTM lstm(16, 16, generator);
  nn::AdditiveAttention attention(16, 16, 16, generator);
  rnn.to(kDouble), lstm.to(kDouble), attention.to(kDouble);
  std::vector<std::vector<std::string>> rows = {{"words", "RNN", "LSTM", "RNN with attention"}};
  double lengths[3];
  for (const int64_t words : {2, 5, 10, 20, 40, 50}) {
    const Variable x =
        parameter(qkv::tensor::normal({1, words, 16}, 0, 1, generator, kDouble));  // (1, T, C)
    const auto [states, last] = rnn.forward(x);  // (1, T, C), and the last one (1, C)
    lengths[0] = length_of_first(x, last.h);
    lengths[1] = length_of_first(x, lstm.forward(x).state.h);
    lengths[2] = length_of_first(x, attention.forward(last.h, states, states).output);
    rows.push_back({str(words)});
    for (const double length : lengths) {
      char text[32];
      std::snprintf(text, sizeof text, "%.1e", length);
      rows.back().push_back(text);
    }
  }
  table(rows);
  expect("RNN at word 50", lengths[0] < 1e-9);
  expect("LSTM at word 50", lengths[1] < 1e-6);
  expect("attention at word 50", lengths[2] > 1e-3);
  say("1.0e-03 is 0.001. Without attention each further word divides by about the same number, and "
      "after forty nothing is left; with it, word 50 looks directly at word 1. The gates of the "
      "LSTM were a big step forward, and they still are a chain.");
}

// 4. One step of a decoder that looks back
void one_step() {
  section(4, "One step of a decoder that looks back");
  say("Attention keeps all states of the encoder, h_1 to h_n. The decoder has a state of its own: "
      "s_t, when it writes word t. It asks with s_t as the query; the h are keys and values.");
  formula("a_t = softmax(s_t . h_1, ..., s_t . h_n),  c_t = sum_i a_ti h_i");
  const Variable h = Tensor::of<double>({1, 0, 0, 1, 1, 1}, {3, 2});  // (S, C)
  const Variable s = Tensor::of<double>({0, 2}, {2});                 // (C)
  const Variable scores = matmul(h, s);                               // (S)
  const Variable a = softmax(scores, -1), c = matmul(a, h);           // (S), (C)
  show("h", "h_1, h_2, h_3", h.value());
  show("s_t", "the decoder's state", s.value());
  say("Step 1: how relevant is each h_i to s_t? Step 2: softmax makes weights that add up to 1. "
      "Step 3: the average of the h with these weights is the context vector, a new one for each "
      "t.");
  show("scores", "h s_t", scores.value());
  show("a_t", "softmax(scores)", a.value());
  show("c_t", "a_t h", c.value());
  expect("a_t", a.value(), {.0634, .4683, .4683});
  expect("c_t", c.value(), {.5317, .9366});
  say("Step 4: [c_t; s_t] goes through a layer that scores the words. One sequence asks another "
      "one: this is cross-attention. Bahdanau et al. 2015 ask with s_(t-1), before the step, Luong "
      "et al. 2015 with s_t, after it; nn/seq2seq.cpp has both.");
}

// 5. How a decoder is taught
void lessons() {
  section(5, "How a decoder is taught");
  say("A decoder reads what it has written so far. While it learns, it is given the right symbols "
      "instead, whatever it would have said: teacher forcing. So one mistake does not spoil the "
      "rest of the lesson. It reads the target one place late, behind a sign for the beginning, "
      "BOS; it should say the target, and a sign for the end, EOS. Shorter targets are padded; "
      "padding, PAD, does not count in the loss. Targets 7 3 1 and 5:");
  draw(nn::teacher_forcing_table(Tensor::of<int64_t>({7, 3, 1, 5, 0, 0}, {2, 3}), {3, 1}, 10, 11));
}

// Settings as those of ./qkv train: width 32, 400 steps of 64 sequences of so many digits.
Config setting(const std::string& attention, int64_t digits) {
  return parse_config({"task=reverse", "model=seq2seq", "cell=lstm", "width=32",
                       "attention=" + attention, str("length=", digits), str("min_length=", digits),
                       "train_size=100000", "test_size=250", "steps=400", "learning_rate=5e-3"});
}

// 6. What one vector forgets
void measured() {
  section(6, "What one vector forgets");
  say("A task that asks for everything: write a sequence of digits backwards. Training goes round: "
      "forward to the loss, which says how unexpected the right digits were; backward; and each "
      "weight a small step against its gradient. Then 250 new sequences, of which only those "
      "without any mistake count.");
  std::vector<std::vector<std::string>> rows = {{"digits", "one vector", "attention"}};
  std::vector<double> right;
  Look look;
  for (const int64_t digits : {4, 12}) {
    rows.push_back({str(digits)});
    for (const char* attention : {"none", "additive"}) {
      const Config config = setting(attention, digits);
      const Task task = make_task(config);
      const auto model = make_model(config);
      train(
          *model, task, config, [](const Metrics&) {}, [] { return false; });  // never stopped
      const Accuracy test = evaluate(*model, task, Split::test);
      right.push_back(test.exact_share());
      rows.back().push_back(str(test.exact, " of ", test.sequences));
      const std::vector<Look> looks = model->looks(make_batch(task, Split::test, 0, 1));
      if (!looks.empty()) look = looks[0];  // a model with one vector looks nowhere
    }
  }
  table(rows);
  expect("four digits go through one vector", right[0] > 0.8 && right[1] > 0.8);
  expect("twelve do not, in so short a training", right[2] < 0.3 && right[3] > 0.9);
  say("Four digits go through the one vector. Twelve are too much for it to learn in so short a "
      "time, and attention does not mind. Of Bahdanau's translations, too, it was the long ones "
      "that one vector lost (2015, figure 2). Where did the decoder look, for each digit?");
  map("rows: the digits that it wrote; columns: those that it read", look.weights, look.rows,
      look.columns);
  say("At the last one first: nobody has told it to.");
  try_this(
      "Write \"dot\" for \"additive\" in measured(): without anything to learn in its score, "
      "it finds the same diagonal. `./qkv study bottleneck` goes up to forty digits.");
}

void chapter() {
  one_state();
  by_hand();
  reach();
  one_step();
  lessons();
  measured();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
