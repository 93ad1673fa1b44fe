// The machine behind the grammar, on a grammar small enough to count by hand, and the real one's
// probabilities: each phrase has one derivation, and the entropy is what drawing phrases shows.
#include "examples/lab/grammar.h"

#include <doctest/doctest.h>

#include <cmath>
#include <map>
#include <set>

#include "tests/compare.h"

using namespace qkv;
using namespace qkv::examples;
using tests::refusal;

namespace {

//   phrases   3/4 x 1/2 each:  a cat, a dog        1/4 x 1/2 each:  red cat, red dog (chat rouge)
constexpr Rule kSmall[] = {{"s", 3, "a noun"}, {"s", 1, "red noun", "2 1"}};
constexpr Word kSmallWords[] = {{"a", 1, "a", "un"},
                                {"red", 1, "red", "rouge"},
                                {"noun", 1, "cat", "chat"},
                                {"noun", 1, "dog", "chien de garde"}};

const Grammar& small() {
  static const Grammar grammar(kSmall, kSmallWords);
  return grammar;
}

bool near(double a, double b, double tolerance = 1e-12) { return std::fabs(a - b) <= tolerance; }

}  // namespace

TEST_CASE("grammar: facts of a small grammar, by hand") {
  const PhraseFacts f = small().facts("s");
  CHECK(near(f.entropy, -0.75 * std::log2(0.75) - 0.25 * std::log2(0.25) + 1));
  CHECK(f.phrases == 4);
  CHECK(f.words == 2);
  CHECK(near(f.characters, 0.75 * 6 + 0.25 * 8));  // "a cat" and "red cat", each with its end
  CHECK(f.longest_english == 2);
  CHECK(f.longest_french == 4);
  CHECK(f.longest_characters == 8);
  CHECK(small().english_words("s") == Words{"a", "cat", "dog", "red"});
  CHECK(small().french_words("noun") == Words{"chat", "chien", "de", "garde"});
}

TEST_CASE("grammar: a parse has the French in its order, the links, and the probability") {
  const std::vector<Phrase> parses = small().parse("s", {"red", "dog"});
  REQUIRE(parses.size() == 1);
  CHECK(parses[0].french == Words{"chien", "de", "garde", "rouge"});
  CHECK(parses[0].links == std::vector<Link>{{0, 1}, {1, 1}, {2, 1}, {3, 0}});
  CHECK(near(parses[0].log2_probability, -3));
  for (const Words& none : {Words{}, {"red"}, {"cat", "red"}, {"a", "cat", "a"}, {"a", "cow"}}) {
    CHECK(small().parse("s", none).empty());
  }
}

TEST_CASE("grammar: phrases are drawn as often as their probability says") {
  std::map<Words, int> counts;
  lib::Generator generator(3);
  for (int i = 0; i < 8000; ++i) ++counts[small().draw("s", generator).english];
  CHECK(counts.size() == 4);
  CHECK(std::abs(counts[{"a", "dog"}] - 3000) <= 220);  // 5 standard deviations
  CHECK(std::abs(counts[{"red", "cat"}] - 1000) <= 150);
}

TEST_CASE("grammar: letters agree within a rule and are free between rules") {
  constexpr Rule rules[] = {{"s", 1, "the.N.G noun.N.G"}, {"t", 1, "the.N.m noun.N.f"}};
  constexpr Word words[] = {{"the.N.G", 1, "the|those", "le|la|les|les"},
                            {"noun.N.m", 1, "king|kings", "roi|rois"},
                            {"noun.N.f", 1, "queen|queens", "reine|reines"}};
  const Grammar grammar(rules, words);
  CHECK(grammar.facts("s").phrases == 4);
  CHECK(grammar.facts("s").entropy == 2);
  CHECK(grammar.facts("t").phrases == 2);
  CHECK(grammar.parse("s", {"those", "queens"}).at(0).french == Words{"les", "reines"});
  CHECK(grammar.parse("s", {"the", "queens"}).empty());
  CHECK(grammar.parse("t", {"the", "queen"}).at(0).french == Words{"le", "reine"});
}

