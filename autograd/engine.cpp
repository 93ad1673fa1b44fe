// The engine. A node that has been sent a gradient waits until it is the youngest of those waiting:
// an operation is younger than all of its inputs, so by then everyone who used its result has sent
// their part. The parts are added up in one place, accumulate().
//
//   y = x * x      x has two arrows into mul:  dx = x dy  +  x dy     both parts, then on
#include "autograd/engine.h"

#include <algorithm>
#include <mutex>
#include <optional>
#include <utility>

#include "autograd/anomaly.h"
#include "autograd/narrowed.h"
#include "autograd/ops.h"
#include "lib/check.h"
#include "tensor/elementwise.h"

namespace qkv::autograd {
namespace {

using lib::fail;
using NodePtr = std::shared_ptr<Node>;

// The one addition: a node's gradient is the sum of what its users send. Only here are shapes
// judged. A sum that nobody else can see, and that no graph records, grows in place.
void accumulate(Variable& sum, Variable&& part, const Node& node, const char* sender) {
  if (part.shape() != node.shape || part.dtype() != node.dtype) {
    throw lib::CheckError(lib::str(sender, ": its backward gives a gradient ", part.shape(), " ",
                                   part.dtype(), " for an input ", node.shape, " ", node.dtype));
  }
  if (!sum.defined()) {
    sum = std::move(part);
  } else if (!recording() && !sum.requires_grad() && sum.value().is_sole_owner()) {
    tensor::add_(sum.mutable_value(), part.value());
  } else {
    sum = sum + part;
  }
}

// The operation whose backward is running on this thread: what wanted() answers for.
thread_local const Node* running = nullptr;

struct SetRunning {
  explicit SetRunning(const Node* node) : before(std::exchange(running, node)) {}
  ~SetRunning() { running = before; }
  const Node* before;
};

// What the operation has saved goes before the next one needs memory.
void free_saved(Node& node) {
  node.backward.clear();
  node.result = Tensor();
  node.freed = true;
}

// Passes take turns: a pass leaves marks in nodes and gradients at leaves, and threads may share
// both. A pass inside a backward belongs to the one around it.
class Turn {
 public:
  Turn() {
    if (depth++ == 0) one_pass.lock();
  }
  ~Turn() {
    if (--depth == 0) one_pass.unlock();
  }
  Turn(const Turn&) = delete;
  Turn& operator=(const Turn&) = delete;

 private:
  static inline std::mutex one_pass;
  static inline thread_local int depth = 0;
};

thread_local uint64_t running_pass = 0;

// While one of these lives, current_pass() is its number.
class Numbered {
 public:
  explicit Numbered(uint64_t number) : before_(std::exchange(running_pass, number)) {}
  ~Numbered() { running_pass = before_; }
  Numbered(const Numbered&) = delete;
  Numbered& operator=(const Numbered&) = delete;

 private:
  uint64_t before_;
};

bool older(const NodePtr& a, const NodePtr& b) { return a->born < b->born; }

// One walk through a graph. It holds the outputs, these hold their nodes, and a node those of its
// inputs, so for each node that waits it only points at such a holder: counting another one up and
// down would take as long as many an operation.
class Pass {
 public:
  Pass(std::vector<Variable> outputs, BackwardOptions options)
      : outputs_(std::move(outputs)), options_(options) {}
  ~Pass() {  // an error may have left some waiting
    for (const NodePtr* node : waiting_) (*node)->pending = Variable();
  }
  Pass(const Pass&) = delete;
  Pass& operator=(const Pass&) = delete;

  [[nodiscard]] const std::vector<Variable>& outputs() const { return outputs_; }

  [[nodiscard]] uint64_t number() const { return number_; }

  // REQUIRES: `node` lies in an output of this pass or among the inputs of a node behind one.
  void send(const NodePtr& node, Variable&& part, const char* sender) {
    const bool first = !node->pending.defined();
    if (!first && node->pass != number_) {
      fail("backward: a pass inside a backward has come to '", node->op,
           "', where the pass around it is waiting; detach() what the inner one is made of");
    }
    node->pass = number_;
    accumulate(node->pending, std::move(part), *node, sender);
    if (!first) return;
    waiting_.push_back(&node);
    std::push_heap(waiting_.begin(), waiting_.end(), older_holder);
  }

