// Recording: from an operation's inputs, value and backward function to a node of the graph.
#include "autograd/node.h"

#include <algorithm>
#include <atomic>
#include <utility>

#include "autograd/engine.h"
#include "lib/check.h"
#include "lib/memory.h"

namespace qkv::autograd {
namespace {

std::atomic<uint64_t> births = 0, deaths = 0;
thread_local bool recording_on = true;
thread_local bool definitions_on = false;

}  // namespace

int64_t live_nodes() { return static_cast<int64_t>(births.load() - deaths.load()); }

std::shared_ptr<Node> make_node(const char* op, const Tensor& result) {
  auto node = std::allocate_shared<Node>(lib::CachingAllocator<Node>());
  node->op = op;
  node->born = births.fetch_add(1, std::memory_order_relaxed);
  node->shape = result.shape();
  node->dtype = result.dtype();
  return node;
}

std::shared_ptr<Node> make_node(const char* op, Operands inputs, const Tensor& result,
                                bool keep_result) {
  std::shared_ptr<Node> node = make_node(op, result);
  for (const Variable& input : inputs) node->inputs.push_back(input.node());
  if (keep_result) {
    node->result = result;
    node->result_version = result.version();
  }
  return node;
}

// Destroying a node drops its inputs, whose destruction drops theirs: as calls, a long chain would
// exhaust the stack. So inputs that nobody else holds are put on a list, and the first node to do
// so empties it; what becomes free meanwhile only joins the list.
Node::~Node() {
  using List = std::vector<std::shared_ptr<Node>>;
  thread_local List* list = nullptr;
  deaths.fetch_add(1, std::memory_order_relaxed);
  backward.clear();  // what it has saved is an input, too, or a constant
  List own;
  List& orphans = list != nullptr ? *list : own;
  for (std::shared_ptr<Node>& input : inputs) {
    if (input.use_count() == 1) orphans.push_back(std::move(input));
    input.reset();
  }
  if (list != nullptr || own.empty()) return;
  list = &own;
  while (!own.empty()) {
    const std::shared_ptr<Node> next = std::move(own.back());
    own.pop_back();
  }
  list = nullptr;
}

bool records(Operands inputs) {
  const auto needs = [](const Variable& v) { return v.requires_grad(); };
  return recording_on && std::any_of(inputs.begin(), inputs.end(), needs);
}

void refuse_without_backward(const char* op) {
  lib::fail("record: the operation '", op, "' has no backward");
}

Variable::Variable(Tensor value, std::shared_ptr<Node> node)
    : value_(std::move(value)), node_(std::move(node)) {}

Variable parameter(Tensor value) {
  if (!value.defined()) lib::fail("parameter: the tensor is undefined");
  if (!tensor::is_floating(value.dtype())) {
    lib::fail("parameter: needs float32 or float64, got ", value.dtype());
  }
  std::shared_ptr<Node> leaf = make_node("leaf", value);
  return {std::move(value), std::move(leaf)};
}

bool Variable::has_grad() const { return node_ != nullptr && node_->grad.defined(); }

const Variable& Variable::grad() const {
  if (node_ == nullptr)
    lib::fail("grad: this Variable requires no gradient; make it with parameter()");
  if (!node_->is_leaf()) {
    lib::fail("grad: the result of '", node_->op,
              "' keeps no gradient, only leaves do; use grad(...)");
  }
  if (!node_->grad.defined()) lib::fail("grad: no gradient yet; call backward() on a result first");
  return node_->grad;
}

void Variable::zero_grad() {
  if (node_ != nullptr) node_->grad = Variable();
}

void Variable::set_grad(Variable gradient) {
  if (node_ == nullptr || !node_->is_leaf()) {
    lib::fail("set_grad: only a leaf keeps a gradient; make one with parameter()");
  }
  if (gradient.shape() != shape() || gradient.dtype() != dtype()) {
    lib::fail("set_grad: the gradient is ", gradient.shape(), " ", gradient.dtype(), ", the leaf ",
              shape(), " ", dtype());
  }
  node_->grad = std::move(gradient);
}

SetRecording::SetRecording(bool on) : before_(std::exchange(recording_on, on)) {}
SetRecording::~SetRecording() { recording_on = before_; }
bool recording() { return recording_on; }

UseDefinitions::UseDefinitions() : before_(std::exchange(definitions_on, true)) {}
UseDefinitions::~UseDefinitions() { definitions_on = before_; }
bool using_definitions() { return definitions_on; }

void require_version(const Tensor& saved, uint64_t version) {
  if (saved.version() != version) {
    throw StaleSaved(lib::str("a tensor of shape ", saved.shape(),
                              " that was saved for backward has been overwritten in place since"));
  }
}

}  // namespace qkv::autograd
