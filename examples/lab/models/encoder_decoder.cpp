// The encoder-decoder of the lab: the Transformer of 2017, reading a question and writing its
// answer.
#include "nn/encoder_decoder.h"

#include "examples/lab/models/writer.h"

namespace qkv::examples {
namespace {

class EncoderDecoderModel : public Writer {
 public:
  EncoderDecoderModel(const Config& config, const Task& task)
      : Writer(config, task), net_(sizes(config, task), generator_) {}

  nn::Module& module() override { return net_; }

  std::string description() const override { return transformer_description(config_); }

 protected:
  autograd::Variable logits(const Batch& batch, const tensor::Tensor& input) override {
    return net_.forward(batch.source, batch.source_lengths, input, /*need_weights=*/false).logits;
  }

  std::unique_ptr<nn::NextSymbol> begin(const Batch& batch) override {
    return net_.begin(batch.source, batch.source_lengths, /*need_weights=*/false);
  }

  std::vector<Look> maps(const Batch& batch, const tensor::Tensor& input,
                         const std::vector<std::string>& rows,
                         const std::vector<std::string>& columns) override {
    const auto out = net_.forward(batch.source, batch.source_lengths, input);
    return looks_of(out.cross_weights, rows, columns, true);
  }

 private:
  static nn::TransformerConfig sizes(const Config& config, const Task& task) {
    nn::TransformerConfig sizes = transformer_config(
        config, task.target_symbols + 2, std::max(longest_source(task), longest_target(task) + 2));
    sizes.source_vocab = task.source_symbols;
    return sizes;
  }

  nn::EncoderDecoder net_;
};

}  // namespace

std::unique_ptr<Model> make_encoder_decoder(const Config& config, const Task& task) {
  return std::make_unique<EncoderDecoderModel>(config, task);
}

}  // namespace qkv::examples
