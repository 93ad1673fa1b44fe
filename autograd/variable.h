// Variable: a tensor that may belong to a graph. An operation on Variables computes its value at
// once and, if an operand requires a gradient (is a parameter(), or was made of one), records a
// Node: who its inputs were, and how to send a gradient back to them. A Variable outside any graph
// is a tensor and a null pointer.
// Next: engine.h, which walks this graph backwards.
#pragma once

#include <memory>
#include <vector>

#include "lib/short_list.h"
#include "tensor/tensor.h"

namespace qkv::autograd {

using tensor::Dtype;
using tensor::Shape;
using tensor::Tensor;

struct Node;

//   x ──┐
//       mul ── sum ── loss       each arrow: a Node's shared_ptr to the nodes of its inputs
//   w ──┘
class Variable {
 public:
  Variable() = default;                                 // nothing: defined() is false
  Variable(Tensor value) : value_(std::move(value)) {}  // a constant
  Variable(Tensor value, std::shared_ptr<Node> node);   // the result of a recorded operation

  [[nodiscard]] bool defined() const { return value_.defined(); }
  [[nodiscard]] const Tensor& value() const { return value_; }
  [[nodiscard]] const Shape& shape() const { return value_.shape(); }
  [[nodiscard]] int rank() const { return value_.rank(); }
  [[nodiscard]] int64_t numel() const { return value_.numel(); }
  [[nodiscard]] Dtype dtype() const { return value_.dtype(); }
  [[nodiscard]] double item() const { return value_.item(); }

  // In-place access for optimisers, which take the steps of training. A write to a tensor that a
  // recorded operation has saved (kept for its way back) makes a later backward through that
  // operation throw.
  [[nodiscard]] Tensor& mutable_value() { return value_; }

  [[nodiscard]] bool requires_grad() const { return node_ != nullptr; }
  [[nodiscard]] const std::shared_ptr<Node>& node() const { return node_; }

  // The gradient that backward() has left at a leaf. Throws std::invalid_argument if there is none:
  // the Variable is no leaf, or no backward has reached it since the last zero_grad.
  [[nodiscard]] const Variable& grad() const;
  [[nodiscard]] bool has_grad() const;
  void zero_grad();

  // Throws std::invalid_argument unless this is a leaf of the gradient's shape and dtype.
  void set_grad(Variable gradient);

  // The same numbers outside the graph: no gradient flows through. Storage is shared.
  [[nodiscard]] Variable detach() const { return Variable(value_); }

 private:
  Tensor value_;
  std::shared_ptr<Node> node_;
};

// A leaf: the start of a graph, where backward() leaves a gradient. Throws std::invalid_argument
// unless the tensor is float32 or float64.
[[nodiscard]] Variable parameter(Tensor value);

// Gradients of an operation's inputs, in their order; an undefined one means zero.
using Grads = lib::ShortList<Variable, 3>;

// While one of these lives, recording on its thread is off (or on, inside an outer NoGrad).
class SetRecording {
 public:
  explicit SetRecording(bool on);
  ~SetRecording();
  SetRecording(const SetRecording&) = delete;
  SetRecording& operator=(const SetRecording&) = delete;

 private:
  bool before_;
};

// The common case: operations record nothing while this lives.
struct NoGrad : SetRecording {
  NoGrad() : SetRecording(false) {}
};

[[nodiscard]] bool recording();

}  // namespace qkv::autograd
