// The backward pass: from the gradient of a result to the gradients of everything it was made of.
// Threads may record graphs at the same time, also on leaves that they share. Their backward passes
// take turns, so each gives what it would give alone; it is on the caller that nobody reads or
// zeroes a gradient, draws a graph or overwrites a tensor while another thread's pass goes through.
// A backward function must not wait for a pass of another thread: it would wait for its own turn.
#pragma once

#include "autograd/node.h"

namespace qkv::autograd {

struct BackwardOptions {
  bool retain_graph = false;  // keep what the operations saved, for a second pass

  // Record the pass itself, so that gradients can be differentiated; retains, too. After backward()
  // with it a leaf's gradient has a graph that holds the leaf, until zero_grad() lets both go.
  bool create_graph = false;
};

// The number of the pass that is under way on this thread, another one for each; 0 outside of one.
[[nodiscard]] uint64_t current_pass();

// The step of every pass: what one node's backward makes of dy. Undefined for a constant.
[[nodiscard]] Grads call_backward(const std::shared_ptr<Node>& node, const Variable& dy);

// Adds d(output)/d(leaf) to the gradient of every leaf that `output` was made of. For an output
// with more than one element, `cotangent` (same shape) says what to multiply each element's
// gradient by. Throws std::invalid_argument if output requires no gradient, if a cotangent is
// missing or has another shape or dtype, if the graph was freed by an earlier pass, or if a tensor
// that an operation has saved was overwritten since.
//
// An exception from an operation passes through. Leaves that were reached before keep what they
// got, and the part of the graph that was gone through is freed; all else is as before the call.
void backward(const Variable& output, const Variable& cotangent = {}, BackwardOptions options = {});

// The same for chosen inputs, which need not be leaves: returns the sum Σ_i cotangents[i] ·
// d(outputs[i])/d(input) for each of them, zeros where no path leads to it, and leaves the
// gradients of leaves alone.
[[nodiscard]] std::vector<Variable> grad(const std::vector<Variable>& outputs,
                                         const std::vector<Variable>& inputs,
                                         const std::vector<Variable>& cotangents = {},
                                         BackwardOptions options = {});

}  // namespace qkv::autograd
