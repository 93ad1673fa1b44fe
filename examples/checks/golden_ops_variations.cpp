// The variations of attention, by their golden names. Outputs come the fast way where there is one,
// weights by the formula.
#include "examples/checks/golden_ops.h"
#include "nn/linear_attention.h"
#include "nn/variations.h"

namespace qkv::examples {
namespace {

// From the attributes causal, window and sinks, and the input mask; all may be left out.
nn::Mask mask_of(GoldenCall& call) {
  nn::Mask mask;
  if (call.has("mask")) mask = nn::Mask::allow(call.tensor("mask", Dtype::boolean));
  const Variable query = call.input("query"), key = call.input("key");
  if (query.rank() < 2 || key.rank() < 2) return mask;
  const int64_t Tq = query.shape().from_end(2), Tk = key.shape().from_end(2);
  if (call.flag("causal", false)) mask = mask & nn::Mask::causal(Tq, Tk);
  if (call.has_attribute("window")) {
    mask = mask & nn::Mask::window(Tq, Tk, call.integer("window"), call.integer("sinks", 0));
  }
  return mask;
}

Outputs named(const nn::AttentionOutput& attended) {
  return {{"output", attended.output}, {"weights", attended.weights}};
}

Outputs grouped_query(GoldenCall& call) {
  const Variable Q = call.input("query"), K = call.input("key"), V = call.input("value");
  const nn::Mask mask = mask_of(call);
  return {{"output", nn::grouped_query_attention(Q, K, V, mask, false).output},
          {"weights", nn::grouped_query_attention(Q, K, V, mask).weights}};
}

Outputs window(GoldenCall& call) {
  const Variable Q = call.input("query"), K = call.input("key"), V = call.input("value");
  const nn::Mask mask = mask_of(call);
  return {{"output", nn::scaled_dot_product_attention(Q, K, V, mask, false).output},
          {"weights", nn::scaled_dot_product_attention(Q, K, V, mask).weights}};
}

Outputs soft_capped(GoldenCall& call) {
  return named(nn::soft_capped_attention(call.input("query"), call.input("key"),
                                         call.input("value"), call.number("cap"), mask_of(call)));
}

Outputs sink(GoldenCall& call) {
  const Variable logit = call.has("sink") ? call.input("sink") : Variable();
  return named(nn::sink_attention(call.input("query"), call.input("key"), call.input("value"),
                                  logit, mask_of(call)));
}

// The scores come out, too: all the gradient that Q and K get is theirs.
Outputs hard(GoldenCall& call) {
  const Variable Q = call.input("query"), K = call.input("key"), V = call.input("value");
  Outputs outputs = named(nn::hard_attention(Q, K, V, mask_of(call)));
  outputs.push_back({"scores", nn::attention_scores(Q, K)});
  return outputs;
}

Outputs kernel(GoldenCall& call) {
  return named(nn::kernel_attention(call.input("query"), call.input("key"), call.input("value"),
                                    call.number("bandwidth"), mask_of(call)));
}

Outputs linear(GoldenCall& call) {
  const Variable Q = call.input("query"), K = call.input("key"), V = call.input("value");
  const nn::Mask mask = mask_of(call);
  const bool by_sums = !call.has("mask");
  return {{"output", nn::linear_attention(Q, K, V, mask, !by_sums).output},
          {"weights", nn::linear_attention(Q, K, V, mask).weights}};
}

}  // namespace

void variation_ops(GoldenOps& ops) {
  ops["grouped_query_attention"] = grouped_query;
  ops["window_attention"] = window;
  ops["soft_capped_attention"] = soft_capped;
  ops["sink_attention"] = sink;
  ops["hard_attention"] = hard;
  ops["kernel_attention"] = kernel;
  ops["linear_attention"] = linear;
}

}  // namespace qkv::examples
