// Both ends of a Transformer. Shapes: B batch, T sequence, C width.
#include "nn/tokens.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/index.h"

namespace qkv::nn {
namespace {

double root_of_width(const TransformerConfig& config) {
  return std::sqrt(static_cast<double>(config.width));
}

bool scaled(const TransformerConfig& config) { return config.positions == Positions::sinusoidal; }

}  // namespace

TokenInput::TokenInput(const char* model, int64_t vocab, const TransformerConfig& config,
                       lib::Generator& generator)
    : embedding(vocab, config.width, generator, scaled(config) ? 1 / root_of_width(config) : 0.02),
      positions(model, config.positions, config.max_length, config.width, generator),
      model_(model),
      scale_(scaled(config) ? root_of_width(config) : 1),
      dropout_(config.dropout, generator) {
  add("embedding", embedding);
  add("positions", positions);
  add("dropout", dropout_);
}

Variable TokenInput::forward(const Tensor& tokens, int64_t first) {
  if (tokens.rank() != 2) lib::fail(model_, ": tokens are ", tokens.shape(), "; need (B, T)");
  const Variable rows = embedding.forward(tokens);        // (B, T, C)
  const Variable x = scale_ == 1 ? rows : rows * scale_;  // (B, T, C)
  return dropout_.forward(positions.forward(x, first));   // (B, T, C)
}

Mask padding_of(const char* model, const Tensor& tokens, const std::vector<int64_t>& lengths) {
  if (lengths.empty()) return {};
  tensor::check_lengths(model, lengths, tokens.shape()[0], tokens.shape()[1]);
  return Mask::padding(lengths, tokens.shape()[1]);
}

TokenOutput::TokenOutput(int64_t vocab, const TransformerConfig& config,
                         lib::Generator& generator) {
  if (config.norm == Norm::pre) {
    norm = std::make_unique<LayerNorm>(config.width);
    add("norm", *norm);
  }
  if (!config.tied_embeddings) {
    linear = std::make_unique<Linear>(config.width, vocab, generator);
    add("linear", *linear);
  }
}

Variable TokenOutput::forward(const Variable& x, const Variable& table) const {
  const Variable normed = norm ? norm->forward(x) : x;  // (B, T, C)
  return linear ? linear->forward(normed) : autograd::linear(normed, table);
}

}  // namespace qkv::nn