  // Hands each node whose gradient is complete to `arrived`, and sends its inputs their parts,
  // unless that says true: nothing behind this node is wanted.
  template <class Arrived>
  void run(const Arrived& arrived) {
    const Numbered this_one(number_);
    std::optional<NoGrad> quiet;
    if (!options_.create_graph) quiet.emplace();
    while (!waiting_.empty()) {
      std::pop_heap(waiting_.begin(), waiting_.end(), older_holder);
      const NodePtr& node = *waiting_.back();
      waiting_.pop_back();
      const Variable dy = std::exchange(node->pending, Variable());
      if (watching) check_sum(*node, dy);
      if (arrived(node, dy) || node->is_leaf()) continue;
      Grads grads = call_backward(node, dy);
      if (!options_.retain_graph && !options_.create_graph) free_saved(*node);
      for (size_t i = 0; i < grads.size(); ++i) {
        const NodePtr& input = node->inputs[i];
        if (input && input->wanted && grads[i].defined()) {
          send(input, std::move(grads[i]), node->op);
        }
      }
    }
  }

 private:
  const Turn turn_;  // the first to come and the last to go
  static inline uint64_t passes = 0;
  const uint64_t number_ = ++passes;

  static bool older_holder(const NodePtr* a, const NodePtr* b) { return older(*a, *b); }

  const std::vector<Variable> outputs_;
  BackwardOptions options_;
  std::vector<const NodePtr*> waiting_;  // a heap, the youngest on top
};

// The gradients to begin with: the cotangents, or 1 for an output that is a single number.
void seed(const char* function, Pass& pass, const std::vector<Variable>& cotangents) {
  const std::vector<Variable>& outputs = pass.outputs();
  if (!cotangents.empty() && cotangents.size() != outputs.size()) {
    fail(function, ": ", outputs.size(), " outputs but ", cotangents.size(), " cotangents");
  }
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
    if (watching) check_cotangent(function, cotangent);
    pass.send(output.node(), std::move(cotangent), function);
  }
}

}  // namespace

uint64_t current_pass() { return running_pass; }

Grads call_backward(const std::shared_ptr<Node>& node, const Variable& dy) {
  if (node->freed) {
    fail("backward: the graph behind '", node->op, "' was freed by an earlier backward; ",
         "pass retain_graph there to go through it twice");
  }
  if (!node->backward) fail("backward: the operation '", node->op, "' has no backward");
  // y has a place in the graph only where the pass is recorded.
  const Variable y =
      recording() && node->result.defined() ? Variable(node->result, node) : Variable(node->result);
  Grads grads;
  try {
    if (y.defined()) require_version(node->result, node->result_version);
    const SetRunning scope(node.get());
    grads = node->backward(dy, y);
  } catch (const StaleSaved& error) {
    fail(node->op, ": ", error.what());
  }
  CHECK(grads.size() == node->inputs.size());
  if (watching) check_gradients(*node, grads);
  return grads;
}

bool inside_backward() { return running != nullptr; }

bool wanted(size_t input) {
  return running == nullptr || (running->inputs[input] && running->inputs[input]->wanted);
}

const Shape& input_shape(size_t input) {
  DCHECK(running != nullptr);
  return running->inputs[input]->shape;
}

void backward(const Variable& output, const Variable& cotangent, BackwardOptions options) {
  Pass pass({output}, options);
  seed("backward", pass, {cotangent});
  pass.run([](const NodePtr& node, const Variable& dy) {
    if (node->is_leaf()) accumulate(node->grad, Variable(dy), *node, "backward");
    return false;
  });
}

std::vector<Variable> grad(const std::vector<Variable>& outputs,
                           const std::vector<Variable>& inputs,
                           const std::vector<Variable>& cotangents, BackwardOptions options) {
  for (const Variable& input : inputs) {
    if (!input.requires_grad())
      fail("grad: an input of shape ", input.shape(), " requires no gradient");
  }
  std::vector<Variable> result(inputs.size());
  Pass pass(outputs, options);
  seed("grad", pass, cotangents);
  const Narrowed narrowed(pass.number(), pass.outputs(), inputs);
  pass.run([&](const NodePtr& node, const Variable& dy) {
    for (size_t i = 0; i < inputs.size(); ++i) {
      if (inputs[i].node() == node) result[i] = dy;
    }
    return std::none_of(node->inputs.begin(), node->inputs.end(),
                        [](const NodePtr& input) { return input && input->wanted; });
  });
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (!result[i].defined()) result[i] = tensor::zeros(inputs[i].shape(), inputs[i].dtype());
  }
  return result;
}

}  // namespace qkv::autograd
