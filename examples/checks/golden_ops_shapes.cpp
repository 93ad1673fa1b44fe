// Reductions, moving and choosing numbers, by their golden names.
#include <algorithm>
#include <span>

#include "autograd/ops.h"
#include "examples/checks/golden_ops.h"

namespace qkv::examples {
namespace {

// ---- reductions ---------------------------------------------------------------------------------

using Reduction = Variable (*)(const Variable& x, const std::vector<int>& axes, bool keepdim);

// Without dim: over all axes.
void add_reduction(GoldenOps& ops, const std::string& name, Reduction f) {
  ops[name] = [f](GoldenCall& call) -> Outputs {
    std::vector<int> axes;
    if (call.has_attribute("dim")) axes.push_back(call.axis("dim"));
    return {{"output", f(call.input("input"), axes, call.flag("keepdim", false))}};
  };
}

Outputs max(GoldenCall& call) {
  return {{"output", max(call.input("input"), call.axis("dim"), call.flag("keepdim", false))}};
}

Outputs logsumexp(GoldenCall& call) {
  return {
      {"output", logsumexp(call.input("input"), call.axis("dim"), call.flag("keepdim", false))}};
}

// ---- moving -------------------------------------------------------------------------------------

Shape shape_of(GoldenCall& call) {
  const std::vector<int64_t> sizes = call.integers("shape");
  return Shape(std::span(sizes));
}

Outputs reshape(GoldenCall& call) {
  return {{"output", reshape(call.input("input"), shape_of(call))}};
}

Variable transposed(GoldenCall& call) {
  return transpose(call.input("input"), call.axis("dim0"), call.axis("dim1"));
}

Outputs transpose(GoldenCall& call) { return {{"output", transposed(call)}}; }

Outputs reshape_transposed(GoldenCall& call) {
  return {{"output", reshape(transposed(call), shape_of(call))}};
}

Outputs permute(GoldenCall& call) {
  std::vector<int> order;
  for (const int64_t axis : call.integers("dims")) {
    order.push_back(static_cast<int>(std::clamp<int64_t>(axis, -99, 99)));  // 99 is no axis either
  }
  return {{"output", permute(call.input("input"), order)}};
}

Outputs slice(GoldenCall& call) {
  return {{"output", slice(call.input("input"), call.axis("dim"), call.integer("start"),
                           call.integer("end"), call.integer("step", 1))}};
}

Outputs expand(GoldenCall& call) {
  return {{"output", expand(call.input("input"), shape_of(call))}};
}

// All inputs are parts, in the order of the file.
std::vector<Variable> parts_of(GoldenCall& call) {
  std::vector<Variable> parts;
  for (const std::string& name : call.input_names()) parts.push_back(call.input(name));
  return parts;
}

Outputs concat(GoldenCall& call) { return {{"output", concat(parts_of(call), call.axis("dim"))}}; }
Outputs stack(GoldenCall& call) { return {{"output", stack(parts_of(call), call.axis("dim"))}}; }

// ---- choosing -----------------------------------------------------------------------------------

Outputs masked_fill(GoldenCall& call) {
  return {{"output", masked_fill(call.input("input"), call.tensor("mask", Dtype::boolean),
                                 call.number("value"))}};
}

Outputs where(GoldenCall& call) {
  return {{"output", where(call.tensor("condition", Dtype::boolean), call.input("input"),
                           call.input("other"))}};
}

Outputs embedding(GoldenCall& call) {
  return {{"output", embedding(call.input("weight"), call.tensor("ids", Dtype::int64))}};
}

Outputs index_select(GoldenCall& call) {
  return {{"output", index_select(call.input("input"), call.axis("dim"),
                                  call.tensor("index", Dtype::int64))}};
}

}  // namespace

void shape_ops(GoldenOps& ops) {
  add_reduction(ops, "sum", autograd::sum);
  add_reduction(ops, "mean", autograd::mean);
  ops["max"] = max;
  ops["logsumexp"] = logsumexp;
  ops["reshape"] = reshape;
  ops["transpose"] = transpose;
  ops["reshape_transposed"] = reshape_transposed;
  ops["permute"] = permute;
  ops["slice"] = slice;
  ops["expand"] = expand;
  ops["concat"] = concat;
  ops["stack"] = stack;
  ops["masked_fill"] = masked_fill;
  ops["where"] = where;
  ops["embedding"] = embedding;
  ops["index_select"] = index_select;
}

}  // namespace qkv::examples
