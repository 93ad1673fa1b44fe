// Trajectories of the optimisers, and gradient clipping, by their golden names.
#include "examples/lab/golden_ops.h"
#include "lib/text.h"
#include "nn/optimizer.h"
#include "tensor/index.h"

namespace qkv::examples {
namespace {

// The gradients grad0, grad1, ... together, as they are afterwards, and their norm before.
Outputs clip_grad_norm(GoldenCall& call) {
  std::vector<Variable> parameters;
  Outputs outputs;
  for (const std::string& name : call.input_names()) {
    Variable& p = parameters.emplace_back(call.input(name));
    p.set_grad(p.detach());
  }
  const double norm = nn::clip_grad_norm(parameters, call.number("max_norm"));
  for (size_t i = 0; i < parameters.size(); ++i) {
    outputs.emplace_back(call.input_names()[i], parameters[i].grad());
  }
  outputs.emplace_back("total_norm", tensor::scalar(norm, call.dtype()));
  return outputs;
}

}  // namespace

void optimizer_ops(GoldenOps& ops) { ops["clip_grad_norm"] = clip_grad_norm; }

}  // namespace qkv::examples
