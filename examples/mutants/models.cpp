// Mutants of whole models: somewhere inside one parameter, or one path, gets a wrong gradient. The
// decoder goes from numbers to numbers, all others from tokens to the loss or to logits.
#include "examples/mutants/modules.h"
#include "examples/mutants/pieces.h"
#include "nn/encoder_decoder.h"
#include "nn/language_model.h"

namespace qkv::examples {
namespace {

void classifier_mutants(Mutants& all) {
  const auto parameter = [&all](const std::string& name) {
    return of_parameter(
        all, "encoder_classifier", {}, maker<nn::EncoderClassifier>(tiny_config()),
        [](nn::EncoderClassifier& model, In) {
          const Tensor tokens = ids({2, 0, 1, 1}, {2, 2});
          return cross_entropy(model.forward(tokens).output, tokens);
        },
        name);
  };
  parameter("encoder.0.attention.query.weight")(
      "the queries' dW is transposed", [](In, Var dW, Var) -> Grads { return {transpose(dW)}; });
  parameter("encoder.0.attention.value.bias")("the values' db is 1 % too large",
                                              [](In, Var db, Var) -> Grads { return {db * 1.01}; });
  parameter("input.weight")("nothing for the last symbol",
                            [](In, Var dW, Var) -> Grads { return {dW - only_last(dW, 1)}; });
  parameter("encoder.0.norm1.weight")("the first norm's weight is never trained",
                                      [](In, Var dW, Var) -> Grads { return {dW * 0.0}; });
}

// ---- decoder: x (B, T, C), memory (B, Tm, C) ----------------------------------------------------
Variable decode(nn::TransformerDecoder& model, In in) {
  return model.forward(in[0], in[1], {}, {}, false).output;
}

void decoder_mutants(Mutants& all) {
  const Data data = data_of({{1, 2, 4}, {1, 3, 4}});
  const auto of_layers = [](int64_t layers) {
    return maker<nn::TransformerDecoder>(tiny_config(layers));
  };
  const auto parameter = [&](const std::string& name) {
    return of_parameter(all, "transformer_decoder", data, of_layers(1), decode, name);
  };
  parameter("0.cross_attention.key.weight")(
      "dW_k over the memory is transposed",
      [](In, Var dW, Var) -> Grads { return {transpose(dW)}; });
  parameter("0.norm3.bias")("one column of the last norm's db",
                            [](In, Var db, Var) -> Grads { return {only_first(db, 0)}; });

  // Of several layers it is the first that is spoilt.
  const auto first = [&](int64_t layers, Function DecoderPieces::*place) {
    return of_module(
        all, "transformer_decoder", data, of_layers(layers), decode,
        [place](nn::TransformerDecoder& model, In in, const Function& piece) {
          Variable x = in[0];
          for (const auto& layer : model.layers) {
            DecoderPieces pieces;
            if (layer == model.layers.front()) pieces.*place = piece;
            x = decoder_layer(*layer, x, in[1], pieces);
          }
          return x;
        },
        DecoderPieces().*place);
  };
  first(2, &DecoderPieces::memory)("the memory hears of the last layer only",
                                   [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
  first(1, &DecoderPieces::queries)("queries get the next one's gradient",
                                    [](In, Var dy, Var) -> Grads {
                                      return {concat({slice(dy, 1, 1, 2), slice(dy, 1, 0, 1)}, 1)};
                                    });
  first(1, &DecoderPieces::add)("forgets the residuals", [](In, Var dy, Var) -> Grads {
    return {dy * 0.0, dy};
  });
}

// ---- language model: tokens (B, T) -> logits; one table is looked up and gives the logits -------
void language_mutants(Mutants& all) {
  nn::TransformerConfig config = tiny_config();
  config.tied_embeddings = true;
  const auto tokens = [] { return ids({2, 0, 1, 1}, {2, 2}); };
  const auto whole = [tokens](nn::LanguageModel& model, In) {
    return model.forward(tokens(), {}, false).logits;
  };
  const auto table = of_module(
      all, "language_model", {}, maker<nn::LanguageModel>(config), whole,
      [tokens](nn::LanguageModel& model, In, const Function& piece) {
        const Variable x = model.input.forward(tokens());  // (B, T, C)
        const Variable y = model.layers.forward(x, nn::Mask::causal(2), false).output;
        return model.output.forward(y, piece({model.input.embedding.weight}));
      },
      unchanged);
  table("the tied table learns as input only", [](In, Var dW, Var) -> Grads { return {dW * 0.0}; });
  table("the logits' share is counted twice", [](In, Var dW, Var) -> Grads { return {dW * 2.0}; });
  const auto looked_up = of_module(
      all, "language_model", {}, maker<nn::LanguageModel>(config), whole,
      [tokens](nn::LanguageModel& model, In, const Function& piece) {
        const Variable x = piece({model.input.forward(tokens())});  // (B, T, C)
        const Variable y = model.layers.forward(x, nn::Mask::causal(2), false).output;
        return model.output.forward(y, model.input.embedding.weight);
      },
      unchanged);
  looked_up("the rows forget their factor √C", [](In, Var dx, Var) -> Grads { return {dx * 0.5}; });
  looked_up("the last position hears nothing",
            [](In, Var dx, Var) -> Grads { return {dx - only_last(dx, 1)}; });
}

// ---- encoder-decoder: source (B, S), target (B, T) -> logits ------------------------------------
void translation_mutants(Mutants& all) {
  nn::TransformerConfig config = tiny_config();
  config.source_vocab = 3;
  const auto source = [] { return ids({2, 0, 1, 1}, {2, 2}); };
  const auto target = [] { return ids({1, 2, 1, 0}, {2, 2}); };
  const auto memory = of_module(
      all, "encoder_decoder", {}, maker<nn::EncoderDecoder>(config),
      [=](nn::EncoderDecoder& model, In) {
        return model.forward(source(), {}, target(), false).logits;
      },
      [=](nn::EncoderDecoder& model, In, const Function& piece) {
        const Variable seen = piece({model.encode(source(), {}, false).output});  // (B, S, C)
        const Variable x = model.target_input.forward(target());                  // (B, T, C)
        const Variable y = model.decoder.forward(x, seen, {}, {}, false).output;
        return model.output.forward(y, model.target_input.embedding.weight);
      },
      unchanged);
  memory("the encoder learns nothing", [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
  memory("the encoder hears of its last symbol only",
         [](In, Var dy, Var) -> Grads { return {only_last(dy, 1)}; });
  memory("sequences get each other's gradient", [](In, Var dy, Var) -> Grads {
    return {concat({slice(dy, 0, 1, 2), slice(dy, 0, 0, 1)}, 0)};
  });
}

}  // namespace

void model_mutants(Mutants& all) {
  all.family = "whole models";
  classifier_mutants(all);
  decoder_mutants(all);
  language_mutants(all);
  translation_mutants(all);
}

}  // namespace qkv::examples
