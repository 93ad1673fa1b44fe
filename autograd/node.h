// Node: one recorded operation, and record(), with which every operation makes its own.
//
// Adding an operation: 1. a block in a file of ops: caption, forward, backward beneath it;
// 2. its declaration in ops.h; 3. a row in op_table.cpp, which gradient-checks it; 4. for a fused
// one, its definition by simple operations (record_fused).
#pragma once

#include <concepts>
#include <functional>
#include <stdexcept>
#include <string>

#include "autograd/variable.h"

namespace qkv::autograd {

// From the gradient of the result (dy) and the result itself (y) to the gradients of the inputs.
using Backward = std::function<Grads(const Variable& dy, const Variable& y)>;

struct Node {
  const char* op = "";
  uint64_t born = 0;  // a count of all nodes: inputs are always older than results
  Shape shape;        // of the result
  Dtype dtype = Dtype::float32;
  std::vector<std::shared_ptr<Node>> inputs;  // null for an input that requires no gradient
  Backward backward;                          // empty for a leaf, and after the graph was freed
  Tensor result;                              // kept only if backward asks for y
  uint64_t result_version = 0;                // what version() of it was then
  Variable grad;                              // at a leaf, what backward() has left
  bool freed = false;

  // During a pass (one thread at a time may walk a graph): what users of the result have sent so
  // far, and whether anybody asked for this node's gradient or for one that it leads to.
  Variable pending;
  bool wanted = true;

  [[nodiscard]] bool is_leaf() const { return inputs.empty(); }
};

// Inside a backward: is the gradient of this input asked for? If not, an undefined one may be
// returned instead. False for a constant, and for an input that grad() does not need.
[[nodiscard]] bool wanted(size_t input);

// How many nodes are alive, in the whole process. A leak shows here.
[[nodiscard]] int64_t live_nodes();

// A node with the next birth number. Its deletion is iterative however long the chain behind it.
[[nodiscard]] std::shared_ptr<Node> make_node(const char* op, const Tensor& result);

[[nodiscard]] Variable record_node(const char* op, const std::vector<Variable>& inputs,
                                   Tensor value, Backward backward, bool keep_result);

// The result of an operation: `value` with a node behind it if an input requires a gradient and
// recording() is on, else a constant. `backward` is called as backward(dy), or as
// backward(dy, y) if it takes two arguments: it must never capture its own result (a cycle
// would never be freed); the engine hands it over instead.
template <class F>
[[nodiscard]] Variable record(const char* op, const std::vector<Variable>& inputs, Tensor value,
                              F backward) {
  if constexpr (std::invocable<F, const Variable&, const Variable&>) {
    return record_node(op, inputs, std::move(value), std::move(backward), true);
  } else {
    return record_node(
        op, inputs, std::move(value),
        [backward = std::move(backward)](const Variable& dy, const Variable&) {
          return backward(dy);
        },
        false);
  }
}

// A fused operation: `backward` works on plain tensors, and `definition` is the same function as a
// composition of simple operations: the text for readers, the oracle for tests, and what is
// differentiated when gradients of gradients are asked for (create_graph).
using Definition = std::function<Variable(const std::vector<Variable>& inputs)>;
using FusedBackward = std::function<std::vector<Tensor>(const Tensor& dy)>;
[[nodiscard]] Variable record_fused(const char* op, const std::vector<Variable>& inputs,
                                    Tensor value, FusedBackward backward, Definition definition);

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
// in-place write throws: the numbers that the gradient needs are gone.
class Saved {
 public:
  Saved(const Variable& v) : variable_(v), version_(v.value().version()) {}
  [[nodiscard]] const Variable& get() const;
  operator const Variable&() const { return get(); }
  [[nodiscard]] const Tensor& value() const { return get().value(); }
  [[nodiscard]] const Shape& shape() const { return variable_.shape(); }

 private:
  Variable variable_;
  uint64_t version_;
};

}  // namespace qkv::autograd
