// Chapter 12. Alignment: which word looks at which, when English becomes French.
//
// Chapter 11's networks with attention learn the phrases of examples/lab/grammar_rules.h.
#include "examples/chapter.h"
#include "examples/lab/alignment.h"
#include "examples/lab/run.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"
#include "tensor/reduce.h"

using namespace qkv::examples;
using qkv::lib::str;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

void learn(Model& model, const Task& task, const Config& config) {
  // 1. Phrases, and what nobody tells the network
  section(1, "Phrases, and what nobody tells the network");
  say("A grammar writes English phrases and their French. The network is shown the words of both, "
      "and nothing else. The grammar also knows which French word comes from which English one: "
      "these are the gold links. We keep them to ourselves until section 5.");
  std::vector<std::vector<std::string>> phrases = {{"English", "French"}};
  for (int64_t i = 0; i < 4; ++i) {
    const Example phrase = example(task, Split::train, i);
    phrases.push_back({source_text(task, phrase.source), target_text(task, phrase.target)});
  }
  table(phrases);
  say(str("There are ", task.source_symbols, " English words and ", task.target_symbols,
          " French ones. French has its own rules: articles and adjectives agree with a noun that "
          "comes later, colours follow their noun, and some nouns are two or three words. \"the "
          "cat sat on the mat\" is held out, never trained on: it is what we shall ask for."));

  // 2. A short training
  section(2, "A short training");
  say(str("Lessons as in chapter 11: ", config.steps, " steps, each with a batch of ", config.batch,
          " phrases. Softmax makes probabilities of the scores; the loss is -log of the right "
          "word's, averaged over all words."));
  std::vector<std::vector<std::string>> rows = {{"step", "loss", "right words"}};
  const auto report = [&](const Metrics& now) {
    if (now.step > 1 && now.step % 100 != 0) return;
    rows.push_back({str(now.step), fixed(now.loss), fixed(100 * now.accuracy, 1) + " %"});
  };
  train(model, task, config, report, [] { return false; });  // to the end: never stop
  table(rows);
}

// 3. The map of "the cat sat on the mat"
Look the_cat(Model& model, const Task& task) {
  section(3, "The map of \"the cat sat on the mat\"");
  const Batch cat = make_batch(task, Split::test, 0, 1);  // from number 0 of the held-out, 1
  const std::string french = target_text(task, model.answer(cat).front());
  say("The trained network is given the phrase for the first time, and writes: " + french + ".");
  expect("it writes the French of the grammar", french == "le chat s'assit sur le tapis");
  formula("c_t = sum_i a_ti h_i,  sum_i a_ti = 1");
  const Look look = model.looks(cat).front();
  const Tensor a = look.weights;  // (French words and the end, English words)
  map("a_ti: each French word, and where it looked", a, look.rows, look.columns);
  show("a", "the same in numbers", a);
  show("row sums", "a summed over the English words", t::sum(a, {-1}));
  expect("row sums", t::sum(a, {-1}), {1, 1, 1, 1, 1, 1, 1});
  say(str(
      "\"chat\" looks at \"cat\" with ", fixed(a.at({1, 1})), ", \"sur\" at \"on\" with ",
      fixed(a.at({3, 3})), ", \"tapis\" at \"mat\" with ", fixed(a.at({5, 5})),
      ". Nobody has shown it which word is which: it looks there because the answer is there."));

  // 4. A well-known figure, and its sum
  section(4, "A well-known figure, and its sum");
  say("The first seed of this book has \"chat\" look at \"cat\" with 0.7, and at the other five "
      "words with 0.05 each (\"tapis\" at \"mat\" with 0.8):");
  const Tensor figure = Tensor::of<double>({.05, .7, .05, .05, .05, .05}, {1, 6});
  map("the figure's row", figure, {"chat"}, look.columns);
  expect("the figure's sum", t::sum(figure).item(), 0.95);
  expect("with 0.06 each", .7 + 5 * .06, 1);
  say("0.95 is no row of a softmax, whose weights add up to 1: 0.06 each, and it is one. A small "
      "slip in a good explanation; a sum that is printed is a slip that is seen, so our maps print "
      "theirs. The same figure has \"Le chat etait sur le tapis\" as the French: that the cat was "
      "on the mat. Our grammar has \"s'assit\", sat down, one word for one word.");
  return look;
}

