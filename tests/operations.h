// Which operations a result was made of: the names in its graph, for tests of completeness.
#pragma once

#include <set>
#include <string>

#include "autograd/graph.h"

namespace qkv::tests {

using Names = std::set<std::string>;

// Leaves aside.
[[nodiscard]] inline Names operations_behind(const autograd::Variable& result) {
  Names names;
  for (const auto& node : autograd::nodes_behind(result)) {
    if (!node->is_leaf()) names.insert(node->op);
  }
  return names;
}

// What is in the first set and not in the second, in one line.
[[nodiscard]] inline std::string missing(const Names& wanted, const Names& present) {
  std::string text;
  for (const std::string& name : wanted) text += present.contains(name) ? "" : name + " ";
  return text;
}

}  // namespace qkv::tests
