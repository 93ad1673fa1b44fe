// The table of all keys of a configuration: where each lives, what is allowed, what it means, and
// which models and tasks know it. Parsing, refusal, JSON and help (config.cpp) are loops over it.
#pragma once

#include <variant>

#include "examples/lab/config.h"
#include "examples/lab/words.h"

namespace qkv::examples {

struct Range {
  double low, high;  // both allowed
};

struct Key {
  const char* name;
  std::variant<int64_t*, double*, std::string*, bool*> field;
  std::variant<Range, Words> allowed;  // the words a text may be; none listed: the name of a folder
  const char* help;
  Words models = {};  // the kinds of model that have it; none listed: all
  Words tasks = {};   // the tasks that have it; none listed: all
};

[[nodiscard]] std::vector<Key> config_table(Config& config);

}  // namespace qkv::examples
