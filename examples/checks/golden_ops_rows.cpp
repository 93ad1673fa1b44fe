// Products, softmax and its relatives, norms and losses, by their golden names.
#include "autograd/ops.h"
#include "examples/checks/golden_ops.h"
#include "lib/text.h"
#include "tensor/elementwise.h"

namespace qkv::examples {
namespace {

// ---- products -----------------------------------------------------------------------------------

Outputs matmul(GoldenCall& call) {
  return {{"output", matmul(call.input("input"), call.input("other"))}};
}

Outputs matmul_transposed(GoldenCall& call) {
  return {{"output", matmul(transpose(call.input("input")), transpose(call.input("other")))}};
}

Outputs linear(GoldenCall& call) {
  const Variable bias = call.has("bias") ? call.input("bias") : Variable();
  return {{"output", linear(call.input("input"), call.input("weight"), bias)}};
}

// ---- softmax and norms --------------------------------------------------------------------------

// With `masked`, a logit whose mask is true counts as -inf: here the mask says what to leave out.
Outputs softmax(GoldenCall& call) {
  const Variable x = call.input("input");
  const int axis = call.axis("dim");
  if (!call.flag("masked", false)) return {{"output", softmax(x, axis)}};
  const Tensor allowed = tensor::logical_not(call.tensor("mask", Dtype::boolean));
  if (axis != -1 && axis != x.rank() - 1) lib::fail("softmax: masked means along the last axis");
  return {{"output", masked_softmax(x, allowed)}};
}

Outputs log_softmax(GoldenCall& call) {
  return {{"output", log_softmax(call.input("input"), call.axis("dim"))}};
}

Outputs layer_norm(GoldenCall& call) {
  return {{"output", layer_norm(call.input("input"), call.input("weight"), call.input("bias"),
                                call.number("eps", 1e-5))}};
}

Outputs rms_norm(GoldenCall& call) {
  return {{"output", rms_norm(call.input("input"), call.input("weight"), call.number("eps"))}};
}

// ---- losses -------------------------------------------------------------------------------------

Outputs cross_entropy(GoldenCall& call) {
  return {{"output", cross_entropy(call.input("logits"), call.tensor("target", Dtype::int64),
                                   {.ignore_index = call.integer("ignore_index", -100),
                                    .label_smoothing = call.number("label_smoothing", 0)})}};
}

Outputs mse_loss(GoldenCall& call) {
  return {{"output", mse_loss(call.input("input"), call.input("target"))}};
}

}  // namespace

void row_ops(GoldenOps& ops) {
  ops["matmul"] = matmul;
  ops["matmul_transposed"] = matmul_transposed;
  ops["linear"] = linear;
  ops["softmax"] = softmax;
  ops["log_softmax"] = log_softmax;
  ops["layer_norm"] = layer_norm;
  ops["rms_norm"] = rms_norm;
  ops["cross_entropy"] = cross_entropy;
  ops["mse_loss"] = mse_loss;
}

}  // namespace qkv::examples
