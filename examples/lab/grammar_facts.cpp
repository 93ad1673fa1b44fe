// What can be said of all the phrases of a grammar without drawing any; and lines of text.
#include <algorithm>
#include <cmath>
#include <sstream>

#include "examples/lab/grammar.h"

namespace qkv::examples {
namespace {

bool is_punctuation(const std::string& word) { return word == "." || word == "," || word == "!"; }

// A word counts its letters and the space before it. The first word of a line has no space, but
// then the line has an end: that makes them even.
PhraseFacts facts_of_word(const std::string& english, const Words& french) {
  const auto characters = static_cast<int64_t>(english.size()) + (is_punctuation(english) ? 0 : 1);
  return {.phrases = 1,
          .words = 1,
          .characters = static_cast<double>(characters),
          .longest_english = 1,
          .longest_french = static_cast<int64_t>(french.size()),
          .longest_characters = characters};
}

}  // namespace

// Means and entropies of independent parts add up, and numbers of phrases multiply. A whole is the
// average of its productions, and -log2 p bits tell which of them it was.
PhraseFacts Grammar::facts(const std::string& whole) const {
  PhraseFacts all;
  for (const Production& way : ways(whole)) {
    PhraseFacts one =
        way.parts.empty() ? facts_of_word(way.english, way.french) : PhraseFacts{.phrases = 1};
    for (const std::string& part : way.parts) {
      const PhraseFacts f = facts(part);
      one.entropy += f.entropy;
      one.phrases *= f.phrases;
      one.words += f.words;
      one.characters += f.characters;
      one.longest_english += f.longest_english;
      one.longest_french += f.longest_french;
      one.longest_characters += f.longest_characters;
    }
    all.entropy += way.probability * (one.entropy - std::log2(way.probability));
    all.phrases += one.phrases;
    all.words += way.probability * one.words;
    all.characters += way.probability * one.characters;
    all.longest_english = std::max(all.longest_english, one.longest_english);
    all.longest_french = std::max(all.longest_french, one.longest_french);
    all.longest_characters = std::max(all.longest_characters, one.longest_characters);
  }
  return all;
}

Words Grammar::english_words(const std::string& whole) const {
  std::set<std::string> english, french;
  collect(whole, english, french);
  return {english.begin(), english.end()};
}

Words Grammar::french_words(const std::string& whole) const {
  std::set<std::string> english, french;
  collect(whole, english, french);
  return {french.begin(), french.end()};
}

void Grammar::collect(const std::string& whole, std::set<std::string>& english,
                      std::set<std::string>& french) const {
  for (const Production& way : ways(whole)) {
    if (way.parts.empty()) english.insert(way.english);
    french.insert(way.french.begin(), way.french.end());
    for (const std::string& part : way.parts) collect(part, english, french);
  }
}

// ---- lines of text -----------------------------------------------------------------------------

std::string line_of(const Words& words) {
  std::string line;
  for (const std::string& word : words) {
    if (!line.empty() && !is_punctuation(word)) line += ' ';
    line += word;
  }
  return line;
}

Words words_of(const std::string& line) {
  std::string spaced;
  for (const char c : line)
    spaced += is_punctuation({c}) ? std::string(" ") + c : std::string(1, c);
  std::istringstream in(spaced);
  Words words;
  for (std::string word; in >> word;) words.push_back(word);
  return words;
}

}  // namespace qkv::examples
