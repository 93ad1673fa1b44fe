// The kinds of attention, by their golden names. Modules are made for the call, and get the
// weights that it brings, once these are known to fit each other.
#include <optional>

#include "examples/checks/golden_ops.h"
#include "nn/positions.h"
#include "nn/score_attention.h"

namespace qkv::examples {
namespace {

// What the constructors draw is overwritten.
lib::Generator any_numbers() { return lib::Generator(0); }

// ---- one sequence, one query --------------------------------------------------------------------

Outputs attend(GoldenCall& call, const nn::Attention& attention) {
  const auto [context, weights] =
      attention.forward(call.input("query"), call.input("keys"), call.input("values"));
  return {{"context", context}, {"weights", weights}};
}

Outputs dot(GoldenCall& call) { return attend(call, nn::DotAttention()); }
Outputs scaled_dot(GoldenCall& call) { return attend(call, nn::ScaledDotAttention()); }

Outputs general(GoldenCall& call) {
  lib::Generator g = any_numbers();
  const Variable w = call.matrix("w");
  nn::GeneralAttention attention(w.shape()[0], w.shape()[1], g);
  attention.weight = w;
  return attend(call, attention);
}

Outputs concat(GoldenCall& call) {
  lib::Generator g = any_numbers();
  const Variable w = call.matrix("w"), v = call.input("v", {w.shape()[0]});
  const int64_t key_width = call.input("keys").shape()[2];
  nn::ConcatAttention attention(w.shape()[1] - key_width, key_width, w.shape()[0], g);
  attention.weight = w;
  attention.v = v;
  return attend(call, attention);
}

Outputs additive(GoldenCall& call) {
  lib::Generator g = any_numbers();
  const Variable w_q = call.matrix("w_q");
  const int64_t hidden = w_q.shape()[0], key_width = call.matrix("w_k").shape()[1];
  const Variable w_k = call.input("w_k", {hidden, key_width}), v = call.input("v", {hidden});
  nn::AdditiveAttention attention(w_q.shape()[1], key_width, hidden, g);
  attention.query_weight = w_q;
  attention.key_weight = w_k;
  attention.v = v;
  return attend(call, attention);
}

// ---- heads --------------------------------------------------------------------------------------

nn::Mask mask_of(GoldenCall& call, const Variable& query, const Variable& key) {
  nn::Mask mask;
  if (call.has("mask")) mask = nn::Mask::allow(call.tensor("mask", Dtype::boolean));
  if (!call.flag("causal", false) || query.rank() < 2 || key.rank() < 2) return mask;
  return mask & nn::Mask::causal(query.shape().from_end(2), key.shape().from_end(2));
}

// The output by the fused kernel, the weights by the definition: so both are compared.
Outputs scaled_dot_product(GoldenCall& call) {
  const Variable Q = call.input("query"), K = call.input("key"), V = call.input("value");
  const nn::Mask mask = mask_of(call, Q, K);
  std::optional<double> scale;
  if (call.has_attribute("scale")) scale = call.number("scale");
  const auto defined = nn::scaled_dot_product_attention(Q, K, V, mask, true, scale);
  const auto fused = nn::scaled_dot_product_attention(Q, K, V, mask, false, scale);
  return {{"output", fused.output}, {"weights", defined.weights}};
}

Outputs multi_head(GoldenCall& call, const Variable& query, const Variable& memory) {
  lib::Generator g = any_numbers();
  const int64_t C = call.matrix("w_q").shape()[0];
  for (const char* weight : {"w_q", "w_k", "w_v", "w_o"}) {
    static_cast<void>(call.input(weight, {C, C}));
  }
  for (const char* bias : {"b_q", "b_k", "b_v", "b_o"}) static_cast<void>(call.input(bias, {C}));
  nn::MultiHeadAttention module(C, call.integer("heads"), g);
  module.query.weight = call.input("w_q");
  module.key.weight = call.input("w_k");
  module.value.weight = call.input("w_v");
  module.out.weight = call.input("w_o");
  module.query.bias = call.input("b_q");
  module.key.bias = call.input("b_k");
  module.value.bias = call.input("b_v");
  module.out.bias = call.input("b_o");
  const auto [output, weights] =
      module.forward(query, memory, memory, mask_of(call, query, memory));
  return {{"output", output}, {"weights", weights}};
}

}  // namespace

void attention_ops(GoldenOps& ops) {
  ops["dot_attention"] = dot;
  ops["scaled_dot_attention"] = scaled_dot;
  ops["general_attention"] = general;
  ops["concat_attention"] = concat;
  ops["additive_attention"] = additive;
  ops["scaled_dot_product_attention"] = scaled_dot_product;
  ops["multi_head_self_attention"] = [](GoldenCall& call) {
    return multi_head(call, call.input("input"), call.input("input"));
  };
  ops["multi_head_cross_attention"] = [](GoldenCall& call) {
    return multi_head(call, call.input("query"), call.input("memory"));
  };
  ops["rotary_embedding"] = [](GoldenCall& call) -> Outputs {
    return {{"output", nn::rotary_embedding(call.input("input"), call.number("base", 10000))}};
  };
}

}  // namespace qkv::examples
