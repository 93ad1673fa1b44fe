// The encoder-decoder of the lab: the Transformer of 2017, reading a question and writing its
// answer.
#include "nn/encoder_decoder.h"
#include "examples/lab/models/shared.h"
#include "nn/teacher_forcing.h"

namespace qkv::examples {
namespace {

class EncoderDecoderModel : public Model {
 public:
  EncoderDecoderModel(const Config& config, const Task& task)
      : config_(config),
        task_(task),
        bos_(task.target_symbols),
        eos_(task.target_symbols + 1),
        generator_(static_cast<uint64_t>(config.seed)),
        net_(sizes(config, task), generator_) {}

  nn::Module& module() override { return net_; }

  Lesson lesson(const Batch& batch) override {
    const auto taught = nn::teacher_forcing(batch.target, batch.target_lengths, bos_, eos_);
    const auto out =
        net_.forward(batch.source, batch.source_lengths, taught.input, /*need_weights=*/false);
    return lesson_of(out.logits, taught.expected, smoothing(config_, net_));
  }

  std::string lesson_table(const Batch& batch) override {
    return taught_table(task_, batch, bos_, eos_);
  }

  std::vector<Sequence> answer(const Batch& batch) override {
    const Quiet quiet(net_);
    const auto next = net_.begin(batch.source, batch.source_lengths, /*need_weights=*/false);
    return written_answers(*next, batch.source.shape()[0],
                           {.bos = bos_, .eos = eos_, .max_length = longest_target(task_) + 1},
                           config_);
  }

  std::vector<Look> looks(const Batch& batch) override {
    const Quiet quiet(net_);
    const Batch first = first_of(batch);
    const auto taught = nn::teacher_forcing(first.target, first.target_lengths, bos_, eos_);
    const auto out = net_.forward(first.source, first.source_lengths, taught.input);
    return looks_of(out.cross_weights,
                    labels_to_end(task_, unpadded(first.target, first.target_lengths).front()),
                    source_labels(task_, unpadded(first.source, first.source_lengths).front()),
                    true);
  }

  std::string description() const override { return transformer_description(config_); }

 private:
  static nn::TransformerConfig sizes(const Config& config, const Task& task) {
    nn::TransformerConfig sizes = transformer_config(
        config, task.target_symbols + 2, std::max(longest_source(task), longest_target(task) + 2));
    sizes.source_vocab = task.source_symbols;
    return sizes;
  }

  Config config_;
  Task task_;
  int64_t bos_, eos_;
  lib::Generator generator_;
  nn::EncoderDecoder net_;
};

}  // namespace

std::unique_ptr<Model> make_encoder_decoder(const Config& config, const Task& task) {
  return std::make_unique<EncoderDecoderModel>(config, task);
}

}  // namespace qkv::examples
