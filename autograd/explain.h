// explain: one node and its gradients. What the operation computes, what its users send it, and
// what it sends on:
//
//   exp   (2,) float64
//     forward    y = exp(x)
//     backward   dx = dy y
//     saved      1 tensor, 16 B
//     dy         [3.0000, 3.0000], the sum of
//       [2.0000, 2.0000] from operand 0 of 'scale'
//       [1.0000, 1.0000] from operand 0 of 'add'
//     sends
//       [ 8.1548, 22.1672] to leaf (2,)
#pragma once

#include <string>

#include "autograd/node.h"

namespace qkv::autograd {

// One user's part of a node's gradient: what its backward sends along one of its arrows.
struct Part {
  std::string op;    // the user; "cotangent" for what the caller gives the output
  size_t input = 0;  // as which of its operands
  Variable gradient;
};

// The local view of a node in the pass that begins at `output` with `cotangent`.
struct Explanation {
  std::vector<Part> arrives = {};
  Variable dy = {};  // their sum; zeros if nothing arrives
  Grads sends = {};  // what backward sends to each input; undefined for a constant, none for a leaf

  std::string op;
  Shape shape;
  Dtype dtype = Dtype::float32;
  std::vector<std::string> inputs = {};  // "leaf (2, 3)"
  size_t saved_tensors = 0;
  int64_t saved_bytes = 0;
  [[nodiscard]] std::string str() const;  // the text above
};

// Goes through the graph behind `output`, without leaving anything at leaves or freeing anything.
// The cotangent is ones if none is given, also for an output of several elements. Throws
// std::invalid_argument if a node between was freed or had a saved tensor overwritten, if the
// cotangent does not fit, or if `at` requires no gradient.
[[nodiscard]] Explanation explain(const Variable& output, const Variable& at,
                                  const Variable& cotangent = {});

// The last operation: what ones would send to its inputs.
[[nodiscard]] inline Explanation explain(const Variable& output) { return explain(output, output); }

}  // namespace qkv::autograd
