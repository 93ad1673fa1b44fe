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
  say("A language model says how likely each next symbol w is, given what stands before it, the "
      "context h: P(w | h). The oldest count n-grams, n symbols in a row. All our text is:  the "
      "cat sat / the dog sat / the cat ran. For n = 2, bigrams, the context is one word: after "
      "\"the\" came 2 times cat and once dog; after cat, once sat and once ran.");
  formula("P(w | h) = count(h w) / count(h)");
  NGramCounts counts(/*symbols=*/5, /*longest_order=*/2);
  for (const Line& line : {Line{the, cat, sat}, {the, dog, sat}, {the, cat, ran}}) counts.add(line);
  const double whole = 3. / 3 * 2. / 3 * 1. / 2 * 2. / 2;
  show("P(the cat sat)", "3/3 * 2/3 * 1/2 * 2/2, for each word and the end", whole);
  formula("bits = -log2 P(line),   perplexity = 2^(bits / symbols)");
  show("perplexity", "2^(-log2 P / 4)", std::exp2(-std::log2(whole) / 4));
  expect("perplexity", std::exp2(-std::log2(whole) / 4), 1.3161);
  say("A bit is a halving of P; the end counts as a symbol. A fair choice among N words has "
      "perplexity N. It is also exp of chapter 17's loss, the mean of -log p.");

  // 2. Add-k, the simplest smoothing: no count stays 0
  section(2, "What was never seen");
  say("\"the dog ran\" is a fine line, but ran never followed dog: its probability is 0, the "
      "perplexity infinite. Add-k lends k = 1, say, to each count, of V = 6 words with the end:");
  formula("P(w | h) = (count(h w) + k) / (count(h) + k V)");
  const NGram lent(counts, {2, Smoothing::add_k, 1});
  show("P(ran | dog)", "(0 + 1) / (1 + 6)", lent.probability(Line{the, dog}, ran));

  // 3. Kneser-Ney
  section(3, "Kneser-Ney: ask how many words it has followed, not how often");
  say("Take a discount D off every count, and hand what was taken to P1, a model with a shorter "
      "context, here none. P1 asks in how many ways w can continue: before(w) is how many "
      "different words came before w, types(h) how many followed h, types how many followed any.");
  formula("P(w | h) = max(count(h w) - D, 0) / count(h) + D types(h) / count(h) P1(w)");
  formula("P1(w) = max(before(w) - D, 0) / sum_v before(v) + D types / sum_v before(v) / V");
  const NGram model(counts, {2, Smoothing::kneser_ney, .75});
  const double p1 = (1 - .75) / 8 + .75 * 6 / 8 / 6, p = model.probability(Line{the, dog}, ran);
  show("P1(ran)", "(1 - D) / 8 + D * 6 / 8 / 6, with D = 0.75", p1);
  show("P(ran | dog)", "0 + D * 1 / 1 * P1(ran)", p);
  expect("P(ran | dog) by hand", p, .75 * p1);
  expect("the same of the", model.probability(Line{the, dog}, the), p);
  say("There are 8 different pairs of neighbours. \"the\" has the same P1, though it is most "
      "frequent: it only ever follows the start of a line.");
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
  say(str("The lab's task text: ", task.train_size,
          " lines that a small grammar wrote (examples/lab/grammar_rules.h), such as \"",
          target_text(task, example(task, Split::train, 0).target),
          "\" A symbol is now a character. Perplexity of ", task.test_size,
          " other lines; order n has n - 1 characters of context:"));
  std::vector<Line> test;
  for (int64_t i = 0; i < task.test_size; ++i) test.push_back(example(task, Split::test, i).target);
  std::vector<std::vector<std::string>> rows = {{"order", "add-k, 0.01", "Kneser-Ney, 0.75"}};
  double best = 1e9;
  for (const int64_t order : {1, 2, 3, 5, 8, 12, 16}) {
    const double lent = NGram(counts, {order, Smoothing::add_k, .01}).score(test).perplexity();
    const double kept = NGram(counts, {order, Smoothing::kneser_ney}).score(test).perplexity();
    best = std::fmin(best, std::fmin(lent, kept));
    rows.push_back({str(order), fixed(lent), fixed(kept)});
  }
  plot({"perplexity by order"}, rows);
  say("Each character more helps, until most contexts were never seen: add-k then guesses evenly, "
      "Kneser-Ney goes back to shorter ones. The grammar, which knows its own chances, has:");
  const double grammar = std::exp2(grammar_bits_per_character(task, Split::test, task.test_size));
  show("perplexity", "of the grammar that wrote the lines", grammar);

  // 5. A Transformer
  section(5, "The same lines, and a Transformer");
  auto model = make_model(config);
  train(
      *model, task, config, /*report=*/[](const Metrics&) {}, /*stop=*/[] { return false; });
  const double perplexity = predict(*model, task, Split::test).perplexity();
  show("perplexity", "of two causal blocks with 4 heads", perplexity);
  expect("the grammar", grammar, 1.6028);
  expect("the Transformer", perplexity, 1.6396);
  expect("the best n-gram", best, 1.7481);
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
  for (int64_t i = 0; i < task.train_size; ++i) counts.add(example(task, Split::train, i).target);
  const auto model = text_and_transformer(task, config, counts);
  const NGram order_8(counts, {8, Smoothing::kneser_ney});
  const int counted = right_verbs(task, [&](const Line& x) { return order_8.score({x}).bits; });
  const int attended = right_verbs(task, [&](const Line& x) {  // loss: the mean of -log p
    const auto length = static_cast<int64_t>(x.size());
    const Lesson lesson = model->lesson({padded({{}}), padded({x}), {0}, {length}, {}});
    return lesson.loss.item() * static_cast<double>(lesson.counted);
  });
  say(
      str("Below every n-gram. One reason: whether the verb ends in s depends on a noun far before "
          "it. Of 30 lines like \"the dogs under the table sleep.\" the n-gram of order 8 gets ",
          counted, " right, one of each pair, and the Transformer ", attended, "."));
  expect("one of each pair of 30 lines, and more", counted == 15 && attended > 20);
  try_this(
      "./qkv train text model=ngram tries all orders; ./qkv study text, both with several seeds, "
      "that is, other random numbers.");
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
