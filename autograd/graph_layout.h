// For graph_svg: where the boxes lie and how the arrows run. Layers first (Sugiyama et al. 1981): a
// node lies one layer above the highest of its users, so every arrow points down.
//
//   layer 0    x     w         1. a layer for each node, from the result upwards
//   layer 1    matmul          2. an order in each layer, so that few arrows cross
//   layer 2    exp             3. places: near the neighbours, without overlap
#pragma once

#include "autograd/graph.h"

namespace qkv::autograd {

struct PagePoint {
  double x = 0, y = 0;
};

struct Box {
  const Node* node = nullptr;
  std::vector<std::string> lines;  // what is written in it, printable ASCII
  bool again = false;              // a leaf that has a box further up
  PagePoint centre = {};
  double width = 0, height = 0;
};

using Wire =
    std::vector<PagePoint>;  // from the bottom of a box by way of points to the top of another

struct Layout {
  std::vector<Box> boxes;
  std::vector<Wire> wires;
  double width = 0, height = 0;  // everything lies in [0, width] x [0, height]
};

// What a node's box says: its name, if it has one; operation; shape and dtype; bytes saved.
[[nodiscard]] std::vector<std::string> box_lines(const Node& node, const NodeNames& names);

[[nodiscard]] Layout lay_out(const Variable& result, const NodeNames& names);

}  // namespace qkv::autograd
