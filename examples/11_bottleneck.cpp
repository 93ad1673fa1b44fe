// Chapter 11. The bottleneck: one vector for forty words, and what attention changes.
//
// One number by hand, untrained layers (nn/recurrent.h), then networks (nn/seq2seq.h) in training.
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/chapter.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"
#include "nn/recurrent.h"
#include "nn/score_attention.h"
#include "nn/teacher_forcing.h"

using namespace qkv::autograd;
using namespace qkv::examples;
namespace nn = qkv::nn;
namespace t = qkv::tensor;

namespace {

void one_vector() {
  // 1. A sentence through one state
  section(1, "A sentence through one state");
  say("Before attention, a network read a sentence one word at a time. A recurrent net (RNN) keeps "
      "a state h, at first 0, and every word rewrites it, with the same W and U at each place:");
  formula("h_t = tanh(W x_t + U h_(t-1))");
  draw(
      "    x_1    x_2    x_3         x_n         x_t: the numbers that stand for word t\n"
      "     |      |      |           |\n"
      "    h_1 -> h_2 -> h_3 -> ... -> h_n -> the decoder, which writes from h_n alone\n");
  say("The reader is the encoder, the writer the decoder (Cho et al. 2014, Sutskever et al. 2014). "
      "All must pass through one vector between them, the thought vector, four words or forty.");

  // 2. What is left of word 1
  section(2, "What is left of word 1");
  say("Let everything be one number, W = 1, U = 0.5, and eight words 0. Then every h is 0, where "
      "tanh has slope 1, and each step back multiplies by 0.5:");
  formula("dh_8 / dx_t = 0.5^(8 - t)");
  const Variable x = parameter(t::zeros({8}));
  Variable h = t::scalar(0);
  for (int64_t word = 0; word < 8; ++word) h = tanh(select(x, 0, word) + 0.5 * h);
  const Tensor slopes = grad({h}, {x})[0].value();  // (8), of h: backward, and what arrives at x
  show("dh_8/dx", "of x_1 to x_8, by the engine", slopes);
  expect("dh_8/dx", slopes, {.0078, .0156, .0313, .0625, .125, .25, .5, 1});
  say("Of a gradient at word 8 only 0.0078 arrives at word 1, so little is learned from it: a long "
      "sentence is forgotten from its beginning.");
}

// 3. Word 1 looks at word 50. Shapes: B sequences (a batch) of T words, each word of C numbers
void look_back() {
  section(3, "Word 1 looks at word 50");
  say("The LSTM (long short-term memory, Hochreiter and Schmidhuber 1997) was a big step forward: "
      "a second state c, and gates made of word and state, numbers from 0 to 1: f says how much of "
      "c is kept, i how much of g, section 1's tanh, is added, o how much is shown.");
  formula("c' = f c + i g,   h' = o tanh(c')");
  say("Attention, chapter 10's additive one, needs no middlemen: the last state asks, all answer. "
      "Fifty words of width 16, random weights; a gradient of length 1 at the end. How long is "
      "dx_t?");
  qkv::lib::Generator generator(1);
  nn::RNN rnn(16, 16, generator);
  nn::LSTM lstm(16, 16, generator);
  nn::AdditiveAttention attention(16, 16, 16, generator);
  const Variable x = parameter(t::normal({1, 50, 16}, 0, 1, generator));  // (1, T, C)
  const Tensor some = Tensor::of<int64_t>({49, 44, 39, 0}, {4});          // words, from 0
  const auto arriving = [&](const Variable& y) {  // y (1, C) gets sixteen times 0.25: length 1
    const Variable dx = grad({y}, {x}, {t::full({1, 16}, .25)}, {.retain_graph = true})[0];
    return index_select(sqrt(sum(dx * dx, {-1})), 1, some);  // (1, T, C) -> (1, T) -> (1, 4)
  };
  const auto [states, last] = rnn.forward(x);  // (1, T, C), and the last one, (1, C)
  const Variable gated = lstm.forward(x).state.h;
  const Variable context = attention.forward(last.h, states, states).output;  // (1, C)
  const Tensor found = concat({arriving(last.h), arriving(gated), arriving(context)}, 0).value();
  show("|dx_t|", "rows of RNN, LSTM, attention; t = 50, 45, 40, 1", found);
  expect("|dx_t|", found, {.4065, .0033, 0, 0, .1205, .0242, .0022, 0, .0126, .0146, .0057, .0074});
  say("In a chain each step back divides by about the same number, with gates by a smaller one. "
      "With attention the end looks directly at every word, and each has a share, word 1, too.");

  // 4. One step of a decoder that looks back
  section(4, "One step of a decoder that looks back");
  say("Attention keeps all states of the encoder, h_1 to h_n. The decoder has a state of its own: "
      "s_t, when it writes word t. It asks with s_t as the query; the h are keys and values.");
  formula("a_t = softmax(s_t . h_1, ..., s_t . h_n),  c_t = sum_i a_ti h_i");
  const Tensor h = Tensor::of<double>({1, 0, 0, 1, 1, 1}, {1, 3, 2});  // (B, T, C), B = 1
  const Tensor s = Tensor::of<double>({0, 2}, {1, 2});                 // (B, C)
  const auto [c, a] = nn::attention(s, h, h);  // (B, C), (B, T): chapter 10's dot, for a batch
  say("Let h_1, h_2, h_3 be (1, 0), (0, 1), (1, 1), and s_t = (0, 2). Step 1: how relevant is each "
      "h_i to s_t? Step 2: softmax makes weights that add up to 1. Step 3: average the h with "
      "these weights: the context vector c_t (no LSTM's c). Step 4: [c_t; s_t] goes through a "
      "small network, which scores all words.");
  show("a_t", "softmax(h s_t)", a.value());
  show("c_t", "a_t h", c.value());
  expect("a_t, c_t", concat({a, c}, 1).value(), {.0634, .4683, .4683, .5317, .9366});
  say("One sequence asks another one: this is cross-attention. Bahdanau et al. 2015 ask with "
      "s_(t-1), before the step, Luong et al. 2015 with s_t, after it; nn/seq2seq.cpp has both.");
}

// 5. How a decoder is taught (digits are symbols 0 to 9, BOS is 10 and EOS 11)
void lessons() {
  section(5, "How a decoder is taught");
  say("A decoder reads what it has written. While it learns, it is given the right symbols (words, "
      "digits) instead, so that one mistake does not spoil the rest: teacher forcing. It reads the "
      "target, what it should write, one place late, behind BOS, begin of sequence; it should say "
      "the target, and EOS, end of sequence. In a batch shorter targets are filled up with PAD, "
      "padding, which does not count in the loss. Targets 7 3 1 and 5:");
  draw(nn::teacher_forcing_table(Tensor::of<int64_t>({7, 3, 1, 5, 0, 0}, {2, 3}), {3, 1}, 10, 11));

  // 6. What one vector forgets. (The words are those of ./qkv train; learning_rate: how far to go.)
  section(6, "What one vector forgets");
  say("A task that asks for everything: write digits backwards. A step of training: a batch goes "
      "forward to the loss, which says how unexpected the right digits were; backward; each weight "
      "moves a little against its gradient. Then new sequences, the likeliest digit each time "
      "(greedy); only faultless answers count. (The encoder reads both ways, h_i is of both.)");
  std::vector<std::vector<std::string>> rows = {{"digits", "one vector", "attention"}};
  Look look;  // a map and its labels: the last one, of twelve digits, with attention
  for (const std::string digits : {"4", "12"}) {
    rows.push_back({digits});
    for (const std::string attention : {"none", "additive"}) {
      const Config config = parse_config(
          {"task=reverse", "model=seq2seq", "cell=lstm", "length=" + digits, "min_length=" + digits,
           "attention=" + attention, "test_size=250", "steps=300", "learning_rate=5e-3"});
      const Task task = make_task(config);
      const auto model = make_model(config);
      train(
          *model, task, config, [](const Metrics&) {}, [] { return false; });  // never stopped
      const Accuracy test = evaluate(*model, task, Split::test);
      expect("who fails", (test.exact_share() > .5) == (digits == "4" || attention != "none"));
      rows.back().push_back(qkv::lib::str(test.exact, " of ", test.sequences));
      if (attention != "none") look = model->looks(make_batch(task, Split::test, 0, 1))[0];
    }
  }
  table(rows);
  say("Four digits pass through the one vector; of twelve few do, in so short a training (as in "
      "Bahdanau et al. 2015, figure 2). The decoder looks at the last digit first: nobody told it "
      "to.");
  map("rows: written, then the end; columns: read", look.weights, look.rows, look.columns);
  try_this(
      "Write \"dot\" for \"additive\" in lessons(): without anything to learn in its score, it "
      "finds the same diagonal. `./qkv study bottleneck` goes up to forty digits.");
  say("Your turn: ./qkv exercise 11 (an LSTM), 12 (its backward), 13 (teacher forcing).");
}

void chapter() {
  one_vector();
  look_back();
  lessons();
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
