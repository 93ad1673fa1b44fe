// Transformer layers, by their golden names.
#include "autograd/ops.h"
#include "examples/checks/golden_ops.h"
#include "lib/text.h"
#include "nn/decoder.h"

namespace qkv::examples {
namespace {

using Parts = std::initializer_list<std::string>;

// The sizes that ff2_w (C, feed-forward) has. All weights must fit them before a layer is made.
nn::TransformerConfig config_of(GoldenCall& call, Parts attentions, Parts norms) {
  const auto require = [&](const std::string& name, const Shape& shape) {
    static_cast<void>(call.input(name, shape));
  };
  const Shape ff2 = call.matrix("ff2_w").shape();
  const int64_t C = ff2[0];
  for (const std::string& name : attentions) {
    require(name + "_in_w", {3 * C, C});
    require(name + "_in_b", {3 * C});
    require(name + "_out_w", {C, C});
    require(name + "_out_b", {C});
  }
  for (const std::string& name : norms) {
    require(name + "_w", {C});
    require(name + "_b", {C});
  }
  require("ff1_w", {ff2[1], C});
  require("ff1_b", {ff2[1]});
  require("ff2_b", {C});

  nn::TransformerConfig config;
  config.width = C;
  config.heads = call.integer("heads");
  config.feed_forward = ff2[1];
  config.norm = call.flag("norm_first", false) ? nn::Norm::pre : nn::Norm::post;
  const std::string activation = call.text("activation", "relu");
  if (activation != "relu" && activation != "gelu") {
    lib::fail("activation is '", activation, "'; need relu or gelu");
  }
  config.activation = activation == "gelu" ? nn::Activation::gelu : nn::Activation::relu;
  return config;
}

// A decoder is causal unless the case says otherwise, an encoder is not.
nn::Mask self_mask(GoldenCall& call, const Variable& x, bool causal) {
  if (!call.flag("causal", causal) || x.rank() < 2) return {};
  return nn::Mask::causal(x.shape().from_end(2));
}

// A packed projection is three of ours, one below the other: query, key, value.
void set_attention(nn::MultiHeadAttention& attention, GoldenCall& call, const std::string& name) {
  const Variable w = call.input(name + "_in_w"), b = call.input(name + "_in_b");
  const int64_t C = w.shape()[1];
  int64_t row = 0;
  for (nn::Linear* part : {&attention.query, &attention.key, &attention.value}) {
    part->weight = slice(w, 0, row, row + C);
    part->bias = slice(b, 0, row, row + C);
    row += C;
  }
  attention.out.weight = call.input(name + "_out_w");
  attention.out.bias = call.input(name + "_out_b");
}

void set_norm(nn::LayerNorm& norm, GoldenCall& call, const std::string& name) {
  norm.weight = call.input(name + "_w");
  norm.bias = call.input(name + "_b");
}

void set_feed_forward(nn::FeedForward& feed_forward, GoldenCall& call) {
  feed_forward.linear1.weight = call.input("ff1_w");
  feed_forward.linear1.bias = call.input("ff1_b");
  feed_forward.linear2.weight = call.input("ff2_w");
  feed_forward.linear2.bias = call.input("ff2_b");
}

Outputs encoder_layer(GoldenCall& call) {
  lib::Generator overwritten(0);
  nn::EncoderLayer layer(config_of(call, {"self"}, {"norm1", "norm2"}), overwritten);
  set_attention(layer.attention, call, "self");
  set_feed_forward(layer.feed_forward, call);
  set_norm(layer.norm1, call, "norm1");
  set_norm(layer.norm2, call, "norm2");
  const Variable x = call.input("input");
  return {{"output", layer.forward(x, self_mask(call, x, false)).output}};
}

Outputs decoder_layer(GoldenCall& call) {
  lib::Generator overwritten(0);
  nn::DecoderLayer layer(config_of(call, {"self", "cross"}, {"norm1", "norm2", "norm3"}),
                         overwritten);
  set_attention(layer.self_attention, call, "self");
  set_attention(layer.cross_attention, call, "cross");
  set_feed_forward(layer.feed_forward, call);
  set_norm(layer.norm1, call, "norm1");
  set_norm(layer.norm2, call, "norm2");
  set_norm(layer.norm3, call, "norm3");
  const Variable x = call.input("input"), memory = call.input("memory");
  return {{"output", layer.forward(x, memory, self_mask(call, x, true)).output}};
}

}  // namespace

void transformer_ops(GoldenOps& ops) {
  ops["transformer_encoder_layer"] = encoder_layer;
  ops["transformer_decoder_layer"] = decoder_layer;
}

}  // namespace qkv::examples