TEST_CASE("grammar: a table with a mistake is refused with what is wrong") {
  const auto refused = [](Rule rule, Word word) {
    return refusal([&] { Grammar(std::span(&rule, 1), std::span(&word, 1)); });
  };
  CHECK(refused({"s", 1, "a b"}, {"a", 1, "x", "y"}) == "grammar: there is no rule for 'b'");
  CHECK(refused({"s", 1, "a a", "1 1"}, {"a", 1, "x", "y"}) ==
        "grammar: the order '1 1' does not have each of 2 parts once");
  CHECK(refused({"s", 1, "a"}, {"a", 1, "x|y|z", "y"}) ==
        "grammar: 'x|y|z' has 3 forms; a word has 1, 2 or 4");
  CHECK(refusal([] { static_cast<void>(small().facts("t")); }) ==
        "grammar: there is no rule for 't'");
}

TEST_CASE("grammar: every phrase that is drawn has one derivation, with its probability") {
  lib::Generator generator(1);
  for (const char* whole : {"phrase", "line", "two-phrases", "long-line"}) {
    for (int i = 0; i < 150; ++i) {
      const Phrase drawn = phrase_grammar().draw(whole, generator);
      const std::vector<Phrase> parses = phrase_grammar().parse(whole, drawn.english);
      REQUIRE(parses.size() == 1);
      REQUIRE(parses[0].french == drawn.french);
      REQUIRE(parses[0].links == drawn.links);
      REQUIRE(near(parses[0].log2_probability, drawn.log2_probability, 1e-9));
    }
  }
}

// The shares are those of grammar_rules.h: 7 of 10 subjects have no place, 6 of 13 noun phrases no
// adjective, 1 of 4 singular articles is "the", 1 of 3 beings is a cat, and so on.
TEST_CASE("grammar: the probability of the cat on the mat, by hand") {
  const double subject = 0.7 * 6 / 13 * 1 / 4 * 1 / 3;            // named, the, cat
  const double place = 1.0 / 3 * 1 / 4 * 6 / 13 * 1 / 4 * 1 / 3;  // on, s and m, the, mat
  const double cat = 1.0 / 4 * 4 / 10 * subject * 1 / 6 * place;
  const std::vector<Phrase> parses =
      phrase_grammar().parse("phrase", words_of("the cat sat on the mat"));
  REQUIRE(parses.size() == 1);
  CHECK(near(parses[0].log2_probability, std::log2(cat), 1e-9));
}

TEST_CASE("grammar: entropy and length are what many draws show") {
  lib::Generator generator(2);
  constexpr int kDraws = 4000;
  const PhraseFacts facts = phrase_grammar().facts("line");
  double bits = 0, squares = 0, characters = 0;
  size_t longest = 0;
  for (int i = 0; i < kDraws; ++i) {
    const Phrase line = phrase_grammar().draw("line", generator);
    bits -= line.log2_probability;
    squares += line.log2_probability * line.log2_probability;
    characters += static_cast<double>(line_of(line.english).size() + 1);
    longest = std::max(longest, line_of(line.english).size() + 1);
  }
  const double mean = bits / kDraws, deviation = std::sqrt(squares / kDraws - mean * mean);
  CHECK(std::fabs(mean - facts.entropy) <= 4 * deviation / std::sqrt(kDraws));
  CHECK(std::fabs(characters / kDraws - facts.characters) <= 1);
  CHECK(static_cast<int64_t>(longest) <= facts.longest_characters);
  CHECK(facts.phrases > 1e10);
}

TEST_CASE("grammar: a line has no space before its punctuation, and comes apart again") {
  const Words words = {"a", "cat", "sat", ",", "and", "a", "dog", "ran", "!"};
  CHECK(line_of(words) == "a cat sat, and a dog ran!");
  CHECK(words_of(line_of(words)) == words);
  CHECK(line_of({}).empty());
}
