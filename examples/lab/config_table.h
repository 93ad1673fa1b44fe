// The table of all keys of a configuration: where each lives, what is allowed, what it means, and
// which kinds of model know it. Parsing, refusal, JSON and help (config.cpp) are loops over it.
#pragma once

#include <variant>

#include "examples/lab/config.h"

namespace qkv::examples {

using Words = std::vector<std::string>;

struct Range {
  double low, high;  // both allowed
};

struct Key {
  const char* name;
  std::variant<int64_t*, double*, std::string*> field;
  std::variant<Range, Words> allowed;  // the words a text may be; none listed: the name of a folder
  const char* help;
  Words models = {};  // the kinds of model that have it; none listed: all
};

[[nodiscard]] std::vector<Key> config_table(Config& config);

}  // namespace qkv::examples
