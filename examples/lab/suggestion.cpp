// The edit distance, and the sentence made of it.
#include "examples/lab/suggestion.h"

#include <algorithm>
#include <utility>

#include "examples/lab/words.h"

namespace qkv::examples {
namespace {

// Levenshtein's distance: the fewest insertions, deletions and replacements that turn a into b.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);  // row[j]: from the first i letters of a to j letters of b
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

// A dotted name is also known by its last part: "width" is near "model.width".
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string typed = word.substr(0, 80);
  size_t least = typed.size() / 3 + 2;  // that many edits make another word
  std::string nearest;
  for (const std::string& name : known) {
    const std::string last_part = name.substr(name.rfind('.') + 1);
    const size_t distance = std::min(edit_distance(typed, name), edit_distance(typed, last_part));
    if (distance < std::min(least, name.size())) {
      least = distance;
      nearest = name;
    }
  }
  return nearest.empty() ? "; known: " + joined(known) : "; did you mean '" + nearest + "'?";
}

}  // namespace qkv::examples
