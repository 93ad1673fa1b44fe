// Rows of the gradient check: the encoder that the lab trains, from tokens to the loss; the
// decoder, from numbers to numbers; the language model and the encoder-decoder, from tokens to
// logits.
#include <algorithm>

#include "autograd/ops.h"
#include "examples/checks/model_row.h"
#include "examples/checks/model_rows.h"
#include "nn/encoder_decoder.h"
#include "nn/language_model.h"

namespace qkv::examples {
namespace {

using nn::Mask;
using nn::Norm;
using nn::Positions;
using nn::TransformerConfig;

constexpr TransformerConfig kTiny = {.vocab = 3,
                                     .width = 4,
                                     .heads = 2,
                                     .layers = 2,
                                     .feed_forward = 5,
                                     .max_length = 3,
                                     .activation = nn::Activation::gelu};

TransformerConfig tiny(Norm norm, double dropout = 0) {
  TransformerConfig config = kTiny;
  config.norm = norm;
  config.dropout = dropout;
  return config;
}

// Tokens have no gradient: the parameters are all there is.
OpCase encoder_row(std::string variant, const TransformerConfig& config, const Mask& mask = {},
                   bool need_weights = true) {
  const Tensor tokens = Tensor::of(std::vector<int64_t>{2, 0, 1, 1, 2, 2}, {2, 3});
  return model_row(
      "encoder_classifier", std::move(variant), {}, maker<nn::EncoderClassifier>(config),
      [=](nn::EncoderClassifier& module, const std::vector<Variable>&) {
        return cross_entropy(module.forward(tokens, mask, need_weights).output, tokens);
      });
}

// The decoder is causal by itself; the second sequence and its memory are padded.
OpCase decoder_row(std::string variant, const TransformerConfig& config, bool need_weights = true) {
  return model_row(
      "transformer_decoder", std::move(variant), data_of({{2, 3, 4}, {2, 2, 4}}),
      maker<nn::TransformerDecoder>(config),
      [=](nn::TransformerDecoder& module, const std::vector<Variable>& in) {
        const nn::DecoderOutput result = module.forward(in[0], in[1], Mask::padding({3, 2}, 3),
                                                        Mask::padding({2, 1}, 2), need_weights);
        if (!need_weights) return result.output;
        std::vector<Variable> all = result.self_weights;
        all.insert(all.end(), result.cross_weights.begin(), result.cross_weights.end());
        all.push_back(result.output);
        return joined(all);
      });
}

Tensor some_ids(const std::vector<int64_t>& values, const tensor::Shape& shape) {
  return Tensor::of(values, shape);
}

Variable all_of(const Variable& output, std::vector<Variable> weights) {
  weights.push_back(output);
  return joined(weights);
}

// A model whose tables of tokens and positions are 25 times as wide. Where no sinusoids are added
// they begin narrow (nn/tokens.h), and a layer norm divides by their width: so steep that
// differences of second order would need smaller steps.
template <class Model>
auto with_wide_tables(const TransformerConfig& config) {
  return [config] {
    auto model = maker<Model>(config)();
    if (config.positions == Positions::sinusoidal) return model;
    for (const auto& named : model->named_parameters()) {
      const std::string& name = named.name;
      if (!name.ends_with("embedding.weight") && !name.ends_with("positions.weight")) continue;
      Tensor& table = named.parameter->mutable_value();
      float* number = table.mutable_data<float>();
      std::for_each(number, number + table.numel(), [](float& x) { x *= 25; });
    }
    return model;
  };
}

// Two sequences of three tokens; the second is padded.
OpCase language_row(std::string variant, const TransformerConfig& config,
                    bool need_weights = false) {
  const Tensor tokens = some_ids({2, 0, 1, 1, 2, 2}, {2, 3});
  return model_row("language_model", std::move(variant), {},
                   with_wide_tables<nn::LanguageModel>(config),
                   [=](nn::LanguageModel& module, const std::vector<Variable>&) {
                     const auto [logits, weights] = module.forward(tokens, {3, 2}, need_weights);
                     return all_of(logits, weights);
                   });
}

// From sources of three tokens, the second padded, to targets of two.
OpCase translation_row(std::string variant, const TransformerConfig& config,
                       bool need_weights = false) {
  const Tensor source = some_ids({1, 0, 1, 0, 1, 0}, {2, 3}),
               target = some_ids({2, 0, 2, 1}, {2, 2});
  return model_row("encoder_decoder", std::move(variant), {},
                   with_wide_tables<nn::EncoderDecoder>(config),
                   [=](nn::EncoderDecoder& module, const std::vector<Variable>&) {
                     auto r = module.forward(source, {3, 2}, target, need_weights);
                     std::vector<Variable> weights = r.encoder_weights;
                     for (const auto* more : {&r.self_weights, &r.cross_weights}) {
                       weights.insert(weights.end(), more->begin(), more->end());
                     }
                     return all_of(r.logits, weights);
                   });
}

TransformerConfig tiny_with(Positions positions, Norm norm = Norm::pre, int64_t kv_heads = 0,
                            int64_t window = 0, bool tied = false) {
  TransformerConfig config = tiny(norm);
  config.source_vocab = 2;
  config.layers = 1;
  config.positions = positions;
  config.kv_heads = kv_heads;
  config.window = window;
  config.tied_embeddings = tied;
  return config;
}

void language_rows(std::vector<OpCase>& rows) {
  TransformerConfig two_layers = tiny_with(Positions::rotary, Norm::pre, 1, 2, true);
  two_layers.layers = 2;
  TransformerConfig dropout = tiny_with(Positions::learned, Norm::post);
  dropout.dropout = 0.3;
  dropout.activation = nn::Activation::gelu_tanh;
  two_layers.activation = nn::Activation::silu;
  rows.push_back(
      language_row("sinusoidal, post-norm", tiny_with(Positions::sinusoidal, Norm::post)));
  rows.push_back(
      language_row("learned, tied", tiny_with(Positions::learned, Norm::pre, 0, 0, true)));
  rows.push_back(
      language_row("rotary, one head of keys", tiny_with(Positions::rotary, Norm::pre, 1)));
  rows.push_back(language_row("alibi, weights", tiny_with(Positions::alibi), true));
  rows.push_back(language_row("alibi, fused", tiny_with(Positions::alibi, Norm::post, 1)));
  rows.push_back(language_row("none, window", tiny_with(Positions::none, Norm::post, 0, 2)));
  rows.push_back(language_row("rotary, window, tied, two layers", two_layers));
  rows.push_back(language_row("learned, dropout 0.3", dropout));
}

void translation_rows(std::vector<OpCase>& rows) {
  TransformerConfig dropout = tiny_with(Positions::alibi);
  dropout.dropout = 0.3;
  rows.push_back(translation_row("sinusoidal, tied, post-norm",
                                 tiny_with(Positions::sinusoidal, Norm::post, 0, 0, true)));
  rows.push_back(translation_row("sinusoidal, weights", tiny_with(Positions::sinusoidal), true));
  rows.push_back(
      translation_row("rotary, one head of keys", tiny_with(Positions::rotary, Norm::pre, 1)));
  rows.push_back(
      translation_row("learned, window", tiny_with(Positions::learned, Norm::post, 0, 2)));
  rows.push_back(translation_row("alibi, dropout 0.3", dropout));
}

}  // namespace

void transformer_model_rows(std::vector<OpCase>& rows) {
  TransformerConfig learned = tiny(Norm::pre), relu = kTiny;
  learned.positions = nn::Positions::learned;
  relu.activation = nn::Activation::relu;
  const Mask padding = Mask::padding({3, 1}, 3), both = Mask::causal(3) & padding;
  rows.push_back(encoder_row("post-norm, sinusoidal, gelu", kTiny));
  rows.push_back(encoder_row("pre-norm, learned, gelu", learned));
  rows.push_back(encoder_row("relu", relu));
  rows.push_back(encoder_row("post-norm, padding", kTiny, padding));
  rows.push_back(encoder_row("pre-norm, causal and padding", tiny(Norm::pre), both));
  rows.push_back(encoder_row("causal and padding, fused", kTiny, both, false));
  rows.push_back(encoder_row("post-norm, dropout 0.3", tiny(Norm::post, 0.3)));
  rows.push_back(encoder_row("pre-norm, dropout 0.3", tiny(Norm::pre, 0.3), both));
  rows.push_back(decoder_row("post-norm, padding", kTiny));
  rows.push_back(decoder_row("pre-norm, padding", tiny(Norm::pre)));
  rows.push_back(decoder_row("padding, fused", kTiny, false));
  rows.push_back(decoder_row("post-norm, dropout 0.3", tiny(Norm::post, 0.3)));
  rows.push_back(decoder_row("pre-norm, dropout 0.3", tiny(Norm::pre, 0.3)));
  language_rows(rows);
  translation_rows(rows);
}

}  // namespace qkv::examples
