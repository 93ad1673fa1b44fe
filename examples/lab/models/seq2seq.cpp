// The recurrent encoder-decoder of the lab, with one fixed vector between its halves, or with
// attention.
#include "nn/seq2seq.h"

#include "examples/lab/models/writer.h"
#include "examples/lab/words.h"
#include "lib/text.h"
#include "tensor/views.h"

namespace qkv::examples {
namespace {

nn::Seq2SeqConfig sizes(const Config& config, const Task& task) {
  const ModelConfig& m = config.model;
  using enum nn::SourceAttention;
  return {
      .source_vocab = task.source_symbols,
      .target_vocab = task.target_symbols + 2,
      .embedding = m.embedding,
      .hidden = m.width,
      .layers = m.layers,
      .cell = named<nn::Cell>(
          m.cell, {{"rnn", nn::Cell::rnn}, {"gru", nn::Cell::gru}, {"lstm", nn::Cell::lstm}}),
      .bidirectional = m.bidirectional,
      .attention = named<nn::SourceAttention>(m.attention, {{"none", none},
                                                            {"additive", additive},
                                                            {"dot", dot},
                                                            {"scaled_dot", scaled_dot},
                                                            {"general", general},
                                                            {"concat", concat},
                                                            {"local", local}}),
      .input_feeding = m.input_feeding,
      .dropout = m.dropout,
  };
}

class Seq2SeqModel : public Writer {
 public:
  Seq2SeqModel(const Config& config, const Task& task)
      : Writer(config, task), net_(sizes(config, task), generator_) {}

  nn::Module& module() override { return net_; }

  std::string description() const override {
    const ModelConfig& m = config_.model;
    return lib::str("seq2seq, ", m.cell, ", width ", m.width, ", attention ", m.attention);
  }

 protected:
  autograd::Variable logits(const Batch& batch, const tensor::Tensor& input) override {
    return net_.forward(batch.source, batch.source_lengths, input).logits;
  }

  std::unique_ptr<nn::NextSymbol> begin(const Batch& batch) override {
    return net_.begin(batch.source, batch.source_lengths);
  }

  std::vector<Look> maps(const Batch& batch, const tensor::Tensor& input,
                         const std::vector<std::string>& rows,
                         const std::vector<std::string>& columns) override {
    const auto out = net_.forward(batch.source, batch.source_lengths, input);
    if (!out.weights.defined()) return {};
    return {{.title = "",
             .weights = tensor::select(out.weights.value(), 0, 0),  // (T, S)
             .rows = rows,
             .columns = columns,
             .on_source = true}};
  }

 private:
  nn::Seq2Seq net_;
};

}  // namespace

std::unique_ptr<Model> make_seq2seq(const Config& config, const Task& task) {
  return std::make_unique<Seq2SeqModel>(config, task);
}

}  // namespace qkv::examples
