// The gradient of each user comes from grad(); what the user makes of it, from its own backward
// alone: the engine would go on to the inputs of its inputs.
#include "autograd/explain.h"

#include <algorithm>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/rules.h"
#include "autograd/tape.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

using NodePtr = std::shared_ptr<Node>;

// A Variable that stands for a node: engine functions ask it for its shape and node only.
Variable handle(const NodePtr& node) { return {tensor::zeros(node->shape, node->dtype), node}; }

bool uses(const Node& user, const NodePtr& node) {
  return std::any_of(user.inputs.begin(), user.inputs.end(),
                     [&](const NodePtr& input) { return input == node; });
}

std::string name_of(const NodePtr& node) {
  if (node == nullptr) return "a constant";
  return lib::str(node->is_leaf() ? "leaf" : "'" + lib::escaped(node->op) + "'", " ", node->shape);
}

// A gradient in one line if it has one row, else in lines of their own, indented.
std::string written(const Variable& gradient, const std::string& indent) {
  if (!gradient.defined()) return "nothing";
  const std::string text = tensor::to_string(gradient.value());
  std::string lines;
  for (const char character : text) {
    lines += character;
    if (character == '\n') lines += indent;
  }
  return lines;
}

}  // namespace

Explanation explain(const Variable& output, const Variable& at, const Variable& cotangent) {
  if (!at.requires_grad()) {
    lib::fail("explain: a Variable of shape ", at.shape(), " requires no gradient");
  }
  const NoGrad quiet;
  const NodePtr& node = at.node();
  Explanation e{.op = node->op, .shape = node->shape, .dtype = node->dtype};
  const Variable start =
      cotangent.defined() ? cotangent : Variable(tensor::ones(output.shape(), output.dtype()));
  e.dy = grad({output}, {at}, {start}, {.retain_graph = true})[0];
  if (output.node() == node)
    e.arrives.push_back({.op = "cotangent", .input = 0, .gradient = start});
  for (const NodePtr& user : nodes_behind(output)) {
    if (!uses(*user, node)) continue;
    const Variable dy = grad({output}, {handle(user)}, {start}, {.retain_graph = true})[0];
    const Grads parts = call_backward(user, dy);
    for (size_t i = 0; i < parts.size(); ++i) {
      if (user->inputs[i] == node) {
        e.arrives.push_back({.op = user->op, .input = i, .gradient = parts[i]});
      }
    }
  }
  if (node->is_leaf()) return e;
  e.sends = call_backward(node, e.dy);
  for (size_t i = 0; i < node->inputs.size(); ++i) {
    e.inputs.push_back(name_of(node->inputs[i]));
    if (node->inputs[i] == nullptr) e.sends[i] = Variable();  // some give a constant one, too
  }
  e.saved_tensors = saved_by(*node).size();
  e.saved_bytes = saved_bytes(*node);
  return e;
}

std::string Explanation::str() const {
  std::string text = lib::str(lib::escaped(op), "   ", shape, " ", dtype, "\n");
  const Rule* const rule = rule_of(op);
  if (rule != nullptr) {
    text += "  forward    " + rule->forward + "\n";
    for (const std::string& line : rule->backward) {
      text += (&line == &rule->backward[0] ? "  backward   " : "             ") + line + "\n";
    }
  }
  if (!inputs.empty()) {
    text +=
        lib::str("  saved      ", saved_tensors, saved_tensors == 1 ? " tensor, " : " tensors, ",
                 bytes_text(saved_bytes), "\n");
  }
  text += "  dy         " + written(dy, std::string(13, ' ')) +
          (arrives.empty() ? ", no user is on the way to the output\n" : ", the sum of\n");
  const std::string deeper(4, ' ');
  for (const Part& part : arrives) {
    text += deeper + written(part.gradient, deeper) + " from " +
            (part.op == "cotangent"
                 ? "the cotangent\n"
                 : lib::str("operand ", part.input, " of '", lib::escaped(part.op), "'\n"));
  }
  if (inputs.empty()) return text;
  text += "  sends\n";
  for (size_t i = 0; i < inputs.size(); ++i) {
    text += deeper + written(sends[i], deeper) + " to " + inputs[i] + "\n";
  }
  return text;
}

}  // namespace qkv::autograd
