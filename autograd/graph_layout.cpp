// The three steps of a layered drawing. Between neighbouring layers only straight pieces are left:
// an arrow that skips layers passes through a bend in each of them, which takes part in the order
// and the placing like a narrow box.
#include "autograd/graph_layout.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <map>

namespace qkv::autograd {
namespace {

constexpr double kLetter = 7.4, kLine = 16, kPadding = 10;  // of 12 pixel monospaced text
constexpr double kGap = 24, kRowGap = 36, kMargin = 16, kBend = 8, kPort = 12;
constexpr int kRounds = 6;
constexpr int kLongestBentWire = 60;  // layers; a longer one runs straight, behind the boxes

// A box or a bend, in its layer.
struct Item {
  size_t box = 0;
  bool is_bend = false;
  double x = 0, width = kBend;
  double rank = 0;  // its place in the order of the layer
  std::vector<size_t> above = {},
                      below = {};  // items of the neighbouring layers with a piece to this one
};

struct Path {
  std::vector<size_t> items;  // from box through bends to box
  double port = 0;            // how far off the centre it ends
};

// The average of a number of the neighbours; `own` if there are none.
double mean(const std::vector<Item>& items, const std::vector<size_t>& neighbours,
            double Item::*number, double own) {
  double total = 0;
  for (const size_t n : neighbours) total += items[n].*number;
  return neighbours.empty() ? own : total / static_cast<double>(neighbours.size());
}

class Drawing {
 public:
  Drawing(const Variable& result, const NodeNames& names) : nodes_(nodes_behind(result)) {
    make_boxes(names);
    make_paths();
    order();
    place();
  }

  Layout finish();

 private:
  void make_boxes(const NodeNames& names);
  void make_paths();
  void order();
  void sort_layer(std::vector<size_t>& layer, std::vector<size_t> Item::*side);
  void place();
  void place_layer(const std::vector<size_t>& layer, std::vector<size_t> Item::*side);
  std::vector<double> row_tops();

  size_t add_box(const Node& node, int layer, bool again, const NodeNames& names) {
    Box box{.node = &node, .lines = box_lines(node, names), .again = again};
    size_t letters = 0;
    for (const std::string& line : box.lines) letters = std::max(letters, line.size());
    box.width = std::round(static_cast<double>(letters) * kLetter + 2 * kPadding);
    box.height = static_cast<double>(box.lines.size()) * kLine + kPadding;
    layout_.boxes.push_back(std::move(box));
    return add_item(layer, {.box = layout_.boxes.size() - 1, .width = layout_.boxes.back().width});
  }
  size_t add_item(int layer, Item item) {
    std::vector<size_t>& row = layers_[static_cast<size_t>(layer)];
    item.rank = static_cast<double>(row.size());
    items_.push_back(std::move(item));
    layer_of_.push_back(layer);
    row.push_back(items_.size() - 1);
    return items_.size() - 1;
  }
  void join(size_t upper, size_t lower) {
    items_[upper].below.push_back(lower);
    items_[lower].above.push_back(upper);
  }

