// Node: one recorded operation, and record(), with which every operation makes its own.
//
// Adding an operation: 1. a block in a file of ops: caption, forward, backward beneath it;
// 2. its declaration in ops.h; 3. rows in op_rows_*.cpp, which check its gradients: several shapes,
// one element, none; 4. its rule in rules.cpp; 5. for a fused one, which does the work of several
// operations at once, its definition by simple ones (record_fused).
#pragma once

#include <functional>
#include <initializer_list>
#include <span>
#include <stdexcept>
#include <string>

#include "autograd/backward_function.h"

namespace qkv::autograd {

struct Node {
  Node() = default;
  ~Node();  // iterative, however long the chain of inputs behind it
  Node(const Node&) = delete;
  Node& operator=(const Node&) = delete;

  const char* op = "";
  uint64_t born = 0;  // a count of all nodes: inputs are always older than results
  Shape shape;        // of the result
  Dtype dtype = Dtype::float32;
  lib::ShortList<std::shared_ptr<Node>, 3> inputs;  // null for one that requires no gradient
  BackwardFunction backward;    // from dy and y to the gradients of the inputs; a leaf has none
  Tensor result;                // y, kept only if backward asks for it
  uint64_t result_version = 0;  // what version() of it was then
  Variable grad;                // at a leaf, what backward() has left
  bool freed = false;           // an earlier pass has dropped what the operation saved

  // During a pass, one walk back through the graph (passes take turns): what users of the result
  // have sent so far, and whether anybody asked for this node's gradient or for one that it leads
  // to.
  Variable pending;
  bool wanted = true;
  uint64_t pass = 0;     // the number of the pass that `pending` belongs to
  uint64_t visited = 0;  // the number of the last pass that has looked here for what is wanted

  [[nodiscard]] bool is_leaf() const { return inputs.empty(); }
};

// Inside a backward: is the gradient of this input asked for? If not, an undefined one may be
// returned instead. False for a constant, and for an input that grad() does not need.
[[nodiscard]] bool wanted(size_t input);

// Inside a backward: the shape of an input whose gradient is wanted.
[[nodiscard]] const Shape& input_shape(size_t input);

// Is a backward running on this thread?
[[nodiscard]] bool inside_backward();

// How many nodes are alive, in the whole process. A leak shows here.
[[nodiscard]] int64_t live_nodes();

// A node with the next birth number.
[[nodiscard]] std::shared_ptr<Node> make_node(const char* op, const Tensor& result);

// The operands of an operation, written {a, b} or given as a list of any length.
using Operand = std::reference_wrapper<const Variable>;
using Operands = std::span<const Operand>;

// Would an operation on these be recorded now?
[[nodiscard]] bool records(Operands inputs);

// The node of an operation, whose backward is to be set.
[[nodiscard]] std::shared_ptr<Node> make_node(const char* op, Operands inputs, const Tensor& result,
                                              bool keep_result);

[[noreturn]] void refuse_without_backward(const char* op);

// Somebody on this thread wants results to be looked at (anomaly.h), by check_result.
extern constinit thread_local bool watching;
void check_result(const char* op, Operands inputs, const Tensor& result);

// The result of an operation: `value` with a node behind it if an input requires a gradient and
// recording() is on, else a constant. `backward` is called as backward(dy), or as
// backward(dy, y) if it takes two arguments: it must never capture its own result (a cycle
// would never be freed); the engine hands it over instead. Of other Variables with a graph it
// should capture inputs only: a chain of others would be destroyed by nested calls. Throws
// std::invalid_argument, naming the operation, if `backward` is an empty std::function.
template <class F>
[[nodiscard]] Variable record(const char* op, Operands inputs, Tensor value, F&& backward) {
  if (watching) check_result(op, inputs, value);
  if (!records(inputs)) return value;
  if constexpr (requires { backward == nullptr; }) {
    if (backward == nullptr) refuse_without_backward(op);
  }
  std::shared_ptr<Node> node = make_node(op, inputs, value, kTakesResult<F>);
  node->backward.set(std::forward<F>(backward));
  return {std::move(value), std::move(node)};
}
template <class F>
[[nodiscard]] Variable record(const char* op, std::initializer_list<Operand> inputs, Tensor value,
                              F&& backward) {
  return record(op, Operands(inputs.begin(), inputs.size()), std::move(value),
                std::forward<F>(backward));
}
template <class F>
[[nodiscard]] Variable record(const char* op, const std::vector<Variable>& inputs, Tensor value,
                              F&& backward) {
  const std::vector<Operand> operands(inputs.begin(), inputs.end());
  return record(op, Operands(operands), std::move(value), std::forward<F>(backward));
}

// While one of these lives, fused operations on its thread run their definitions: for tests.
class UseDefinitions {
 public:
  UseDefinitions();
  ~UseDefinitions();
  UseDefinitions(const UseDefinitions&) = delete;
  UseDefinitions& operator=(const UseDefinitions&) = delete;

