// The engine. Nodes are visited from the youngest to the oldest: an operation is younger than all
// of its inputs, so when a node's turn comes, everyone who used its result has already sent their
// part. The parts are added up in one place, accumulate().
//
//   y = x * x      x has two arrows into mul:  dx = x dy  +  x dy     both parts, then on
#include "autograd/engine.h"

#include <algorithm>
#include <optional>
#include <unordered_map>
#include <unordered_set>

#include "autograd/ops.h"
#include "lib/check.h"

namespace qkv::autograd {
namespace {

using lib::fail;
using NodePtr = std::shared_ptr<Node>;
using Gradients = std::unordered_map<const Node*, Variable>;

// The one addition: a node's gradient is the sum of what its users send. Only here are shapes
// judged.
void accumulate(Variable& sum, const Variable& part, const Node& node, const char* sender) {
  if (part.shape() != node.shape || part.dtype() != node.dtype) {
    throw lib::CheckError(lib::str(sender, ": its backward gives a gradient ", part.shape(), " ",
                                   part.dtype(), " for an input ", node.shape, " ", node.dtype));
  }
  sum = sum.defined() ? sum + part : part;
}

// All nodes that the outputs were made of and that are not older than `oldest`, youngest first.
std::vector<NodePtr> youngest_first(const std::vector<Variable>& outputs, uint64_t oldest) {
  std::vector<NodePtr> found;
  std::unordered_set<const Node*> seen;
  const auto visit = [&](const NodePtr& node) {
    if (node && node->born >= oldest && seen.insert(node.get()).second) found.push_back(node);
  };
  for (const Variable& output : outputs) visit(output.node());
  for (size_t next = 0; next < found.size(); ++next) {
    const NodePtr node = found[next];  // a copy: visit() may move the list
    for (const NodePtr& input : node->inputs) visit(input);
  }
  std::sort(found.begin(), found.end(),
            [](const NodePtr& a, const NodePtr& b) { return a->born > b->born; });
  return found;
}

Grads call_backward(const NodePtr& node, const Variable& dy, bool keep_graph) {
  if (node->freed) {
    fail("backward: the graph behind '", node->op, "' was freed by an earlier backward; ",
         "pass retain_graph there to go through it twice");
  }
  if (!node->backward) fail("backward: the operation '", node->op, "' has no backward");
  const Variable y = node->result.defined() ? Variable(node->result, node) : Variable();
  Grads grads;
  try {
    if (y.defined()) require_version(node->result, node->result_version);
    grads = node->backward(dy, y);
  } catch (const StaleSaved& error) {
    fail(node->op, ": ", error.what());
  }
  CHECK(grads.size() == node->inputs.size());
  if (!keep_graph) {
    node->backward = nullptr;
    node->result = Tensor();
    node->freed = true;
  }
  return grads;
}

// Walks the nodes with the gradients in `sums` to begin with, and hands each leaf or wanted node
// whose gradient is complete to `arrived`. A wanted node passes its gradient on as well.
template <class Arrived>
void walk(const std::vector<NodePtr>& nodes, Gradients sums, BackwardOptions options,
          const Arrived& arrived) {
  std::optional<NoGrad> quiet;
  if (!options.create_graph) quiet.emplace();
  for (const NodePtr& node : nodes) {
    const auto found = sums.find(node.get());
    if (found == sums.end()) continue;  // no gradient comes this way
    const Variable dy = std::move(found->second);
    sums.erase(found);
    if (arrived(node, dy) || node->is_leaf()) continue;
    const Grads grads = call_backward(node, dy, options.retain_graph || options.create_graph);
    for (size_t i = 0; i < grads.size(); ++i) {
      const NodePtr& input = node->inputs[i];
      if (input && grads[i].defined()) accumulate(sums[input.get()], grads[i], *input, node->op);
    }
  }
}

// The gradients to begin with: the cotangents, or 1 for an output that is a single number.
Gradients seed(const char* function, const std::vector<Variable>& outputs,
               const std::vector<Variable>& cotangents) {
  if (!cotangents.empty() && cotangents.size() != outputs.size()) {
    fail(function, ": ", outputs.size(), " outputs but ", cotangents.size(), " cotangents");
  }
  Gradients sums;
  for (size_t i = 0; i < outputs.size(); ++i) {
    const Variable& output = outputs[i];
    if (!output.defined() || !output.requires_grad()) {
      fail(function, ": the output requires no gradient: nothing it was made of is a parameter()");
    }
    Variable cotangent = cotangents.empty() ? Variable() : cotangents[i];
    if (!cotangent.defined()) {
      if (output.numel() != 1) {
        fail(function, ": the output has shape ", output.shape(),
             "; more than one element needs a cotangent of that shape");
      }
      cotangent = tensor::ones(output.shape(), output.dtype());
    }
    if (cotangent.shape() != output.shape() || cotangent.dtype() != output.dtype()) {
      fail(function, ": the cotangent is ", cotangent.shape(), " ", cotangent.dtype(),
           ", the output ", output.shape(), " ", output.dtype());
    }
    accumulate(sums[output.node().get()], cotangent, *output.node(), function);
  }
  return sums;
}

}  // namespace

void backward(const Variable& output, const Variable& cotangent, BackwardOptions options) {
  const Gradients sums = seed("backward", {output}, {cotangent});
  walk(youngest_first({output}, 0), sums, options, [](const NodePtr& node, const Variable& dy) {
    if (node->is_leaf()) accumulate(node->grad, dy, *node, "backward");
    return false;
  });
}

// Nodes older than every input cannot lie between an input and an output, so they are not visited.
std::vector<Variable> grad(const std::vector<Variable>& outputs,
                           const std::vector<Variable>& inputs,
                           const std::vector<Variable>& cotangents, BackwardOptions options) {
  uint64_t oldest = ~uint64_t{0};
  for (const Variable& input : inputs) {
    if (!input.requires_grad())
      fail("grad: an input of shape ", input.shape(), " requires no gradient");
    oldest = std::min(oldest, input.node()->born);
  }
  Gradients complete;
  walk(youngest_first(outputs, oldest), seed("grad", outputs, cotangents), options,
       [&](const NodePtr& node, const Variable& dy) {
         const bool asked = std::any_of(inputs.begin(), inputs.end(),
                                        [&](const Variable& v) { return v.node() == node; });
         if (asked) complete[node.get()] = dy;
         return asked && node->born == oldest;  // nothing older is wanted
       });
  std::vector<Variable> result;
  for (const Variable& input : inputs) {
    const auto found = complete.find(input.node().get());
    result.push_back(found != complete.end()
                         ? found->second
                         : Variable(tensor::zeros(input.shape(), input.dtype())));
  }
  return result;
}

// The definition is run on aliases, a fresh one per operand: if one Variable is two of the
// operands, the gradients of its two roles stay apart, as the operation's backward keeps them.
Grads differentiate(const Definition& definition, const std::vector<Variable>& inputs,
                    const Variable& dy) {
  std::vector<Variable> aliases, wanted;
  for (const Variable& input : inputs) {
    aliases.push_back(
        record("alias", {input}, input.value(), [](const Variable& d) -> Grads { return {d}; }));
    if (input.requires_grad()) wanted.push_back(aliases.back());
  }
  const std::vector<Variable> found =
      grad({definition(aliases)}, wanted, {dy}, {.retain_graph = true, .create_graph = true});
  Grads grads;
  size_t next = 0;
  for (const Variable& input : inputs) {
    grads.push_back(input.requires_grad() ? found[next++] : Variable());
  }
  return grads;
}

}  // namespace qkv::autograd
