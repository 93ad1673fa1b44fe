// Backward through backward: the first pass is recorded, the second one goes through the record.
#include "autograd/hessian.h"

#include "autograd/engine.h"
#include "lib/text.h"

namespace qkv::autograd {

std::vector<Tensor> hvp(const Function& function, const std::vector<Tensor>& inputs,
                        const std::vector<Tensor>& vectors) {
  if (vectors.size() != inputs.size()) {
    lib::fail("hvp: ", inputs.size(), " inputs but ", vectors.size(), " vectors");
  }
  std::vector<Variable> x;
  for (size_t i = 0; i < inputs.size(); ++i) {
    if (vectors[i].shape() != inputs[i].shape() || vectors[i].dtype() != inputs[i].dtype()) {
      lib::fail("hvp: vector ", i, " is ", vectors[i].shape(), " ", vectors[i].dtype(), ", input ",
                i, " is ", inputs[i].shape(), " ", inputs[i].dtype());
    }
    x.push_back(parameter(inputs[i]));
  }
  const SetRecording on(true);
  const Variable y = function(x);
  if (y.numel() != 1) lib::fail("hvp: needs a function to a single number, got shape ", y.shape());
  std::vector<Variable> curved;   // gradients that depend on the inputs, and
  std::vector<Variable> towards;  // what they are multiplied by
  if (y.requires_grad()) {
    const std::vector<Variable> g = grad({y}, x, {}, {.create_graph = true});
    for (size_t i = 0; i < g.size(); ++i) {
      if (!g[i].requires_grad()) continue;  // f is linear in this input
      curved.push_back(g[i]);
      towards.push_back(vectors[i]);
    }
  }
  std::vector<Tensor> result;
  if (curved.empty()) {
    for (const Tensor& input : inputs)
      result.push_back(tensor::zeros(input.shape(), input.dtype()));
    return result;
  }
  for (const Variable& product : grad(curved, x, towards)) result.push_back(product.value());
  return result;
}

}  // namespace qkv::autograd
