// Chapter 20. Before attention: counting what follows what, and what a Transformer sees beyond it.
//
// A language model says how likely every next symbol is. n-grams do it by counting: first three
// lines by hand, then the lab's text, beside a Transformer and the grammar that wrote the text.
#include <cmath>

#include "examples/chapter.h"
#include "examples/lab/ngram.h"
#include "examples/lab/task_text.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"

using namespace qkv::examples;
using qkv::lib::str;

namespace {

enum Word : int64_t { the, cat, sat, dog, ran };  // symbols; number 5 is the end of a line

void by_hand() {
  // 1. Counting
  section(1, "What followed what, and perplexity");
  say("Three lines are all the text there is:  the cat sat / the dog sat / the cat ran. A bigram "
      "model (n-gram of order 2) knows the last word only, the context h, and counts what came "
      "after it: after \"the\", 2 times cat and once dog; after cat, once sat and once ran; and so "
      "on.");
  formula("P(w | h) = count(h w) / count(h)");
  NGramCounts counts(/*symbols=*/5, /*longest_order=*/2);
  for (const Line& line : {Line{the, cat, sat}, {the, dog, sat}, {the, cat, ran}}) counts.add(line);
  const double whole = 3. / 3 * 2. / 3 * 1. / 2 * 2. / 2, bits = -std::log2(whole);
  show("P(the cat sat)", "3/3 * 2/3 * 1/2 * 2/2, a factor for each word and one for the end",
       whole);
  formula("bits = -log2 P(line),   perplexity = 2^(bits / symbols)");
  show("perplexity", "2^(-log2 P / 4)", std::exp2(bits / 4));
  say("A fair choice among N words has perplexity N: between so many one is undecided. It is also "
      "e to the power of the mean of -ln p, the loss of chapter 17: one thing in two clothes.");

  // 2. Add-k
  section(2, "What was never seen");
  say("\"the dog ran\" is a fine line, but ran never followed dog: count and probability are 0, "
      "the perplexity is infinite. Add-k lends k to every count, of V = 6 words, the end among "
      "them:");
  formula("P(w | h) = (count(h w) + k) / (count(h) + k V)");
  const NGram lent(counts, {2, Smoothing::add_k, 1});
  show("P(sat | dog)", "(1 + 1) / (1 + 6), with k = 1", lent.probability(Line{the, dog}, sat));
  show("P(ran | dog)", "(0 + 1) / (1 + 6), and so for the", lent.probability(Line{the, dog}, ran));

  // 3. Kneser-Ney
  section(3, "Kneser-Ney: ask how many words it has followed, not how often");
  say("Take a discount D off every count, and hand what was taken to a model with a shorter "
      "context. That one asks in how many ways a word can continue: types(h) is how many different "
      "words followed h, before(w) how many came before w.");
  formula("P(w | h) = max(count(h w) - D, 0) / count(h) + D types(h) / count(h) P1(w)");
  formula("P1(w) = max(before(w) - D, 0) / sum_v before(v) + D types / sum_v before(v) / V");
  const NGram model(counts, {2, Smoothing::kneser_ney, .75});
  const double p1 = (1 - .75) / 8 + .75 * 6 / 8 / 6, p = model.probability(Line{the, dog}, ran);
  show("P1(ran)", "(1 - D) / 8 + D * 6 / 8 / 6, with D = 0.75", p1);
  show("P(ran | dog)", "0 + D * 1 / 1 * P1(ran)", p);
  expect("P(ran | dog) by hand", p, .75 * p1);
  expect("the, which follows only the start", model.probability(Line{the, dog}, the), p);
  say("8 is the number of different pairs of neighbours. \"the\" has the same P1, though it is the "
      "most frequent word: it only ever follows the start of a line.");
}

// Of 30 beginnings, in how many is the right verb, sleep or sleeps, the one with fewer bits?
int right_verbs(const Task& task, auto bits) {
  std::string letters;
  for (int64_t i = 0; i < task.target_symbols; ++i) letters += target_labels(task, {i}).front();
  const auto bits_of = [&](const std::string& text) {
    Line line;
    for (const char c : text) line.push_back(static_cast<int64_t>(letters.find(c)));
    return bits(line);
  };
  int right = 0;
  for (const std::string noun : {"dog", "cat", "king", "girl", "queen"}) {
    for (const std::string place : {" under the table ", " in the garden ", " on the bed "}) {
      const std::string one = "the " + noun + place, many = "the " + noun + "s" + place;
      right += bits_of(one + "sleeps.") < bits_of(one + "sleep.");
      right += bits_of(many + "sleep.") < bits_of(many + "sleeps.");
    }
  }
  return right;
}

std::unique_ptr<Model> text_and_transformer(const Task& task, const Config& config,
                                            const NGramCounts& counts) {
  // 4. A text
  section(4, "A real text, or nearly");
  say("The lab's task text: 4000 lines that a small grammar wrote (examples/lab/grammar_rules.h), "
      "such as \"" +
      target_text(task, example(task, Split::train, 0).target) +
      "\" A symbol is now a character. Perplexity of 200 other lines, for contexts of 0 to 15 "
      "characters:");
  std::vector<Line> test;
  for (int64_t i = 0; i < 200; ++i) test.push_back(example(task, Split::test, i).target);
  std::vector<std::vector<std::string>> rows = {
      {"order", "add-k, k = 0.01", "Kneser-Ney, D = 0.75"}};
  double best = 1e9;
  for (const int64_t order : {1, 2, 3, 5, 8, 12, 16}) {
    const double lent = NGram(counts, {order, Smoothing::add_k, .01}).score(test).perplexity();
    const double kept = NGram(counts, {order, Smoothing::kneser_ney}).score(test).perplexity();
    best = std::fmin(best, std::fmin(lent, kept));
    rows.push_back({str(order), fixed(lent), fixed(kept)});
  }
  table(rows);
  say("Each character more helps, until most contexts were never seen. Add-k is then left with an "
      "even guess; Kneser-Ney goes back to a shorter context. No model gets far below the "
      "grammar:");
  const double grammar = std::exp2(grammar_bits_per_character(task, Split::test, 200));
  show("perplexity", "of the grammar that wrote the lines", grammar);

  // 5. A Transformer
  section(5, "The same lines, and a Transformer");
  auto model = make_model(config);
  train(
      *model, task, config, /*report=*/[](const Metrics&) {}, /*stop=*/[] { return false; });
  const double perplexity = predict(*model, task, Split::test).perplexity();
  show("perplexity", "of chapter 17's block, twice, with 4 heads and a causal mask", perplexity);
  expect("the order of the three", grammar < perplexity && perplexity < best);
  return model;
}

void chapter() {
  by_hand();
  const Config config = parse_config(  // the words that ./qkv train takes
      {"task=text", "model=decoder", "train_size=4000", "test_size=200", "steps=1200", "batch=20",
       "learning_rate=8e-3", "width=32", "heads=4", "layers=2", "feed_forward=64",
       "positions=alibi"});
  const Task task = make_task(config);
  NGramCounts counts(task.target_symbols, 16);
  for (int64_t i = 0; i < 4000; ++i) counts.add(example(task, Split::train, i).target);
  const auto model = text_and_transformer(task, config, counts);
  model->module().eval();
  const NGram order_8(counts, {8, Smoothing::kneser_ney});
  const int counted = right_verbs(task, [&](const Line& x) { return order_8.score({x}).bits; });
  const int attended = right_verbs(task, [&](const Line& x) {
    const auto length = static_cast<int64_t>(x.size());
    return model->lesson({padded({{}}), padded({x}), {0}, {length}, {}}).loss.item();
  });
  say(
      str("Below every n-gram. One reason: whether the verb ends in s depends on a noun some "
          "twenty characters before it. Of 30 lines like \"the dogs under the table sleep.\" the "
          "n-gram of order 8, which remembers seven, gets ",
          counted, " right, one of each pair, and the Transformer ", attended, "."));
  expect("counting gets one of each pair, attention more", counted == 15 && attended > 20);
  try_this(
      "./qkv train text model=ngram tries all orders, ./qkv study text several seeds of both.");
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
