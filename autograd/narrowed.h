// Which nodes a call of grad() asks for: those on a way from the outputs to one of the inputs.
//
//   grad(z, {x})   with  z = x w + b        wanted: z, x w, x        not wanted: w, b
//
// The engine sends gradients to wanted nodes only (engine.cpp).
#pragma once

#include <cstdint>
#include <memory>
#include <vector>

#include "autograd/node.h"
#include "autograd/variable.h"

namespace qkv::autograd {

// While one of these lives, only nodes that lead to one of `inputs` are wanted: no gradient is
// computed for the others. Nodes older than every input lead to none. `pass` is the number of the
// pass that asks; its end gives every node back what a pass around it had wanted.
class Narrowed {
 public:
  Narrowed(uint64_t pass, const std::vector<Variable>& outputs,
           const std::vector<Variable>& inputs);
  ~Narrowed();
  Narrowed(const Narrowed&) = delete;
  Narrowed& operator=(const Narrowed&) = delete;

 private:
  struct Visited {
    std::shared_ptr<Node> node;
    bool wanted_before;  // by a pass around this one
  };

  void visit(const std::shared_ptr<Node>& node);

  const uint64_t pass_;
  std::vector<Visited> visited_;
};

}  // namespace qkv::autograd
