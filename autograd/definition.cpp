// The gradient of a fused operation's definition: what create_graph takes in place of its backward,
// since the definition consists of operations that can be recorded, and differentiated again.
#include "autograd/engine.h"

namespace qkv::autograd {

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