// 5. Gold links and the alignment error rate
void gold_links(const Look& look, const Task& task) {
  section(5, "Gold links and the alignment error rate");
  say("One link for each French word, to the English word that it looked at most:");
  const std::vector<Link> gold = example(task, Split::test, 0).links;
  const std::vector<Link> found = strongest_links(look.weights, 6, 6);  // not of the end's row
  std::vector<std::vector<std::string>> rows = {{"French", "looked at", "gold", ""}};
  int right = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    const auto english = [&](const Link& l) { return look.columns[static_cast<size_t>(l.source)]; };
    const bool same = found[i] == gold[i];
    rows.push_back({look.rows[i], english(found[i]), english(gold[i]), same ? "right" : "wrong"});
    right += same ? 1 : 0;
  }
  table(rows);
  formula("AER = 1 - 2 |A and S| / (|A| + |S|)");
  say("The alignment error rate (Och and Ney 2003): A are the links found, S the gold ones, |A| "
      "and |S| how many; those in both count twice. 0 is perfect, 1 has none right.");
  show("AER", str("1 - 2 * ", right, " / (6 + 6)"), alignment_error_rate({found}, {gold}));
  expect("five links are right, and not the first", right == 5 && found[0].source == 1);
  expect("AER", alignment_error_rate({found}, {gold}), 1 - 2.0 * right / 12);
  say(str("The first \"le\" is counted as wrong, and is hardly a mistake: it has ",
          fixed(look.weights.at({0, 1})), " on \"cat\" and ", fixed(look.weights.at({0, 0})),
          " on \"the\". French needs the gender of the noun, le or la, to write the article."));
}

void held_out(Model& model, const Task& task) {
  // 6. Words that change places
  section(6, "Words that change places");
  say("The cat's links run straight down: that could be learned without looking. So here is a "
      "held-out phrase with a colour, which follows its noun in French; the network is given the "
      "right French words, one after the other, while its map is taken.");
  const Example mouse = example(task, Split::test, 26);
  const Look look = model.looks(make_batch(task, Split::test, 26, 1)).front();
  map(source_text(task, mouse.source) + " = " + target_text(task, mouse.target), look.weights,
      look.rows, look.columns);
  expect("the links cross", strongest_links(look.weights, 4, 4) == mouse.links);
  say("\"souris\" looks at \"mouse\", and \"noire\", behind it, back at \"black\".");

  // 7. Over two hundred held-out phrases
  section(7, "Over two hundred held-out phrases");
  const Result result = measure(model, task);  // examples/lab/run.cpp
  table({{"held-out phrases", str(result.test.sequences)},
         {"written without a mistake", str(result.test.exact)},
         {"alignment error rate", fixed(*result.alignment_error)}});
  expect("most are right", result.test.exact_share() > 0.8 && *result.alignment_error < 0.2);
  say("So a map can be read: when a model is wrong, one sees where it looked. But with care: the "
      "weight is on a state h_i, which has read the other words, too (chapter 11's encoder, both "
      "ways), and it says from where the average was taken, not what was then made of it.");
  try_this(
      "Set steps to 1500 and batch to 64, the lab's own setting (`./qkv train translate`). Every "
      "link of the cat becomes right, that of \"le\" too, and expect() stops the chapter there.");
}

void chapter() {
  const Config config =
      parse_config({"task=translate", "model=seq2seq", "attention=additive", "steps=500",
                    "batch=32", "validation_size=200", "test_size=200"});
  const Task task = make_task(config);
  const auto model = make_model(config);
  learn(*model, task, config);
  gold_links(the_cat(*model, task), task);
  held_out(*model, task);
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
