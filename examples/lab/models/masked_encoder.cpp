// The encoder of the lab on a text: some characters are hidden, and it fills them in from both
// sides (nn/masked_tokens.h).
#include "nn/masked_tokens.h"

#include "examples/lab/models/shared.h"
#include "tensor/reduce.h"

namespace qkv::examples {
namespace {

class MaskedEncoderModel : public Model {
 public:
  MaskedEncoderModel(const Config& config, const Task& task)
      : config_(config),
        task_(task),
        generator_(static_cast<uint64_t>(config.seed)),
        net_(transformer_config(config, task.target_symbols + 1, longest_target(task)),
             generator_) {}

  nn::Module& module() override { return net_; }

  Lesson lesson(const Batch& batch) override {
    const nn::MaskedTokens masked = hide(batch);
    return lesson_of(logits(masked.input, batch.target_lengths), masked.targets,
                     smoothing(config_, net_));
  }

  // There is no question: what it answers is in its samples.
  std::vector<Sequence> answer(const Batch& batch) override {
    return unpadded(batch.target, batch.target_lengths);
  }

  // "the c_t s_t  ->  the cat sat": _ is hidden.
  std::vector<std::string> samples(int64_t count) override {
    const Quiet quiet(net_);
    const Batch batch = make_batch(task_, Split::test, 0, count);
    const nn::MaskedTokens masked = hide(batch);
    const auto shown = unpadded(masked.input, batch.target_lengths);
    const auto asked = unpadded(masked.targets, batch.target_lengths);
    const auto guessed =
        unpadded(tensor::argmax(logits(masked.input, batch.target_lengths).value(), -1),
                 batch.target_lengths);
    std::vector<std::string> lines;
    for (size_t b = 0; b < shown.size(); ++b) {
      std::string line, filled;
      for (size_t t = 0; t < shown[b].size(); ++t) {
        const int64_t symbol = shown[b][t];
        line += symbol == task_.target_symbols ? "_" : target_text(task_, {symbol});
        filled += target_text(task_, {asked[b][t] == kIgnored ? symbol : guessed[b][t]});
      }
      lines.push_back(line + "  ->  " + filled);
    }
    return lines;
  }

  std::vector<Look> looks(const Batch& batch) override {
    const Quiet quiet(net_);
    const Batch first = first_of(batch);
    const auto labels = target_labels(task_, unpadded(first.target, first.target_lengths).front());
    return looks_of(net_.forward(first.target).weights, labels, labels, false);
  }

  std::string description() const override { return "masked " + transformer_description(config_); }

 private:
  // In training other characters each time; else always the same, so that figures can be compared.
  nn::MaskedTokens hide(const Batch& batch) {
    lib::Generator fixed(0);
    return nn::mask_tokens(batch.target, batch.target_lengths,
                           {.vocab = task_.target_symbols, .mask_symbol = task_.target_symbols},
                           net_.training() ? generator_ : fixed);
  }

  autograd::Variable logits(const tensor::Tensor& input, const std::vector<int64_t>& lengths) {
    return net_.forward(input, nn::Mask::padding(lengths, input.shape()[1]), false).output;
  }

  Config config_;
  Task task_;
  lib::Generator generator_;
  nn::EncoderClassifier net_;
};

}  // namespace

std::unique_ptr<Model> make_masked_encoder(const Config& config, const Task& task) {
  return std::make_unique<MaskedEncoderModel>(config, task);
}

}  // namespace qkv::examples
