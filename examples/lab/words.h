// Lists of words: the tasks that a key is for, the parts of a phrase, the labels of symbols; and
// names that stand for something.
#pragma once

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "lib/text.h"

namespace qkv::examples {

using Words = std::vector<std::string>;

[[nodiscard]] inline bool contains(const Words& words, const std::string& word) {
  return std::find(words.begin(), words.end(), word) != words.end();
}

// "copy, reverse, sort"
[[nodiscard]] inline std::string joined(const Words& words, const char* separator = ", ") {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : separator) + word;
  return all;
}

// What a name stands for: named<Cell>("gru", {{"rnn", Cell::rnn}, {"gru", Cell::gru}}). Throws
// std::invalid_argument for a name that is not in the table.
template <class Meaning>
[[nodiscard]] Meaning named(const std::string& name,
                            const std::vector<std::pair<const char*, Meaning>>& table) {
  for (const auto& [known, meaning] : table) {
    if (name == known) return meaning;
  }
  lib::fail("unknown name '", lib::escaped(name.substr(0, 80)), "'");
}

}  // namespace qkv::examples
