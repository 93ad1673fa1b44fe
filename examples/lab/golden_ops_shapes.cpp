// Reductions, moving and choosing numbers, by their golden names.
#include "autograd/ops.h"
#include "examples/lab/golden_ops.h"

namespace qkv::examples {
namespace {

using Reduction = Variable (*)(const Variable& x, const std::vector<int>& axes, bool keepdim);

// Without dim: over all axes.
void add_reduction(GoldenOps& ops, const std::string& name, Reduction f) {
  ops[name] = [f](GoldenCall& call) -> Outputs {
    std::vector<int> axes;
    if (call.has_attribute("dim")) axes.push_back(call.axis("dim"));
    return {{"output", f(call.input("input"), axes, call.flag("keepdim", false))}};
  };
}

}  // namespace

void shape_ops(GoldenOps& ops) {
  add_reduction(ops, "sum", autograd::sum);
  add_reduction(ops, "mean", autograd::mean);
}

}  // namespace qkv::examples
