// The recurrent encoder-decoder of the lab, with one fixed vector between its halves, or with
// attention.
#include "nn/seq2seq.h"

#include "examples/lab/models/shared.h"
#include "lib/text.h"
#include "nn/teacher_forcing.h"
#include "tensor/views.h"

namespace qkv::examples {
namespace {

template <class Kind>
Kind kind_named(const std::string& name, const std::vector<std::pair<const char*, Kind>>& kinds) {
  for (const auto& [known, kind] : kinds) {
    if (name == known) return kind;
  }
  lib::fail("seq2seq: unknown '", name, "'");
}

nn::Seq2SeqConfig sizes(const Config& config, const Task& task) {
  const ModelConfig& m = config.model;
  using enum nn::SourceAttention;
  return {
      .source_vocab = task.source_symbols,
      .target_vocab = task.target_symbols + 2,
      .embedding = m.embedding,
      .hidden = m.width,
      .layers = m.layers,
      .cell = kind_named<nn::Cell>(
          m.cell, {{"rnn", nn::Cell::rnn}, {"gru", nn::Cell::gru}, {"lstm", nn::Cell::lstm}}),
      .bidirectional = m.bidirectional == "yes",
      .attention = kind_named<nn::SourceAttention>(m.attention, {{"none", none},
                                                                 {"additive", additive},
                                                                 {"dot", dot},
                                                                 {"scaled_dot", scaled_dot},
                                                                 {"general", general},
                                                                 {"concat", concat},
                                                                 {"local", local}}),
      .input_feeding = m.input_feeding == "yes",
      .dropout = m.dropout,
  };
}

class Seq2SeqModel : public Model {
 public:
  Seq2SeqModel(const Config& config, const Task& task)
      : config_(config),
        task_(task),
        bos_(task.target_symbols),
        eos_(task.target_symbols + 1),
        generator_(static_cast<uint64_t>(config.seed)),
        net_(sizes(config, task), generator_) {}

  nn::Module& module() override { return net_; }

  Lesson lesson(const Batch& batch) override {
    const auto taught = nn::teacher_forcing(batch.target, batch.target_lengths, bos_, eos_);
    const auto out = net_.forward(batch.source, batch.source_lengths, taught.input);
    return lesson_of(out.logits, taught.expected, smoothing(config_, net_));
  }

  std::string lesson_table(const Batch& batch) override {
    return taught_table(task_, batch, bos_, eos_);
  }

  std::vector<Sequence> answer(const Batch& batch) override {
    const Quiet quiet(net_);
    const auto next = net_.begin(batch.source, batch.source_lengths);
    return written_answers(*next, batch.source.shape()[0],
                           {.bos = bos_, .eos = eos_, .max_length = longest_target(task_) + 1},
                           config_);
  }

  std::vector<Look> looks(const Batch& batch) override {
    const Quiet quiet(net_);
    const Batch first = first_of(batch);
    const auto taught = nn::teacher_forcing(first.target, first.target_lengths, bos_, eos_);
    const auto out = net_.forward(first.source, first.source_lengths, taught.input);
    if (!out.weights.defined()) return {};
    return {{.title = "",
             .weights = tensor::select(out.weights.value(), 0, 0),  // (T, S)
             .rows = labels_to_end(task_, unpadded(first.target, first.target_lengths).front()),
             .columns = source_labels(task_, unpadded(first.source, first.source_lengths).front()),
             .on_source = true}};
  }

  std::string description() const override {
    const ModelConfig& m = config_.model;
    return lib::str("seq2seq, ", m.cell, ", width ", m.width, ", attention ", m.attention);
  }

 private:
  Config config_;
  Task task_;
  int64_t bos_, eos_;
  lib::Generator generator_;
  nn::Seq2Seq net_;
};

}  // namespace

std::unique_ptr<Model> make_seq2seq(const Config& config, const Task& task) {
  return std::make_unique<Seq2SeqModel>(config, task);
}

}  // namespace qkv::examples
