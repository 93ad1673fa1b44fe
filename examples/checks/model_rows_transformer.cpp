// Rows of the gradient check: the encoder that the lab trains, from tokens to the loss, and the
// decoder, from numbers to numbers.

#include "autograd/ops.h"
#include "examples/checks/model_row.h"
#include "examples/checks/model_rows.h"
#include "nn/decoder.h"

namespace qkv::examples {
namespace {

using nn::Mask;
using nn::Norm;
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
}

}  // namespace qkv::examples
