// Whole models, by their golden names. Every parameter is an input of its own name, such as
// layers.0.attention.query.weight; the sizes of a model are those of its parameters.
#include "examples/checks/golden_ops.h"
#include "lib/text.h"
#include "nn/encoder_decoder.h"
#include "nn/language_model.h"

namespace qkv::examples {
namespace {

nn::Positions positions_of(GoldenCall& call) {
  const std::pair<const char*, nn::Positions> kinds[] = {{"none", nn::Positions::none},
                                                         {"sinusoidal", nn::Positions::sinusoidal},
                                                         {"learned", nn::Positions::learned},
                                                         {"rotary", nn::Positions::rotary},
                                                         {"alibi", nn::Positions::alibi}};
  const std::string text = call.text("positions");
  for (const auto& [name, kind] : kinds) {
    if (text == name) return kind;
  }
  lib::fail("positions is '", text, "'; need none, sinusoidal, learned, rotary or alibi");
}

// `first` is the name of the first layer, `table` that of the target's. Before a model is made its
// weights must show that they are as large as it will be.
nn::TransformerConfig config_of(GoldenCall& call, const std::string& first,
                                const std::string& table, int64_t longest) {
  const Shape vocab = call.matrix(table + "embedding.weight").shape();
  const Shape hidden = call.matrix(first + ".feed_forward.linear1.weight").shape();
  const int64_t C = vocab[1];
  const std::string attention = call.has(first + ".attention.query.weight") ? "" : "self_";
  static_cast<void>(call.input(first + "." + attention + "attention.query.weight", {C, C}));
  nn::TransformerConfig config;
  config.vocab = vocab[0];
  config.width = C;
  config.heads = call.integer("heads");
  config.kv_heads = call.integer("kv_heads", 0);
  config.window = call.integer("window", 0);
  config.layers = call.integer("layers");
  if (config.layers < 1 || config.layers > 8) {
    lib::fail("layers is ", config.layers, "; need 1 to 8");
  }
  config.feed_forward = hidden[0];
  config.max_length = longest;
  config.norm = call.flag("norm_first") ? nn::Norm::pre : nn::Norm::post;
  config.positions = positions_of(call);
  config.activation = nn::Activation::gelu;
  config.tied_embeddings = call.flag("tied");
  return config;
}

void set_parameters(nn::Module& module, GoldenCall& call) {
  for (const nn::NamedParameter& named : module.named_parameters()) {
    *named.parameter = call.input(named.name, named.parameter->shape());
  }
}

Tensor tokens_of(GoldenCall& call, const char* name) {
  const Tensor tokens = call.tensor(name, Dtype::int64);
  if (tokens.rank() != 2) lib::fail(name, " are ", tokens.shape(), "; need (B, T)");
  return tokens;
}

// The logits by the fused kernels, the weights by the definition: so both are compared.
Outputs language_model(GoldenCall& call) {
  const Tensor tokens = tokens_of(call, "tokens");
  lib::Generator overwritten(0);
  nn::LanguageModel model(config_of(call, "layers.0", "input.", tokens.shape()[1]), overwritten);
  set_parameters(model, call);
  return {{"logits", model.forward(tokens, {}, false).logits},
          {"weights", model.forward(tokens).weights.back()}};
}

Outputs encoder_decoder(GoldenCall& call) {
  const Tensor source = tokens_of(call, "source"), target = tokens_of(call, "target");
  const int64_t longest = std::max(source.shape()[1], target.shape()[1]);
  nn::TransformerConfig config = config_of(call, "decoder.0", "target_input.", longest);
  config.source_vocab = call.matrix("source_input.embedding.weight").shape()[0];
  const std::vector<int64_t> lengths = call.integers("source_lengths");
  lib::Generator overwritten(0);
  nn::EncoderDecoder model(config, overwritten);
  set_parameters(model, call);
  return {{"logits", model.forward(source, lengths, target, false).logits},
          {"weights", model.forward(source, lengths, target).cross_weights.back()}};
}

}  // namespace

void model_ops(GoldenOps& ops) {
  ops["language_model"] = language_model;
  ops["encoder_decoder"] = encoder_decoder;
}

}  // namespace qkv::examples
