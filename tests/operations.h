// Which operations a result was made of: the names in its graph, for tests of completeness.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "autograd/node.h"

namespace qkv::tests {

using Names = std::set<std::string>;

// Leaves aside.
[[nodiscard]] inline Names operations_behind(const autograd::Variable& result) {
  Names names;
  std::set<const autograd::Node*> seen;
  std::vector<const autograd::Node*> open = {result.node().get()};
  while (!open.empty()) {
    const autograd::Node* const node = open.back();
    open.pop_back();
    if (node == nullptr || !seen.insert(node).second) continue;
    if (!node->is_leaf()) names.insert(node->op);
    for (const auto& input : node->inputs) open.push_back(input.get());
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
