// The Transformer encoder, and a classifier for every position on top of it.
// Source: Vaswani et al. 2017, section 3.1; pre-norm: Xiong et al. 2020.
#pragma once

#include <memory>

#include "nn/attention.h"

namespace qkv::nn {

//   tokens (B, T) -> input (B, T, C) -> + positions -> L encoder layers -> output (B, T, classes)
//
//   one layer    x -+- attention -- + -- norm -+- feed-forward -- + -- norm      (norm = post)
//                   '---------------'          '------------------'
enum class Norm { post, pre };  // normalise after adding (2017), or before each sublayer (2020)

struct TransformerConfig {
  int64_t vocab = 10;         // input symbols, and classes of the output
  int64_t source_vocab = 10;  // symbols of the source (EncoderDecoder)
  int64_t width = 32;         // C
  int64_t heads = 1;          // H, a divisor of width
  int64_t kv_heads = 0;       // heads of keys and values, a divisor of heads; 0: as many
  int64_t window = 0;         // a position sees those less than `window` away; 0: all
  int64_t sinks = 0;          // with a window: so many first positions stay in sight
  int64_t layers = 1;
  int64_t feed_forward = 64;
  int64_t max_length = 16;
  double dropout = 0;
  Norm norm = Norm::post;
  Positions positions = Positions::sinusoidal;
  Variation variation = Variation::none;  // of every attention, also that to the source
  Activation activation = Activation::relu;
  bool tied_embeddings = false;  // the table of the input gives the logits, too (tokens.h)
};

// Self-attention as the configuration has it.
[[nodiscard]] MultiHeadOptions self_attention_options(const TransformerConfig& config);

class EncoderLayer : public Module {
 public:
  EncoderLayer(const TransformerConfig& config, lib::Generator& generator);

  // (B, T, C) -> output (B, T, C), weights (B, H, T, T) if they are needed. With a cache x goes on
  // where it ends: its positions see those of the cache too. That throws std::invalid_argument
  // unless a NoGrad lives.
  [[nodiscard]] AttentionOutput forward(const Variable& x, const Mask& mask,
                                        bool need_weights = true, KeyValueCache* cache = nullptr);

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
  // The mask is narrowed to the configuration's window and sinks. Caches: one for each layer, or
  // none; they are for writing, inside NoGrad.
  [[nodiscard]] EncoderOutput forward(const Variable& x, const Mask& mask = {},
                                      bool need_weights = true,
                                      std::vector<KeyValueCache>* caches = nullptr);

  std::vector<std::unique_ptr<EncoderLayer>> layers;

 private:
  int64_t window_, sinks_;
};

// One class for every position: the model of the toy tasks. Its input layer is a Linear on one-hot
// vectors, its output a small perceptron: Linear, LayerNorm, ReLU, Linear.
class EncoderClassifier : public Module {
 public:
  // Throws std::invalid_argument if a size is below 1, width % heads != 0, heads % kv_heads != 0,
  // dropout is outside [0, 1), or embeddings are to be tied: input and output have none.
  EncoderClassifier(const TransformerConfig& config, lib::Generator& generator);

  // tokens (B, T) int64 -> logits (B, T, vocab). Throws std::invalid_argument for a token outside
  // [0, vocab) or a sequence longer than max_length.
  [[nodiscard]] EncoderOutput forward(const Tensor& tokens, const Mask& mask = {},
                                      bool need_weights = true);

  Linear input;
  TransformerEncoder encoder;
  Linear output1;
  LayerNorm output_norm;
  Linear output2;

 private:
  int64_t vocab_;
  Dropout input_dropout_, output_dropout_;
  AddedPositions positions_;
};

}  // namespace qkv::nn
