// A Seq2Seq that writes: the source is encoded once, and every symbol received is one step of the
// decoder. Rows may be put in another order, as beam search does.
#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/kv_cache.h"
#include "nn/seq2seq.h"

namespace qkv::nn {
namespace {

// What a model leaves out stays undefined.
Variable chosen(const Variable& x, const std::vector<int64_t>& rows) {
  return x.defined() ? Variable(chosen_rows(x.value(), rows)) : x;
}

class Decoding : public NextSymbol {
 public:
  Decoding(Seq2Seq& model, EncodedSource encoded)
      : model_(model), encoded_(std::move(encoded)), state_(model_.first_state(encoded_)) {
    const int64_t rows = encoded_.states.back().h.shape()[0];
    for (int64_t row = 0; row < rows; ++row) sources_.push_back(row);
  }

  Tensor next(const Tensor& symbols) override {
    const auto rows = static_cast<int64_t>(sources_.size());
    if (symbols.shape() != Shape{rows}) {
      lib::fail("Seq2Seq: symbols are ", symbols.shape(), "; need one for each of ", rows, " rows");
    }
    const autograd::NoGrad no_grad;
    const auto [attentional, weights] = model_.step(model_.embed_target(symbols), encoded_, state_);
    weights_ = weights.value();
    return model_.logits(attentional).value();  // (R, vocab)
  }

  // The rows of one beam share their source: among themselves they may change places, and nothing
  // of the source is copied.
  void reorder(const std::vector<int64_t>& rows) override {
    for (RecurrentState& state : state_.states) {
      state = {chosen(state.h, rows), chosen(state.c, rows)};
    }
    state_.fed = chosen(state_.fed, rows);
    if (weights_.defined()) weights_ = chosen_rows(weights_, rows);
    std::vector<int64_t> sources;
    for (const int64_t row : rows) sources.push_back(sources_[static_cast<size_t>(row)]);
    if (sources == sources_) return;
    sources_ = std::move(sources);
    encoded_.context = chosen(encoded_.context, rows);
    AttentionMemory& memory = encoded_.memory;
    memory.keys = chosen(memory.keys, rows);
    memory.values = chosen(memory.values, rows);
    memory.prepared = chosen(memory.prepared, rows);
    if (memory.mask.restricts()) {
      memory.mask = Mask::allow(chosen_rows(memory.mask.allowed(), rows));
    }
  }

  [[nodiscard]] Tensor weights() const override { return weights_; }

 private:
  Seq2Seq& model_;
  EncodedSource encoded_;         // of the rows that are written: row r looks at
  std::vector<int64_t> sources_;  // source number sources_[r] of those given
  DecoderState state_;
  Tensor weights_;
};

}  // namespace

std::unique_ptr<NextSymbol> Seq2Seq::begin(const Tensor& source,
                                           const std::vector<int64_t>& source_lengths) {
  require_no_dropout("Seq2Seq", training(), config.dropout);
  const autograd::NoGrad no_grad;
  return std::make_unique<Decoding>(*this, encode(source, source_lengths));
}

}  // namespace qkv::nn