  std::vector<std::shared_ptr<Node>> nodes_;
  std::vector<Item> items_;
  std::vector<int> layer_of_;
  std::vector<std::vector<size_t>> layers_;  // the items from left to right
  std::vector<Path> paths_;
  std::map<std::pair<const Node*, int>, size_t> item_of_;  // of a node in a layer
  std::map<const Node*, int> depth_;                       // layers from the result upwards
  Layout layout_;
};

// A node is one deeper than its deepest user; a leaf is drawn one above each of its users.
void Drawing::make_boxes(const NodeNames& names) {
  std::map<const Node*, std::vector<int>> depths;  // of the boxes, the deepest first
  depths[nodes_.back().get()] = {0};
  int deepest = 0;
  for (auto node = nodes_.rbegin(); node != nodes_.rend(); ++node) {
    std::vector<int>& own = depths[node->get()];
    std::sort(own.rbegin(), own.rend());
    own.erase(std::unique(own.begin(), own.end()), own.end());
    if (!(*node)->is_leaf()) own.resize(1);
    depth_[node->get()] = own[0];
    deepest = std::max(deepest, own[0]);
    for (const auto& input : (*node)->inputs) {
      if (input) depths[input.get()].push_back(own[0] + 1);
    }
  }
  layers_.resize(static_cast<size_t>(deepest) + 1);
  for (const auto& node : nodes_) {
    bool again = false;
    for (const int depth : depths[node.get()]) {
      item_of_[{node.get(), depth}] = add_box(*node, deepest - depth, again, names);
      again = true;
    }
  }
}

void Drawing::make_paths() {
  for (const auto& node : nodes_) {
    const size_t target = item_of_.at({node.get(), depth_.at(node.get())});
    const size_t count = node->inputs.size();
    const double room = items_[target].width - 2 * kPadding;
    const double step = std::min(kPort, room / static_cast<double>(std::max<size_t>(count, 1)));
    for (size_t i = 0; i < count; ++i) {
      const Node* const input = node->inputs[i].get();
      if (input == nullptr) continue;
      const int depth = input->is_leaf() ? depth_.at(node.get()) + 1 : depth_.at(input);
      const size_t source = item_of_.at({input, depth});
      Path path{.items = {source}};
      path.port = (static_cast<double>(i) - static_cast<double>(count - 1) / 2) * step;
      if (layer_of_[target] - layer_of_[source] <= kLongestBentWire) {
        for (int layer = layer_of_[source] + 1; layer < layer_of_[target]; ++layer) {
          path.items.push_back(add_item(layer, {.is_bend = true}));
          join(path.items[path.items.size() - 2], path.items.back());
        }
        join(path.items.back(), target);
      }
      path.items.push_back(target);
      paths_.push_back(std::move(path));
    }
  }
}

// Each item moves to the average place of its neighbours in the layer before: crossings go.
void Drawing::sort_layer(std::vector<size_t>& layer, std::vector<size_t> Item::*side) {
  std::vector<std::pair<double, size_t>> wishes;
  for (const size_t i : layer) {
    wishes.emplace_back(mean(items_, items_[i].*side, &Item::rank, items_[i].rank), i);
  }
  std::stable_sort(wishes.begin(), wishes.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  for (size_t place = 0; place < wishes.size(); ++place) {
    layer[place] = wishes[place].second;
    items_[layer[place]].rank = static_cast<double>(place);
  }
}

void Drawing::order() {
  for (int round = 0; round < kRounds; ++round) {
    for (size_t l = layers_.size() - 1; l-- > 0;) sort_layer(layers_[l], &Item::below);
    for (size_t l = 1; l < layers_.size(); ++l) sort_layer(layers_[l], &Item::above);
  }
}

// Every item wants to be in the middle of its neighbours; in a layer the order must hold, and the
// boxes must not touch. The nearest places that do (least squares): with the widths subtracted,
// numbers that must not fall, so whatever would fall is averaged (pool adjacent violators).
void Drawing::place_layer(const std::vector<size_t>& layer, std::vector<size_t> Item::*side) {
  struct Pool {
    double total;
    size_t count;
    [[nodiscard]] double average() const { return total / static_cast<double>(count); }
  };
  std::vector<Pool> pools;
  std::vector<double> offsets;
  for (size_t place = 0; place < layer.size(); ++place) {
    const Item& item = items_[layer[place]];
    double offset = 0;
    if (place > 0) {
      offset = offsets.back() + (items_[layer[place - 1]].width + item.width) / 2 + kGap;
    }
    offsets.push_back(offset);
    pools.push_back({mean(items_, item.*side, &Item::x, item.x) - offset, 1});
    while (pools.size() > 1 && pools[pools.size() - 2].average() >= pools.back().average()) {
      const Pool last = pools.back();
      pools.pop_back();
      pools.back().total += last.total;
      pools.back().count += last.count;
    }
  }
  size_t place = 0;
  for (const Pool& pool : pools) {
    for (size_t k = 0; k < pool.count; ++k, ++place) {
      items_[layer[place]].x = pool.average() + offsets[place];
    }
  }
}

void Drawing::place() {
  for (int round = 0; round < kRounds; ++round) {
    for (size_t l = 0; l < layers_.size(); ++l) place_layer(layers_[l], &Item::above);
    for (size_t l = layers_.size(); l-- > 0;) place_layer(layers_[l], &Item::below);
  }
}

std::vector<double> Drawing::row_tops() {
  std::vector<double> tops = {kMargin};
  for (const std::vector<size_t>& layer : layers_) {
    double height = 0;
    for (const size_t i : layer) {
      if (!items_[i].is_bend) height = std::max(height, layout_.boxes[items_[i].box].height);
    }
    tops.push_back(tops.back() + height + kRowGap);
  }
  return tops;
}

Layout Drawing::finish() {
  double left = std::numeric_limits<double>::infinity(), right = -left;
  for (const Item& item : items_) {
    left = std::min(left, item.x - item.width / 2);
    right = std::max(right, item.x + item.width / 2);
  }
  for (Item& item : items_) item.x = std::round(item.x - left + kMargin);
  const std::vector<double> tops = row_tops();
  const auto top = [&](size_t i) { return tops[static_cast<size_t>(layer_of_[i])]; };
  const auto bottom = [&](size_t i) {
    return tops[static_cast<size_t>(layer_of_[i]) + 1] - kRowGap;
  };
  for (size_t i = 0; i < items_.size(); ++i) {
    if (items_[i].is_bend) continue;
    Box& box = layout_.boxes[items_[i].box];
    box.height = bottom(i) - top(i);
    box.centre = {items_[i].x, (top(i) + bottom(i)) / 2};
  }
  for (const Path& path : paths_) {
    Wire wire = {{items_[path.items[0]].x, bottom(path.items[0])}};
    for (size_t k = 1; k + 1 < path.items.size(); ++k) {
      wire.push_back({items_[path.items[k]].x, top(path.items[k])});
      wire.push_back({items_[path.items[k]].x, bottom(path.items[k])});
    }
    wire.push_back({items_[path.items.back()].x + path.port, top(path.items.back())});
    layout_.wires.push_back(std::move(wire));
  }
  layout_.width = std::ceil(right - left + 2 * kMargin) + 1;
  layout_.height = tops.back() - kRowGap + kMargin;
  return std::move(layout_);
}

}  // namespace

Layout lay_out(const Variable& result, const NodeNames& names) {
  return Drawing(result, names).finish();
}

}  // namespace qkv::autograd
