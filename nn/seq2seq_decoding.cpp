// A Seq2Seq that writes: the source is encoded once, and every symbol received is one step of the
// decoder. Rows may be put in another order, as beam search does.
#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/seq2seq.h"
#include "tensor/index.h"

namespace qkv::nn {
namespace {

Variable picked(const Variable& x, const Tensor& rows) {
  return x.defined() ? Variable(tensor::index_select(x.value(), 0, rows)) : x;
}

class Decoding : public NextSymbol {
 public:
  Decoding(Seq2Seq& model, EncodedSource encoded)
      : model_(model), encoded_(std::move(encoded)), seen_(encoded_) {
    state_ = model_.first_state(encoded_);
    const int64_t rows = encoded_.states.back().h.shape()[0];
    for (int64_t row = 0; row < rows; ++row) source_.push_back(row);
  }

  Tensor next(const Tensor& symbols) override {
    const auto rows = static_cast<int64_t>(source_.size());
    if (symbols.shape() != Shape{rows}) {
      lib::fail("Seq2Seq: symbols are ", symbols.shape(), "; need one for each of ", rows, " rows");
    }
    const autograd::NoGrad no_grad;
    const auto [attentional, weights] = model_.step(model_.embed_target(symbols), seen_, state_);
    weights_ = weights.value();
    return model_.logits(attentional).value();  // (R, vocab)
  }

  void reorder(const std::vector<int64_t>& rows) override {
    const Tensor index = Tensor::of(rows, {static_cast<int64_t>(rows.size())});
    for (RecurrentState& state : state_.states) {
      state = {picked(state.h, index), picked(state.c, index)};
    }
    state_.fed = picked(state_.fed, index);
    if (weights_.defined()) weights_ = tensor::index_select(weights_, 0, index);
    std::vector<int64_t> source;
    for (const int64_t row : rows) source.push_back(source_[static_cast<size_t>(row)]);
    if (source != source_) look_at(source);
  }

  [[nodiscard]] Tensor weights() const override { return weights_; }

 private:
  // Row r looks at source[r]. The rows of one beam share their source: among themselves they may
  // change places, and nothing of it is copied.
  void look_at(std::vector<int64_t> source) {
    source_ = std::move(source);
    const Tensor index = Tensor::of(source_, {static_cast<int64_t>(source_.size())});
    const AttentionMemory& all = encoded_.memory;
    seen_.context = picked(encoded_.context, index);
    seen_.memory = {picked(all.keys, index), picked(all.values, index), picked(all.prepared, index),
                    all.mask};
    if (all.mask.restricts()) {
      seen_.memory.mask = Mask::allow(tensor::index_select(all.mask.allowed(), 0, index));
    }
  }

  Seq2Seq& model_;
  EncodedSource encoded_;  // of the sources given
  EncodedSource seen_;     // of the rows that are written
  std::vector<int64_t> source_;
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
