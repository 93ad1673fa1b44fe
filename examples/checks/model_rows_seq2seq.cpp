// Rows of the gradient check: sequence to sequence, from symbols to scores, in all parameters. The
// second source is shorter than the first. Scores and weights both receive gradients. Every cell
// meets both kinds of decoder input; the attentions after the step take turns with one cell each.
#include "examples/checks/model_row.h"
#include "examples/checks/model_rows.h"
#include "nn/seq2seq.h"

namespace qkv::examples {
namespace {

using nn::Cell;
using nn::SourceAttention;

const std::pair<std::string, SourceAttention> kAttentions[] = {
    {"none", SourceAttention::none},       {"additive", SourceAttention::additive},
    {"dot", SourceAttention::dot},         {"scaled dot", SourceAttention::scaled_dot},
    {"general", SourceAttention::general}, {"concat", SourceAttention::concat},
    {"local", SourceAttention::local}};
const std::pair<std::string, Cell> kCells[] = {
    {"rnn", Cell::rnn}, {"gru", Cell::gru}, {"lstm", Cell::lstm}};

}  // namespace

void seq2seq_model_rows(std::vector<OpCase>& rows) {
  const auto add = [&rows](std::string variant, const nn::Seq2SeqConfig& config) {
    rows.push_back(
        model_row("seq2seq", std::move(variant), {}, maker<nn::Seq2Seq>(config),
                  [](nn::Seq2Seq& model, const std::vector<Variable>&) {
                    const Tensor source = Tensor::of<int64_t>({2, 0, 1, 1, 2, 0}, {2, 3});
                    const Tensor target = Tensor::of<int64_t>({2, 0, 2, 1}, {2, 2});
                    const auto [logits, weights] = model.forward(source, {3, 2}, target);
                    return weights.defined() ? joined({logits, weights}) : logits;
                  }));
  };
  const nn::Seq2SeqConfig tiny = {.source_vocab = 3,
                                  .target_vocab = 3,
                                  .embedding = 2,
                                  .hidden = 2,
                                  .cell = Cell::rnn,
                                  .window = 2};
  for (const auto& [attention, kind] : kAttentions) {
    const bool before_step = kind == SourceAttention::none || kind == SourceAttention::additive;
    for (const auto& [cell, of_cell] : kCells) {
      nn::Seq2SeqConfig config = tiny;
      config.attention = kind;
      config.cell = of_cell;
      config.bidirectional = of_cell != Cell::lstm;
      if (before_step || static_cast<int>(of_cell) == static_cast<int>(kind) % 3) {
        add(attention + ", " + cell, config);
      }
    }
    nn::Seq2SeqConfig fed = tiny;
    fed.attention = kind;
    fed.input_feeding = true;
    fed.dropout = 0.2;
    add(attention + ", rnn, input feeding, dropout 0.2", fed);
  }
  nn::Seq2SeqConfig deep = tiny;
  deep.layers = 2;
  deep.dropout = 0.2;
  deep.cell = Cell::lstm;
  add("additive, two layers of lstm, dropout 0.2", deep);
}

}  // namespace qkv::examples
