// Looking at a graph: the list of its nodes, and two pictures of it. A node shows its operation,
// the shape and dtype of its result, and how many bytes it keeps for backward (tape.h).
//
//   const Variable loss = mean(exp(matmul(x, w)));
//   std::ofstream("graph.svg") << graph_svg(loss, {{"x", x}, {"w", w}});
//
// Next: explain.h, for one node and its gradients.
#pragma once

#include <string>
#include <utility>

#include "autograd/node.h"

namespace qkv::autograd {

// All nodes that the result was made of, its own last: every node behind its inputs, in the order
// of birth. None for a constant.
[[nodiscard]] std::vector<std::shared_ptr<Node>> nodes_behind(const Variable& result);

// Names for nodes, which otherwise show their operation only; for parameters above all.
using NodeNames = std::vector<std::pair<std::string, Variable>>;

// For Graphviz: dot -Tsvg graph.dot > graph.svg
[[nodiscard]] std::string graph_dot(const Variable& result, const NodeNames& names = {});

// A picture that needs no tool: parameters above, the result at the bottom, one arrow for each use,
// the first operand's on the left. A leaf that is used in several layers is drawn in front of each
// of them, dashed from the second time on. The same graph gives the same text. Throws
// std::invalid_argument for a constant, as graph_dot does: there is nothing to see.
[[nodiscard]] std::string graph_svg(const Variable& result, const NodeNames& names = {});

}  // namespace qkv::autograd
