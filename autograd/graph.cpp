// The walk over a graph, and the same as text for Graphviz.
#include "autograd/graph.h"

#include <algorithm>
#include <map>
#include <set>

#include "autograd/graph_layout.h"
#include "autograd/tape.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

constexpr size_t kLongestLine = 40;

std::string shortened(std::string text) {
  if (text.size() > kLongestLine) text = text.substr(0, kLongestLine - 3) + "...";
  return text;
}

// In a quoted string of Graphviz, \ and " are special.
std::string quoted(const std::string& text) {
  std::string safe;
  for (const char character : text) {
    if (character == '\\' || character == '"') safe += '\\';
    safe += character;
  }
  return safe;
}

}  // namespace

std::vector<std::shared_ptr<Node>> nodes_behind(const Variable& result) {
  std::vector<std::shared_ptr<Node>> nodes;
  std::set<const Node*> seen;
  const auto visit = [&](const std::shared_ptr<Node>& node) {
    if (node != nullptr && seen.insert(node.get()).second) nodes.push_back(node);
  };
  visit(result.node());
  for (size_t next = 0; next < nodes.size(); ++next) {
    const std::shared_ptr<Node> node = nodes[next];
    for (const auto& input : node->inputs) visit(input);
  }
  std::sort(nodes.begin(), nodes.end(),
            [](const auto& a, const auto& b) { return a->born < b->born; });
  return nodes;
}

std::vector<std::string> box_lines(const Node& node, const NodeNames& names) {
  std::vector<std::string> lines;
  for (const auto& [name, variable] : names) {
    if (variable.node().get() == &node) {
      lines.push_back(shortened(lib::escaped(name)));
      break;
    }
  }
  if (lines.empty() || !node.is_leaf()) lines.push_back(shortened(lib::escaped(node.op)));
  lines.push_back(lib::str(node.shape, " ", node.dtype));
  if (node.freed) {
    lines.push_back("freed");
  } else if (!node.is_leaf()) {
    lines.push_back("saved " + bytes_text(saved_bytes(node)));
  }
  return lines;
}

std::string graph_dot(const Variable& result, const NodeNames& names) {
  const auto nodes = nodes_behind(result);
  if (nodes.empty()) lib::fail("graph_dot: the result requires no gradient: it has no graph");
  std::map<const Node*, size_t> number;
  std::string text =
      "digraph tape {\n  node [shape=box, fontname=\"monospace\", style=filled, "
      "fillcolor=\"#ffffff\"];\n";
  for (const auto& node : nodes) {
    const size_t n = number.size();
    number[node.get()] = n;
    std::string label;
    for (const std::string& line : box_lines(*node, names)) {
      label += (label.empty() ? "" : "\\n") + quoted(line);
    }
    text += lib::str("  n", n, " [label=\"", label, "\"",
                     node->is_leaf() ? ", fillcolor=\"#e3edf9\"" : "", "];\n");
    for (const auto& input : node->inputs) {
      if (input) text += lib::str("  n", number.at(input.get()), " -> n", n, ";\n");
    }
  }
  return text + "}\n";
}

}  // namespace qkv::autograd
