// The text task: lines of the grammar, their true entropy, and how little the splits change it.
#include "examples/lab/task_text.h"

#include <doctest/doctest.h>

#include <cmath>
#include <set>

#include "examples/lab/grammar.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::examples;
using tests::refusal;

namespace {

Task text_task(int64_t seed = 1) {
  Config config;
  config.task = "text";
  config.seed = seed;
  return make_task(config);
}

Sequence symbols_of(const Task& task, const std::string& line) {
  Sequence symbols;
  for (const char c : line) {
    int64_t symbol = 0;
    while (symbol < task.target_symbols && target_text(task, {symbol}) != std::string(1, c)) {
      ++symbol;
    }
    symbols.push_back(symbol);
  }
  return symbols;
}

}  // namespace

TEST_CASE("text: a line is letters, single spaces and one mark at its end, without a source") {
  const Task task = text_task();
  CHECK(task.source_symbols == 0);
  CHECK(task.longest_source(Split::train) == 0);
  for (const Split split : {Split::train, Split::validation, Split::test, Split::longer}) {
    for (int64_t i = 0; i < 200; ++i) {
      const Example e = example(task, split, i);
      const std::string line = target_text(task, e.target);
      CAPTURE(line);
      REQUIRE(e.source.empty());
      REQUIRE(line.size() == e.target.size());
      REQUIRE(static_cast<int64_t>(line.size()) <= task.longest_target(split));
      REQUIRE(line.find_first_of(".!") == line.size() - 1);
      REQUIRE(line.find("  ") == std::string::npos);
      REQUIRE((line.find(", and ") != std::string::npos) == (split == Split::longer));
    }
  }
  CHECK(make_batch(task, Split::train, 0, 3).source.shape() == tensor::Shape{3, 0});
}

TEST_CASE("text: no line is both trained on and held out, whatever the seeds") {
  std::set<Sequence> trained;
  for (const int64_t seed : {1, 2}) {
    const Task task = text_task(seed);
    for (int64_t i = 0; i < 2000; ++i) trained.insert(example(task, Split::train, i).target);
  }
  CHECK(trained.size() > 3500);
  const Task other = text_task(3);
  for (int64_t i = 0; i < 300; ++i) {
    REQUIRE(trained.count(example(other, Split::test, i).target) == 0);
    REQUIRE(trained.count(example(other, Split::validation, i).target) == 0);
  }
}

TEST_CASE("text: the bits of a line are those of the phrase and its mark") {
  const Task task = text_task();
  const std::vector<Phrase> cat =
      phrase_grammar().parse("phrase", words_of("the cat sat on the mat"));
  const double bits = grammar_bits(symbols_of(task, "the cat sat on the mat."));
  CHECK(std::fabs(bits - (-cat.at(0).log2_probability - std::log2(0.8))) <= 1e-9);
  CHECK(grammar_bits(symbols_of(task, "the cat sat on the mat")) == INFINITY);
  CHECK(grammar_bits(symbols_of(task, "the cat sit on the mat.")) == INFINITY);
  CHECK(grammar_bits(symbols_of(task, "the cat  sat on the mat.")) == INFINITY);
  CHECK(grammar_bits({}) == INFINITY);
  CHECK(grammar_bits({-1, 99}) == INFINITY);
  const double both = grammar_bits(symbols_of(task, "the cat sat on the mat, and the cat sat."));
  const double second = grammar_bits(symbols_of(task, "the cat sat."));
  CHECK(std::fabs(both - (bits + second + std::log2(0.8))) <= 1e-9);  // the mark counts once
}

TEST_CASE("text: the splits' own bits per character are the entropy, but for chance") {
  const TextEntropy entropy = text_entropy();
  CHECK(std::fabs(entropy.perplexity - std::exp2(entropy.bits_per_character)) <= 1e-12);
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    const double bits = grammar_bits_per_character(text_task(), split, 400);
    CHECK(std::fabs(bits - entropy.bits_per_character) <= 0.02);
  }
  Config config;
  CHECK(refusal([&] {
          static_cast<void>(grammar_bits_per_character(make_task(config), Split::test, 1));
        }) ==
        "grammar_bits_per_character: task reverse, count 1; need the task text, and count >= 1");
}
