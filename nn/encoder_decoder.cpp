// The encoder-decoder's forward pass, at once and step by step. Shapes: B batch, R rows that are
// written together, S source, T target, C width.
#include "nn/encoder_decoder.h"

#include <numeric>

#include "autograd/engine.h"
#include "lib/text.h"
#include "tensor/views.h"

namespace qkv::nn {

EncoderDecoder::EncoderDecoder(const TransformerConfig& config, lib::Generator& generator)
    : source_input("EncoderDecoder: source", config.source_vocab, config, generator),
      target_input("EncoderDecoder: target", config.vocab, config, generator),
      encoder(config, generator),
      decoder(config, generator),
      output(config.vocab, config, generator),
      max_length_(config.max_length),
      dropout_(config.dropout) {
  add("source_input", source_input);
  add("target_input", target_input);
  add("encoder", encoder);
  if (config.norm == Norm::pre) {
    encoder_norm = std::make_unique<LayerNorm>(config.width);
    add("encoder_norm", *encoder_norm);
  }
  add("decoder", decoder);
  add("output", output);
}

EncoderOutput EncoderDecoder::encode(const Tensor& source,
                                     const std::vector<int64_t>& source_lengths,
                                     bool need_weights) {
  const Variable x = source_input.forward(source);  // (B, S, C)
  const Mask mask = padding_of("EncoderDecoder: source", source, source_lengths);
  EncoderOutput result = encoder.forward(x, mask, need_weights);
  if (encoder_norm) result.output = encoder_norm->forward(result.output);
  return result;
}

EncoderDecoderOutput EncoderDecoder::forward(const Tensor& source,
                                             const std::vector<int64_t>& source_lengths,
                                             const Tensor& target, bool need_weights) {
  if (source.rank() == 2 && target.rank() == 2 && source.shape()[0] != target.shape()[0]) {
    lib::fail("EncoderDecoder: source is ", source.shape(), ", target ", target.shape(),
              "; need a target for each source (same B)");
  }
  const EncoderOutput memory = encode(source, source_lengths, need_weights);
  const DecoderOutput written =
      decoder.forward(target_input.forward(target), memory.output, {},
                      padding_of("EncoderDecoder: source", source, source_lengths), need_weights);
  return {output.forward(written.output, target_input.embedding.weight), memory.weights,
          written.self_weights, written.cross_weights};
}

std::unique_ptr<EncoderDecoderDecoding> EncoderDecoder::begin(
    const Tensor& source, const std::vector<int64_t>& source_lengths, bool need_weights) {
  require_no_dropout("EncoderDecoder", training(), dropout_);
  return std::make_unique<EncoderDecoderDecoding>(*this, source, source_lengths, need_weights);
}

// ---- step by step -------------------------------------------------------------------------------

EncoderDecoderDecoding::EncoderDecoderDecoding(EncoderDecoder& model, const Tensor& source,
                                               const std::vector<int64_t>& source_lengths,
                                               bool need_weights)
    : model_(model), source_lengths_(source_lengths), need_weights_(need_weights) {
  const autograd::NoGrad quiet;
  const Variable memory = model.encode(source, source_lengths, need_weights).output;  // (R, S, C)
  caches_ = model.decoder.make_caches(memory, model.max_length_);
  padding_ = padding_of("EncoderDecoder: source", source, source_lengths);
  sources_.resize(static_cast<size_t>(memory.shape()[0]));
  std::iota(sources_.begin(), sources_.end(), int64_t{0});
}

Tensor EncoderDecoderDecoding::next(const Tensor& symbols) {
  const autograd::NoGrad quiet;
  const Tensor tokens = tensor::reshape(symbols, {symbols.numel(), 1});
  const Variable x = model_.target_input.forward(tokens, caches_.front().self.length());
  const DecoderOutput step =
      model_.decoder.forward(x, caches_, padding_, need_weights_);  // (R, 1, C)
  last_ = {model_.output.forward(step.output, model_.target_input.embedding.weight),
           {},
           step.self_weights,
           step.cross_weights};
  return tensor::select(last_.logits.value(), 1, 0);  // (R, vocab)
}

// The rows of one beam share their source: among themselves they may change places, and nothing of
// the source is copied.
void EncoderDecoderDecoding::reorder(const std::vector<int64_t>& rows) {
  for (DecoderCache& cache : caches_) cache.self.reorder(rows);
  for (Variable& weights : last_.cross_weights) weights = chosen_rows(weights.value(), rows);
  const auto chosen = [&rows](const std::vector<int64_t>& of_rows) {
    std::vector<int64_t> numbers;
    for (const int64_t row : rows) numbers.push_back(of_rows[static_cast<size_t>(row)]);
    return numbers;
  };
  const std::vector<int64_t> sources = chosen(sources_);
  if (sources == sources_) return;
  sources_ = sources;
  for (DecoderCache& cache : caches_) {
    cache.memory.keys = chosen_rows(cache.memory.keys.value(), rows);
    cache.memory.values = chosen_rows(cache.memory.values.value(), rows);
  }
  if (source_lengths_.empty()) return;
  source_lengths_ = chosen(source_lengths_);
  padding_ = Mask::padding(source_lengths_, caches_.front().memory.keys.shape()[2]);
}

Tensor EncoderDecoderDecoding::weights() const {
  if (last_.cross_weights.empty()) return {};
  const Tensor all = last_.cross_weights.back().value();   // (R, H, 1, S)
  return tensor::select(tensor::select(all, 1, 0), 1, 0);  // (R, S)
}

}  // namespace qkv::nn
