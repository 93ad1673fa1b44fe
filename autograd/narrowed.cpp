// Two sweeps: outwards from the outputs to collect the nodes behind them, then from the oldest to
// the youngest, so that a node is asked after its inputs whether it leads anywhere.
#include "autograd/narrowed.h"

#include <algorithm>
#include <utility>

namespace qkv::autograd {

using NodePtr = std::shared_ptr<Node>;

Narrowed::Narrowed(uint64_t pass, const std::vector<Variable>& outputs,
                   const std::vector<Variable>& inputs)
    : pass_(pass) {
  uint64_t oldest = ~uint64_t{0};
  for (const Variable& input : inputs) oldest = std::min(oldest, input.node()->born);
  for (const Variable& output : outputs) visit(output.node());
  for (size_t next = 0; next < visited_.size(); ++next) {
    if (visited_[next].node->born < oldest) continue;
    for (const NodePtr& input : NodePtr(visited_[next].node)->inputs) visit(input);
  }
  std::sort(visited_.begin(), visited_.end(),
            [](const Visited& a, const Visited& b) { return a.node->born < b.node->born; });
  const auto leads = [](const NodePtr& node) { return node && node->wanted; };
  for (const Variable& input : inputs) input.node()->wanted = true;
  for (const auto& [node, before] : visited_) {
    node->wanted |=
        node->born >= oldest && std::any_of(node->inputs.begin(), node->inputs.end(), leads);
  }
}

Narrowed::~Narrowed() {
  for (const auto& [node, before] : visited_) node->wanted = before;
}

void Narrowed::visit(const NodePtr& node) {
  if (!node || node->visited == pass_) return;
  node->visited = pass_;
  visited_.push_back({node, std::exchange(node->wanted, false)});
}

}  // namespace qkv::autograd
