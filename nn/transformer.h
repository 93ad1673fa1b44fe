// The Transformer encoder, and a classifier for every position on top of it.
// Source: Vaswani et al. 2017, section 3.1; pre-norm: Xiong et al. 2020.
#pragma once

#include <memory>

#include "nn/attention.h"
#include "nn/positions.h"

namespace qkv::nn {

//   tokens (B, T) -> input (B, T, C) -> + positions -> L encoder layers -> output (B, T, classes)
//
//   one layer    x -+- attention -- + -- norm -+- feed-forward -- + -- norm      (norm = post)
//                   '---------------'          '------------------'
enum class Norm { post, pre };  // normalise after adding (2017), or before each sublayer (2020)
enum class Positions { sinusoidal, learned };

struct TransformerConfig {
  int64_t vocab = 10;  // input symbols, and classes of the output
  int64_t width = 32;  // C
  int64_t heads = 1;   // H, a divisor of width
  int64_t layers = 1;
  int64_t feed_forward = 64;
  int64_t max_length = 16;
  double dropout = 0;
  Norm norm = Norm::post;
  Positions positions = Positions::sinusoidal;
  Activation activation = Activation::relu;
};

class EncoderLayer : public Module {
 public:
  EncoderLayer(const TransformerConfig& config, lib::Generator& generator);

  // (B, T, C) -> output (B, T, C), weights (B, H, T, T) if they are needed
  [[nodiscard]] AttentionOutput forward(const Variable& x, const Mask& mask,
                                        bool need_weights = true);

  MultiHeadAttention attention;
  FeedForward feed_forward;
  LayerNorm norm1, norm2;

 private:
  Norm norm_;
  Dropout dropout_;
};

struct EncoderOutput {
  Variable output;                // (B, T, C), or (B, T, classes) of a classifier
  std::vector<Variable> weights;  // of each layer, (B, H, T, T); none without need_weights
};

class TransformerEncoder : public Module {
 public:
  TransformerEncoder(const TransformerConfig& config, lib::Generator& generator);
  [[nodiscard]] EncoderOutput forward(const Variable& x, const Mask& mask = {},
                                      bool need_weights = true);

  std::vector<std::unique_ptr<EncoderLayer>> layers;
};

// One class for every position: the model of the toy tasks. Its input layer is a Linear on one-hot
// vectors, its output a small perceptron: Linear, LayerNorm, ReLU, Linear.
class EncoderClassifier : public Module {
 public:
  // Throws std::invalid_argument if a size is below 1, width % heads != 0, or dropout is outside
  // [0, 1).
  EncoderClassifier(const TransformerConfig& config, lib::Generator& generator);

  // tokens (B, T) int64 -> logits (B, T, vocab). Throws std::invalid_argument for a token outside
  // [0, vocab) or a sequence longer than max_length.
  [[nodiscard]] EncoderOutput forward(const Tensor& tokens, const Mask& mask = {},
                                      bool need_weights = true);

  Linear input;
  std::unique_ptr<LearnedPositions> learned_positions;  // or none
  TransformerEncoder encoder;
  Linear output1;
  LayerNorm output_norm;
  Linear output2;

 private:
  [[nodiscard]] Variable add_positions(const Variable& x);

  TransformerConfig config_;
  Tensor sinusoids_;  // (max_length, C), made when first needed
  Dropout input_dropout_, output_dropout_;
};

}  // namespace qkv::nn
