// From the table of rules to productions without letters; drawing and parsing by recursion.
#include "examples/lab/grammar.h"

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "lib/text.h"

namespace qkv::examples {
namespace {

std::vector<std::string> split(const std::string& text, char separator) {
  std::vector<std::string> pieces;
  std::istringstream in(text);
  for (std::string piece; std::getline(in, piece, separator);) {
    if (!piece.empty()) pieces.push_back(piece);
  }
  return pieces;
}

// One value for each of the letters N, G and K.
struct Features {
  char number, gender;
  const char* kind;
};

constexpr Features kFeatures[] = {{'s', 'm', "being"}, {'s', 'f', "being"}, {'p', 'm', "being"},
                                  {'p', 'f', "being"}, {'s', 'm', "thing"}, {'s', 'f', "thing"},
                                  {'p', 'm', "thing"}, {'p', 'f', "thing"}};

// "the.N.G noun.K.N.G" -> "the.s.f noun.being.s.f"
std::string with(const Features& f, const std::string& names) {
  std::string text;
  for (size_t i = 0; i < names.size(); ++i) {
    const char next = i + 2 < names.size() ? names[i + 2] : ' ';
    const bool letter = names[i] == '.' && (next == '.' || next == ' ') && i + 1 < names.size();
    const char c = letter ? names[i + 1] : ' ';
    if (c == 'N' || c == 'G' || c == 'K') {
      text += '.';
      text += c == 'N' ? std::string(1, f.number) : c == 'G' ? std::string(1, f.gender) : f.kind;
      ++i;
    } else {
      text += names[i];
    }
  }
  return text;
}

// The form of a word: of one, two (N) or four (N and G).
std::string form(const Features& f, const std::string& forms) {
  const std::vector<std::string> all = split(forms, '|');
  const size_t number = f.number == 'p', gender = f.gender == 'f';
  if (all.size() == 1) return all[0];
  if (all.size() == 2) return all[number];
  if (all.size() == 4) return all[2 * number + gender];
  lib::fail("grammar: '", forms, "' has ", all.size(), " forms; a word has 1, 2 or 4");
}

std::vector<size_t> places(const std::string& order, size_t parts) {
  std::vector<size_t> all, sorted;
  for (size_t i = 0; i < parts; ++i) sorted.push_back(i);
  if (order.empty()) return sorted;
  for (const std::string& number : split(order, ' ')) {
    all.push_back(static_cast<size_t>(number[0] - '1'));
  }
  if (!std::is_permutation(all.begin(), all.end(), sorted.begin(), sorted.end())) {
    lib::fail("grammar: the order '", order, "' does not have each of ", parts, " parts once");
  }
  return all;
}

}  // namespace

// ---- reading the table --------------------------------------------------------------------------

Grammar::Grammar(std::span<const Rule> rules, std::span<const Word> words) {
  for (const Rule& rule : rules) add_rule(rule);
  for (const Word& word : words) add_word(word);
  finish();
}

void Grammar::add_rule(const Rule& rule) {
  std::map<std::string, std::set<std::string>> made_of;  // each value of the letters, once
  for (const Features& f : kFeatures) made_of[with(f, rule.whole)].insert(with(f, rule.parts));
  for (const auto& [whole, choices] : made_of) {
    for (const std::string& choice : choices) {
      Production way;
      way.probability = rule.share / static_cast<double>(choices.size());
      way.parts = split(choice, ' ');
      way.order = places(rule.order, way.parts.size());
      productions_[whole].push_back(way);
    }
  }
}

void Grammar::add_word(const Word& word) {
  std::set<std::string> done;
  for (const Features& f : kFeatures) {
    const std::string whole = with(f, word.whole), english = form(f, word.english);
    if (!done.insert(whole).second || english == "-") continue;
    Production way;
    way.probability = word.share;
    way.english = english;
    way.french = split(form(f, word.french), ' ');
    productions_[whole].push_back(way);
  }
}

// Shares become probabilities, and every part must be there.
void Grammar::finish() {
  for (auto& [whole, choices] : productions_) {
    double sum = 0;
    for (const Production& way : choices) sum += way.probability;
    for (Production& way : choices) {
      way.probability /= sum;
      for (const std::string& part : way.parts) static_cast<void>(ways(part));
    }
  }
}

const std::vector<Grammar::Production>& Grammar::ways(const std::string& whole) const {
  const auto found = productions_.find(whole);
  if (found == productions_.end()) lib::fail("grammar: there is no rule for '", whole, "'");
  return found->second;
}

// ---- phrases -----------------------------------------------------------------------------------

Phrase Grammar::word_phrase(const Production& production) {
  Phrase phrase{.english = {production.english},
                .french = production.french,
                .links = {},
                .log2_probability = std::log2(production.probability)};
  for (size_t t = 0; t < production.french.size(); ++t) {
    phrase.links.push_back({.target = static_cast<int64_t>(t), .source = 0});
  }
  return phrase;
}

// The English sides in a row, the French ones in French order, the links moved with their words.
Phrase Grammar::join(const Production& production, const std::vector<Phrase>& parts) {
  Phrase whole;
  whole.log2_probability = std::log2(production.probability);
  std::vector<int64_t> first;  // English word of each part
  for (const Phrase& part : parts) {
    first.push_back(static_cast<int64_t>(whole.english.size()));
    whole.english.insert(whole.english.end(), part.english.begin(), part.english.end());
    whole.log2_probability += part.log2_probability;
  }
  for (const size_t i : production.order) {
    const auto moved = static_cast<int64_t>(whole.french.size());
    whole.french.insert(whole.french.end(), parts[i].french.begin(), parts[i].french.end());
    for (const Link& link : parts[i].links) {
      whole.links.push_back({.target = link.target + moved, .source = link.source + first[i]});
    }
  }
  return whole;
}

Phrase Grammar::draw(const std::string& whole, lib::Generator& generator) const {
  const std::vector<Production>& choices = ways(whole);
  size_t chosen = 0;
  if (choices.size() > 1) {
    double rest = generator.uniform();
    while (chosen + 1 < choices.size() && (rest -= choices[chosen].probability) >= 0) ++chosen;
  }
  const Production& way = choices[chosen];
  if (way.parts.empty()) return word_phrase(way);
  std::vector<Phrase> parts;
  for (const std::string& part : way.parts) parts.push_back(draw(part, generator));
  return join(way, parts);
}

// ---- parsing -----------------------------------------------------------------------------------

std::vector<Phrase> Grammar::parse(const std::string& whole, const Words& english) const {
  std::vector<Phrase> complete;
  for (const Partial& partial : parse_from(whole, english, 0)) {
    if (partial.end == english.size()) complete.push_back(partial.phrase);
  }
  return complete;
}

// Every way to read a `whole` from word number `start` on: by each production, each way to read its
// first part, from the end of that each way to read the second, and so on.
std::vector<Grammar::Partial> Grammar::parse_from(const std::string& whole, const Words& english,
                                                  size_t start) const {
  struct Open {
    size_t end;
    std::vector<Phrase> parts;
  };
  std::vector<Partial> found;
  for (const Production& way : ways(whole)) {
    if (way.parts.empty()) {
      if (start < english.size() && english[start] == way.english) {
        found.push_back({start + 1, word_phrase(way)});
      }
      continue;
    }
    std::vector<Open> open = {{start, {}}};
    for (const std::string& part : way.parts) {
      std::vector<Open> next;
      for (const Open& so_far : open) {
        for (const Partial& read : parse_from(part, english, so_far.end)) {
          next.push_back({read.end, so_far.parts});
          next.back().parts.push_back(read.phrase);
        }
      }
      open = std::move(next);
    }
    for (const Open& done : open) found.push_back({done.end, join(way, done.parts)});
  }
  return found;
}

const Grammar& phrase_grammar() {
  static const Grammar grammar(kRules, kWords);
  return grammar;
}

}  // namespace qkv::examples
