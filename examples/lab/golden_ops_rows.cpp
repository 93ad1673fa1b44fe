// Products, softmax and its relatives, norms and losses, by their golden names.
#include "autograd/ops.h"
#include "examples/lab/golden_ops.h"

namespace qkv::examples {
namespace {

Outputs matmul(GoldenCall& call) {
  return {{"output", autograd::matmul(call.input("input"), call.input("other"))}};
}

}  // namespace

void row_ops(GoldenOps& ops) { ops["matmul"] = matmul; }

}  // namespace qkv::examples
