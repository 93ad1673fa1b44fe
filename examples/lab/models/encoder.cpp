// The encoder of the lab: a symbol for each place of the question, all at once.
#include "examples/lab/models/shared.h"
#include "tensor/reduce.h"

namespace qkv::examples {
namespace {

class EncoderModel : public Model {
 public:
  EncoderModel(const Config& config, const Task& task)
      : config_(config),
        task_(task),
        generator_(static_cast<uint64_t>(config.seed)),
        net_(transformer_config(config, std::max(task.source_symbols, task.target_symbols),
                                longest_source(task)),
             generator_) {}

  nn::Module& module() override { return net_; }

  Lesson lesson(const Batch& batch) override {
    tensor::Tensor expected = batch.target;
    if (is_padded(batch)) {
      expected = padded(unpadded(batch.target, batch.target_lengths), kIgnored);
    }
    return lesson_of(logits(batch), expected, smoothing(config_, net_));
  }

  std::vector<Sequence> answer(const Batch& batch) override {
    const Quiet quiet(net_);
    return unpadded(tensor::argmax(logits(batch).value(), -1), batch.source_lengths);
  }

  std::vector<Look> looks(const Batch& batch) override {
    const Quiet quiet(net_);
    const Batch first = first_of(batch);
    const auto labels = source_labels(task_, unpadded(first.source, first.source_lengths).front());
    return looks_of(net_.forward(first.source).weights, labels, labels, false);
  }

  std::string description() const override { return transformer_description(config_); }

 private:
  static bool is_padded(const Batch& batch) {
    for (const int64_t length : batch.source_lengths) {
      if (length != batch.source.shape()[1]) return true;
    }
    return false;
  }

  autograd::Variable logits(const Batch& batch) {
    const nn::Mask mask = is_padded(batch)
                              ? nn::Mask::padding(batch.source_lengths, batch.source.shape()[1])
                              : nn::Mask();
    return net_.forward(batch.source, mask, /*need_weights=*/false).output;  // (B, T, symbols)
  }

  Config config_;
  Task task_;
  lib::Generator generator_;
  nn::EncoderClassifier net_;
};

}  // namespace

std::unique_ptr<Model> make_encoder(const Config& config, const Task& task) {
  return std::make_unique<EncoderModel>(config, task);
}

}  // namespace qkv::examples
