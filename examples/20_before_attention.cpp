// Chapter 20. Before attention: counting what follows what, and what a Transformer sees beyond it.
//
// A language model says how likely every next symbol is. n-grams do it by counting: first three
// lines of three words, by hand, then the lab's text, beside a Transformer trained for a few
// seconds and the grammar that wrote the text. Next: examples/lab/ngram.cpp, ./qkv study text.
#include <cmath>
#include <functional>

#include "examples/chapter.h"
#include "examples/lab/ngram.h"
#include "examples/lab/task_text.h"
#include "examples/lab/text_run.h"
#include "examples/lab/trainer.h"

using namespace qkv::examples;

namespace {

using Rows = std::vector<std::vector<std::string>>;

// ---- by hand: words are symbols, and number 5 is the end of a line -----------------------------

enum Word : int64_t { the, cat, sat, dog, ran, end };
const char* const kWords[] = {"the", "cat", "sat", "dog", "ran", "(end)"};
const std::vector<Line> kText = {{the, cat, sat}, {the, dog, sat}, {the, cat, ran}};

NGramCounts counted() {
  NGramCounts counts(/*symbols=*/5, /*longest_order=*/2);
  for (const Line& line : kText) counts.add(line);
  return counts;
}

// 1. Counting
void counting() {
  section(1, "What followed what");
  say("Three lines are all the text there is:  the cat sat / the dog sat / the cat ran. A bigram "
      "model (n-gram of order 2) knows the last word only, and counts what came after it. A line "
      "begins after a start symbol and ends with an end symbol.");
  formula("P(w | h) = count(h w) / count(h)");
  table({{"after", "counts"},
         {"(start)", "the 3"},
         {"the", "cat 2, dog 1"},
         {"cat", "sat 1, ran 1"},
         {"dog", "sat 1"},
         {"sat", "(end) 2"},
         {"ran", "(end) 1"}});
  const NGramCounts counts = counted();
  const auto contexts = counts.contexts(std::vector<int64_t>{the}, 2);  // "" and "the"
  expect("3 words followed the", contexts.back()->count == 3);
  const double p = 3. / 3 * 2. / 3 * 1. / 2 * 2. / 2;
  show("P(the cat sat)", "3/3 * 2/3 * 1/2 * 2/2, a factor for each word and one for the end", p);
  expect("P", p, .3333);
}

// 2. Perplexity
void perplexity() {
  section(2, "Perplexity: between how many words is one undecided?");
  formula("bits = -log2 P(line),   perplexity = 2^(bits / symbols)");
  const double bits = -std::log2(1. / 3), per_symbol = bits / 4;
  show("bits", "-log2 P(the cat sat)", bits);
  show("perplexity", "2^(bits / 4), as there are three words and an end", std::exp2(per_symbol));
  say("A fair choice among N words has perplexity N, whatever N is. Here two of the four symbols "
      "were certain, so it is not far above 1. It is also e to the power of the mean cross "
      "entropy, the loss of chapter 17: the same number in other clothes.");
  expect("bits", bits, 1.5850);
  expect("perplexity", std::exp2(per_symbol), 1.3161);
}

// 3. Add-k
void add_k() {
  section(3, "What was never seen");
  say("\"the dog ran\" is a fine line, but ran never followed dog: its count is 0, so is the "
      "line's probability, and its perplexity is infinite. Add-k lends k to every count:");
  formula("P(w | h) = (count(h w) + k) / (count(h) + k V)");
  say("V = 6 is the number of words, the end among them. After dog:");
  const NGramCounts counts = counted();
  Rows rows = {{"k", "P(sat | dog)", "P(ran | dog)", "P(the | dog)"}};
  const Line dog_line = {the, dog};
  for (const double k : {1., .1, .01}) {
    const NGram model(counts, {2, Smoothing::add_k, k});
    rows.push_back({fixed(k, 2), fixed(model.probability(dog_line, sat)),
                    fixed(model.probability(dog_line, ran)),
                    fixed(model.probability(dog_line, the))});
  }
  table(rows);
  expect("P(sat | dog), k = 1", NGram(counts, {2, Smoothing::add_k, 1}).probability(dog_line, sat),
         .2857);
  expect("P(ran | dog), k = 1", NGram(counts, {2, Smoothing::add_k, 1}).probability(dog_line, ran),
         .1429);
  say("With k = 1 the one thing known of dogs, that they sat, has probability 2/7: most of it "
      "went to words never seen. And ran, which does end lines, gets no more than the, which "
      "never does.");
}

// 4. Kneser-Ney
void kneser_ney_by_hand() {
  section(4, "Kneser-Ney: ask how many words it has followed, not how often");
  say("Take a discount D off every count, and hand what was taken to a model with a shorter "
      "context. That one asks in how many ways a word can continue, not how frequent it is:");
  formula("P(w | h) = max(count(h w) - D, 0) / count(h) + D types(h) / count(h) P1(w)");
  formula("P1(w) = max(before(w) - D, 0) / sum_v before(v) + D types / sum_v before(v) / V");
  say("types(h) is how many different words followed h, before(w) how many different words came "
      "before w. The word \"the\" is the most frequent, but it only follows the start, so P1 "
      "makes it no likelier than ran:");
  const NGramCounts counts = counted();
  const auto* const any = counts.contexts({}, 1).front();  // what followed anything
  Rows rows = {{"word", "count", "before", "P1", "P(word | dog)"}};
  const NGram model(counts, {2, Smoothing::kneser_ney, .75});
  double total = 0;
  for (const auto& follower : any->followers) {
    const auto before = static_cast<double>(follower.continuations);
    const double p1 = std::fmax(before - .75, 0) / 8 + .75 * 6 / 8 / 6;
    const double p = model.probability(Line{the, dog}, follower.symbol);
    total += p;
    rows.push_back({kWords[follower.symbol], std::to_string(follower.count),
                    std::to_string(follower.continuations), fixed(p1), fixed(p)});
    const double by_hand = (follower.symbol == sat ? .25 : 0) + .75 * p1;
    expect("by hand and by examples/lab/ngram.cpp", std::fabs(by_hand - p) <= 1e-12);
  }
  table(rows);
  say("After dog, with D = 0.75: sat keeps 1 - 0.75 of its count of 1, and the 0.75 is shared out "
      "by P1. The last column sums to 1.");
  expect("the sum of before", any->continuations == 8);
  expect("sum", total, 1);
  const TextScore seen = model.score({{the, cat, sat}}), unseen = model.score({{the, dog, ran}});
  table({{"line", "bits", "perplexity"},
         {"the cat sat", fixed(seen.bits), fixed(seen.perplexity())},
         {"the dog ran", fixed(unseen.bits), fixed(unseen.perplexity())}});
}

// ---- the lab's text, character by character ----------------------------------------------------

Line symbols_of(const Task& task, const std::string& text) {
  Line line;
  for (const char c : text) {
    int64_t symbol = 0;
    while (target_labels(task, {symbol}).front() != std::string{c}) ++symbol;
    line.push_back(symbol);
  }
  return line;
}

std::vector<Line> lines_of(const Task& task, Split split) {
  std::vector<Line> lines;
  for (int64_t i = 0; i < task.size(split); ++i) lines.push_back(example(task, split, i).target);
  return lines;
}

// 5. Longer contexts
double longer_contexts(const Task& task, const NGramCounts& counts) {
  section(5, "A real text, or nearly");
  say("The lab's task text: lines that a small grammar writes, with agreement of subject and verb "
      "(examples/lab/grammar_rules.h). A symbol is now a character. The first three:");
  std::string first;
  for (int64_t i = 0; i < 3; ++i) {
    first += "  " + target_text(task, example(task, Split::train, i).target) + "\n";
  }
  draw(first);
  say("4000 lines to count, 200 others to be surprised by. Perplexity of a character, for "
      "contexts of 0 to 15 characters:");
  const std::vector<Line> test = lines_of(task, Split::test);
  Rows rows = {{"order", "add-k, k = 0.01", "Kneser-Ney, D = 0.75", "Kneser-Ney, D = 0.95"}};
  double best = 1e9;
  std::vector<double> by_add_k;
  for (const int64_t order : {1, 2, 3, 5, 8, 12, 16}) {
    std::vector<std::string> row = {std::to_string(order)};
    for (const NGramSettings& settings : {NGramSettings{order, Smoothing::add_k, .01},
                                          NGramSettings{order, Smoothing::kneser_ney, .75},
                                          NGramSettings{order, Smoothing::kneser_ney, .95}}) {
      const double perplexity = NGram(counts, settings).score(test).perplexity();
      if (settings.smoothing == Smoothing::add_k) by_add_k.push_back(perplexity);
      best = std::fmin(best, perplexity);
      row.push_back(fixed(perplexity));
    }
    rows.push_back(row);
  }
  table(rows);
  expect("4000 lines", task.train_size == 4000 && test.size() == 200);
  expect("add-k falls apart", by_add_k.back() > 2 * by_add_k[4]);
  say("Each character more helps, until most contexts of the test lines never came up in the "
      "training. Add-k is then left with an even guess; Kneser-Ney goes back to a context that it "
      "has seen. None gets below the grammar that wrote the lines, which knows all there is to "
      "know (examples/lab/task_text.h works it out):");
  const double grammar = std::exp2(grammar_bits_per_character(task, Split::test, task.test_size));
  show("the grammar itself", "what the rules that wrote the lines score on them", grammar);
  expect("no n-gram is less surprised than the grammar", best > grammar);
  return best;
}

// 6. A Transformer
std::unique_ptr<Model> trained(const Task& task, const Config& config, double best_n_gram) {
  section(6, "The same lines, and a Transformer");
  say("The lab's decoder is chapter 17's Transformer with a causal mask: each position may look "
      "at the whole line before it, however long. Width 32, 4 heads, 2 layers; 1200 steps of 20 "
      "of the same 4000 lines.");
  std::unique_ptr<Model> model = make_model(config);
  Rows rows = {{"step", "loss", "perplexity"}};
  const auto report = [&](const Metrics& m) {
    if (m.step != 1 && m.step % 200 != 0) return;
    rows.push_back({std::to_string(m.step), fixed(m.loss), fixed(std::exp(m.loss))});
  };
  train(*model, task, config, report, [] { return false; });
  table(rows);
  const double perplexity = predict(*model, task, Split::test).perplexity();
  show("perplexity", "of the 200 test lines", perplexity);
  expect("it is below that of every n-gram", perplexity < best_n_gram);
  say("Below every n-gram of the table, from the same lines.");
  return model;
}

// -log2 P(line) by the model.
double bits_of(Model& model, const Line& line) {
  const qkv::autograd::NoGrad quiet;
  const auto length = static_cast<int64_t>(line.size());
  const Lesson lesson = model.lesson({.source = padded(std::vector<Sequence>{{}}),
                                      .target = padded(std::vector<Sequence>{line}),
                                      .source_lengths = {0},
                                      .target_lengths = {length},
                                      .links = {}});
  return lesson.loss.item() * static_cast<double>(lesson.counted) / std::log(2.);
}

using BitsOf = std::function<double(const Line&)>;

// Sixty beginnings, half of them plural. In how many is the right form of the verb, sleep or
// sleeps, the one with fewer bits?
int right_verbs(const Task& task, const BitsOf& bits) {
  int right = 0;
  for (const char* noun : {"dog", "cat", "king", "girl", "queen"}) {
    for (const char* place : {" under the table ", " in the garden ", " on the bed "}) {
      for (const char* verb : {"sleep", "run"}) {
        for (const bool plural : {false, true}) {
          const std::string line = std::string("the ") + noun + (plural ? "s" : "") + place + verb;
          const double bare = bits(symbols_of(task, line + "."));
          const double with_s = bits(symbols_of(task, line + "s."));
          if (plural ? bare < with_s : with_s < bare) ++right;
        }
      }
    }
  }
  return right;
}

// 7. Beyond the window
void beyond_the_window(const Task& task, const NGramCounts& counts, Model& model) {
  section(7, "What counting cannot see");
  say("Whether the verb ends in s depends on a noun some twenty characters before it. Bits of "
      "four lines, of which two are English; for the grammar the others are impossible:");
  const NGram order_8(counts, {8, Smoothing::kneser_ney, .75});
  const BitsOf by_counting = [&](const Line& line) { return order_8.score({line}).bits; };
  const BitsOf by_attention = [&](const Line& line) { return bits_of(model, line); };
  Rows rows = {{"line", "n-gram of order 8", "Transformer", "grammar"}};
  std::vector<double> n_gram;
  model.module().eval();
  for (const char* text : {"the dogs under the table sleep.", "the dogs under the table sleeps.",
                           "the dog under the table sleeps.", "the dog under the table sleep."}) {
    const Line line = symbols_of(task, text);
    n_gram.push_back(by_counting(line));
    rows.push_back(
        {text, fixed(n_gram.back()), fixed(by_attention(line)), fixed(grammar_bits(line))});
  }
  table(rows);
  say("Order 8 remembers seven characters, \"e sleep\". So the s costs it as much after dogs as "
      "after dog, and of each such pair it gets one right. Sixty more lines like these, half of "
      "them plural:");
  expect("s costs the same", std::fabs((n_gram[1] - n_gram[0]) - (n_gram[2] - n_gram[3])) <= 1e-9);
  const int counted_right = right_verbs(task, by_counting);
  const int attended_right = right_verbs(task, by_attention);
  table({{"", "right verb form, of 60"},
         {"n-gram of order 8", std::to_string(counted_right)},
         {"Transformer", std::to_string(attended_right)}});
  expect("counting gets one of each pair", counted_right == 30);
  expect("attention gets more", attended_right > 40);
  say("Attention needs no longer table for that, only one look back.");
  try_this(
      "./qkv train text trains a larger one for longer, ./qkv train text model=ngram tries "
      "all orders up to 16, and ./qkv study text compares them over several seeds.");
}

void chapter() {
  counting();
  perplexity();
  add_k();
  kneser_ney_by_hand();
  const Config config =  // the words that ./qkv train takes
      parse_config({"task=text", "model=decoder", "train_size=4000", "test_size=200", "steps=1200",
                    "batch=20", "learning_rate=8e-3", "width=32", "heads=4", "layers=2",
                    "feed_forward=64", "positions=alibi"});
  const Task task = make_task(config);
  NGramCounts counts(task.target_symbols, 16);
  for (const Line& line : lines_of(task, Split::train)) counts.add(line);
  const double best_n_gram = longer_contexts(task, counts);
  const std::unique_ptr<Model> model = trained(task, config, best_n_gram);
  beyond_the_window(task, counts, *model);
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
