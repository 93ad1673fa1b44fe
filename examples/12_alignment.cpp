// Chapter 12. Alignment: which word looks at which, when English becomes French.
//
// Chapter 11's encoder and decoder with additive attention, trained for some seconds on the phrases
// of a small grammar (examples/lab/grammar_rules.h), which also knows the right alignments.
#include "examples/chapter.h"
#include "examples/lab/alignment.h"
#include "examples/lab/config.h"
#include "examples/lab/model.h"
#include "examples/lab/run.h"
#include "examples/lab/trainer.h"
#include "lib/text.h"
#include "tensor/reduce.h"

using namespace qkv::examples;
using qkv::lib::str;
using qkv::tensor::Tensor;
namespace t = qkv::tensor;

namespace {

// 1. Phrases, and what nobody tells the network
void phrases(const Task& task) {
  section(1, "Phrases, and what nobody tells the network");
  say("A grammar writes English phrases and their French. The network is shown the words of both, "
      "and nothing else. The grammar also knows which French word comes from which English one: "
      "these are the gold links. We keep them to ourselves until section 5.");
  std::vector<std::vector<std::string>> rows = {{"English", "French"}};
  for (int64_t i = 0; i < 5; ++i) {
    const Example phrase = example(task, Split::train, i);
    rows.push_back({source_text(task, phrase.source), target_text(task, phrase.target)});
  }
  table(rows);
  say(str(
      "The vocabularies are ", task.source_symbols, " English words and ", task.target_symbols,
      " French ones. French has its own rules: articles and adjectives agree with a noun that "
      "comes later, colours follow their noun, and some nouns are two or three words. \"the cat "
      "sat on the mat\" is never in the training: it is what we shall ask for."));
}

// 2. A short training
void learn(Model& model, const Task& task, const Config& config) {
  section(2, "A short training");
  say(str("Lessons as in chapter 11, ", config.steps * config.batch, " phrases, ", config.batch,
          " at a time. The loss is -log of the probability that the right French word was given, "
          "averaged over all words."));
  std::vector<std::vector<std::string>> rows = {{"step", "loss", "right words"}};
  const auto report = [&](const Metrics& now) {
    if (now.step == 1 || now.step % 100 == 0) {
      rows.push_back({str(now.step), fixed(now.loss), fixed(100 * now.accuracy, 1) + " %"});
    }
  };
  train(model, task, config, report, [] { return false; });
  table(rows);
}

// 3. The map of "the cat sat on the mat"
Look the_cat(Model& model, const Task& task) {
  section(3, "The map of \"the cat sat on the mat\"");
  const Batch cat = make_batch(task, Split::test, 0, 1);  // number 0 of the held-out phrases
  const std::string french = target_text(task, model.answer(cat).front());
  say("The trained network is given the phrase for the first time, and writes: " + french + ".");
  expect("it writes the French of the grammar", french == "le chat s'assit sur le tapis");
  formula("c_t = sum_i a_ti h_i,  sum_i a_ti = 1");
  const Look look = model.looks(cat).front();
  map("a_ti: each French word, and where it looked", look.weights, look.rows, look.columns);
  show("a", "the same in numbers, (French words and the end, English words)", look.weights);
  show("row sums", "a summed over the English words", t::sum(look.weights, {-1}));
  expect("row sums", t::sum(look.weights, {-1}), {1, 1, 1, 1, 1, 1, 1});
  say(str(
      "\"chat\" looks at \"cat\" with ", fixed(look.weights.at({1, 1})),
      ", \"sur\" at \"on\" with ", fixed(look.weights.at({3, 3})), ", \"tapis\" at \"mat\" with ",
      fixed(look.weights.at({5, 5})),
      ". Nobody has shown it which word is which: it looks there because the answer is there."));
  return look;
}

// 4. A well-known figure, and its sum
void well_known_figure(const Look& look) {
  section(4, "A well-known figure, and its sum");
  say("An overview of attention, from which this book has grown, gives for \"chat\": 0.7 on "
      "\"cat\", and 0.05 on each of the other words; for \"tapis\" 0.8 on \"mat\", and little on "
      "the others. There are six words, two of them \"the\":");
  const Tensor figure = Tensor::of<double>({.05, .7, .05, .05, .05, .05}, {1, 6});
  map("the figure's row", figure, {"chat"}, look.columns);
  show("row sum", "0.7 + 5 * 0.05", t::sum(figure).item());
  expect("the figure's sum", t::sum(figure).item(), 0.95);
  const Tensor mended = Tensor::of<double>({.06, .7, .06, .06, .06, .06}, {6});
  expect("with 0.06 each", t::sum(mended).item(), 1);
  say("0.95 is no row of a softmax, whose weights add up to 1: 0.06 each, and it is one. A small "
      "slip in a good explanation; but a sum that is printed is a slip that is seen, so our maps "
      "print theirs. The same figure has \"Le chat etait sur le tapis\" as the French, which says "
      "that the cat was on the mat: it does not translate \"sat\". Our grammar has \"s'assit\", "
      "sat down, one word for one word.");
}

// 5. Gold links and the alignment error rate
void gold_links(const Look& look, const Task& task) {
  section(5, "Gold links and the alignment error rate");
  say("One link for each French word: the English word that it looked at most, beside the "
      "grammar's.");
  const std::vector<Link> gold = example(task, Split::test, 0).links;
  const std::vector<Link> found = strongest_links(look.weights, 6, 6);  // not of the end's row
  std::vector<std::vector<std::string>> rows = {{"French", "looked at", "gold", ""}};
  int right = 0;
  for (size_t i = 0; i < gold.size(); ++i) {
    const auto english = [&](const Link& l) { return look.columns[static_cast<size_t>(l.source)]; };
    rows.push_back({look.rows[i], english(found[i]), english(gold[i]),
                    found[i] == gold[i] ? "right" : "wrong"});
    right += found[i] == gold[i] ? 1 : 0;
  }
  table(rows);
  formula("AER = 1 - 2 |A and S| / (|A| + |S|)");
  say("The alignment error rate (Och and Ney 2003): A are the links found, S the gold ones; links "
      "in both count twice, against all of both. 0 is perfect, 1 has none right.");
  show("AER", str("1 - 2 * ", right, " / (6 + 6)"), 1 - 2.0 * right / 12);
  expect("AER by the library", alignment_error_rate({found}, {gold}), 1 - 2.0 * right / 12);
  expect("five links are right, and not the first", right == 5 && found[0].source == 1);
  say(str("The first \"le\" is counted as wrong, and is hardly a mistake: it has ",
          fixed(look.weights.at({0, 1})), " on \"cat\" and ", fixed(look.weights.at({0, 0})),
          " on \"the\". French needs the gender of the noun, le or la, to write the article."));
}

// 6. Words that change places
void crossing(Model& model, const Task& task) {
  section(6, "Words that change places");
  say("The cat's links run straight down: the third word from the third. That could be learned "
      "without looking. So here is the first held-out phrase in which French has another order, "
      "the map taken while the network is given the right French words, one after the other.");
  const auto crosses = [](const Example& phrase) {
    for (size_t i = 1; i < phrase.links.size(); ++i) {
      if (phrase.links[i].source < phrase.links[i - 1].source) return true;
    }
    return false;
  };
  int64_t number = 1;
  while (!crosses(example(task, Split::test, number))) ++number;
  const Example phrase = example(task, Split::test, number);
  const Look look = model.looks(make_batch(task, Split::test, number, 1)).front();
  map(source_text(task, phrase.source) + " = " + target_text(task, phrase.target), look.weights,
      look.rows, look.columns);
  const std::vector<Link> found = strongest_links(look.weights, 8, 7);
  expect("rouges looks at red", found[6].source == 4);
  expect("chaises looks at deckchairs, longues at red",
         found[4].source == 5 && found[5].source == 4);
  say("\"chaises\" looks at \"deckchairs\", and \"rouges\", behind it, back at \"red\". "
      "\"longues\" goes astray: it is half of a word that English has in one.");
}

// 7. Over two hundred held-out phrases
void over_all(Model& model, const Task& task) {
  section(7, "Over two hundred held-out phrases");
  const Result result = measure(model, task);  // examples/lab/run.cpp
  table({{"held-out phrases", str(result.test.sequences)},
         {"written without a mistake", str(result.test.exact)},
         {"alignment error rate", fixed(*result.alignment_error)}});
  expect("there are 200", result.test.sequences == 200);
  expect("most phrases and most links are right",
         result.test.exact_share() > 0.8 && *result.alignment_error < 0.2);
  say("So a map can be read, which is of great help when a model is wrong: one sees where it "
      "looked. But read it with care. The weight is on a state h_i, which has read the words "
      "around word i too; and it says from where the average was taken, not what was then made of "
      "it.");
  try_this(
      "Set steps to 1500 and batch to 64, the lab's own setting (`./qkv train translate`). "
      "Every link of the cat becomes right, that of \"le\" too; expect() then stops the chapter in "
      "section 5, whose sentence about it is no longer true.");
}

void chapter() {
  const Config config =
      parse_config({"task=translate", "model=seq2seq", "attention=additive", "steps=500",
                    "batch=32", "validation_size=200", "test_size=200"});
  const Task task = make_task(config);
  const auto model = make_model(config);
  phrases(task);
  learn(*model, task, config);
  const Look look = the_cat(*model, task);
  well_known_figure(look);
  gold_links(look, task);
  crossing(*model, task);
  over_all(*model, task);
}

}  // namespace

int main(int argc, char** argv) { return run_chapter(argc, argv, chapter); }