 private:
  bool before_;
};
[[nodiscard]] bool using_definitions();

// Thrown, and completed with the operation's name by the engine, when a tensor kept for the
// backward pass was overwritten in the meantime.
struct StaleSaved : std::logic_error {
  using std::logic_error::logic_error;
};

// Throws StaleSaved unless nothing was written to the tensor since its storage had this version.
void require_version(const Tensor& saved, uint64_t version);

// A Variable kept for the backward pass, with the version its storage had. Reading it after an
// in-place write throws: the numbers that the gradient needs are gone. Every tensor that a closure
// (a backward, with what it has captured) keeps is one, masks and indices too: that is how tape.h
// knows what an operation has saved.
class Saved {
 public:
  Saved() = default;
  Saved(const Variable& v) : variable_(v), version_(v.value().version()) {}
  Saved(Tensor t) : variable_(std::move(t)), version_(variable_.value().version()) {}
  Saved(const Saved& from);  // notes what it copies if saved_by() listens (tape.h)
  Saved(Saved&& from) noexcept = default;
  Saved& operator=(const Saved&) = default;
  Saved& operator=(Saved&&) noexcept = default;
  ~Saved() = default;
  void require_unchanged() const { require_version(variable_.value(), version_); }
  [[nodiscard]] const Variable& get() const {
    require_unchanged();
    return variable_;
  }
  operator const Variable&() const { return get(); }
  [[nodiscard]] const Tensor& value() const { return get().value(); }
  [[nodiscard]] const Shape& shape() const { return variable_.shape(); }

 private:
  Variable variable_;
  uint64_t version_ = 0;
};

// Kept if backward is going to read it, else nothing.
[[nodiscard]] inline Saved save_if(bool needed, const Variable& v) {
  return needed ? Saved(v) : Saved();
}

// A fused operation: `backward` works on plain tensors, and `definition` is the same function as a
// composition of simple operations: the text for readers, the oracle for tests (the answer to be
// met), and what is differentiated when gradients of gradients are asked for (create_graph).
//
//   backward     dy -> the gradients of the inputs: std::vector<Tensor>(const Tensor& dy)
//   definition   the inputs -> the result: Variable(const std::vector<Variable>& inputs)
using Definition = std::function<Variable(const std::vector<Variable>& inputs)>;

// The gradients of definition(inputs) at dy, recorded. One of an input that requires none is
// undefined.
[[nodiscard]] Grads differentiate(const Definition& definition, const std::vector<Variable>& inputs,
                                  const Variable& dy);

// Recording is on inside a backward only if create_graph was asked for. Then the definition is run
// on the same inputs, and its gradient taken instead: it consists of operations that were recorded.
template <class Backward, class Define>
[[nodiscard]] Variable record_fused(const char* op, Operands inputs, Tensor value,
                                    Backward backward, Define definition) {
  if (!records(inputs)) {
    if (watching) check_result(op, inputs, value);
    return value;
  }
  return record(op, inputs, std::move(value),
                [saved = lib::ShortList<Saved, 3>(inputs.begin(), inputs.end()),
                 backward = std::move(backward),
                 definition = std::move(definition)](const Variable& dy) -> Grads {
                  for (const Saved& input : saved) input.require_unchanged();
                  if (!recording()) {
                    const std::vector<Tensor> grads = backward(dy.value());
                    return {grads.begin(), grads.end()};
                  }
                  return differentiate(definition,
                                       std::vector<Variable>(saved.begin(), saved.end()), dy);
                });
}
template <class Backward, class Define>
[[nodiscard]] Variable record_fused(const char* op, std::initializer_list<Operand> inputs,
                                    Tensor value, Backward backward, Define definition) {
  return record_fused(op, Operands(inputs.begin(), inputs.size()), std::move(value),
                      std::move(backward), std::move(definition));
}
template <class Backward, class Define>
[[nodiscard]] Variable record_fused(const char* op, const std::vector<Variable>& inputs,
                                    Tensor value, Backward backward, Define definition) {
  const std::vector<Operand> operands(inputs.begin(), inputs.end());
  return record_fused(op, Operands(operands), std::move(value), std::move(backward),
                      std::move(definition));
}

}  // namespace qkv::autograd
