// The local rule of every operation, as text: what it computes, and what its backward sends to its
// inputs. The formulas are those of the captions in the files of operations; a test compares them.
#pragma once

#include <string>
#include <vector>

namespace qkv::autograd {

struct Rule {
  std::string op;
  std::string forward;
  std::vector<std::string> backward;  // a line each
};

[[nodiscard]] const std::vector<Rule>& rules();

// The rule of an operation; null for a name that is not in the list.
[[nodiscard]] const Rule* rule_of(const std::string& op);

}  // namespace qkv::autograd
