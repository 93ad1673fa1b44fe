// Sizes, sequences, maps and answers.
#include "examples/lab/models/shared.h"

#include <algorithm>

#include "examples/lab/words.h"
#include "lib/text.h"
#include "nn/teacher_forcing.h"
#include "tensor/views.h"

namespace qkv::examples {
nn::TransformerConfig transformer_config(const Config& config, int64_t vocab, int64_t max_length) {
  const ModelConfig& m = config.model;
  using enum nn::Variation;
  using At = nn::Positions;
  return {
      .vocab = vocab,
      .width = m.width,
      .heads = m.heads,
      .kv_heads = m.kv_heads,
      .window = m.window,
      .sinks = m.sinks,
      .layers = m.layers,
      .feed_forward = m.feed_forward,
      .max_length = max_length,
      .dropout = m.dropout,
      .norm = named<nn::Norm>(m.norm, {{"post", nn::Norm::post}, {"pre", nn::Norm::pre}}),
      .positions = named<At>(m.positions, {{"none", At::none},
                                           {"sinusoidal", At::sinusoidal},
                                           {"learned", At::learned},
                                           {"rotary", At::rotary},
                                           {"alibi", At::alibi}}),
      .variation = named<nn::Variation>(m.variation, {{"none", none},
                                                      {"soft_cap", soft_cap},
                                                      {"sink", sink},
                                                      {"kernel", kernel},
                                                      {"hard", hard},
                                                      {"linear", linear}}),
      .tied_embeddings = m.tied,
  };
}

double smoothing(const Config& config, const nn::Module& module) {
  return module.training() ? config.label_smoothing : 0;
}

std::string transformer_description(const Config& config) {
  const ModelConfig& m = config.model;
  return lib::str(m.variation == "none" ? "" : m.variation + " attention, ", m.kind, ", width ",
                  m.width, ", heads ", m.heads, ", layers ", m.layers);
}

int64_t longest_source(const Task& task) {
  return std::max(task.longest_source(Split::test), task.longest_source(Split::longer));
}

int64_t longest_target(const Task& task) {
  return std::max(task.longest_target(Split::test), task.longest_target(Split::longer));
}

std::vector<Look> looks_of(const std::vector<autograd::Variable>& layers,
                           const std::vector<std::string>& rows,
                           const std::vector<std::string>& columns, bool on_source) {
  std::vector<Look> looks;
  for (size_t layer = 0; layer < layers.size(); ++layer) {
    const tensor::Tensor weights = tensor::select(layers[layer].value(), 0, 0);  // (H, Tq, Tk)
    for (int64_t head = 0; head < weights.shape()[0]; ++head) {
      looks.push_back({.title = lib::str("layer ", layer + 1, ", head ", head + 1),
                       .weights = tensor::select(weights, 0, head),  // (Tq, Tk)
                       .rows = rows,
                       .columns = columns,
                       .on_source = on_source});
    }
  }
  return looks;
}

Batch first_of(const Batch& batch) {
  const auto alone = [](const tensor::Tensor& symbols, int64_t length) {
    return tensor::slice(tensor::slice(symbols, 0, 0, 1), 1, 0, length);  // (1, length)
  };
  const int64_t S = batch.source_lengths.front(), T = batch.target_lengths.front();
  return {.source = alone(batch.source, S),
          .target = alone(batch.target, T),
          .source_lengths = {S},
          .target_lengths = {T},
          .links = {}};
}

std::vector<std::string> labels_to_end(const Task& task, const Sequence& symbols) {
  std::vector<std::string> labels = target_labels(task, symbols);
  labels.emplace_back("end");
  return labels;
}

Quiet::Quiet(nn::Module& module) : module_(module), training_(module.training()) { module_.eval(); }

Quiet::~Quiet() { module_.train(training_); }

std::string taught_table(const Task& task, const Batch& batch, int64_t bos, int64_t eos) {
  std::vector<Sequence> targets = unpadded(batch.target, batch.target_lengths);
  std::stable_sort(targets.begin(), targets.end(),
                   [](const Sequence& a, const Sequence& b) { return a.size() < b.size(); });
  targets.resize(std::min<size_t>(targets.size(), 2));
  std::vector<int64_t> lengths;
  for (const Sequence& target : targets) lengths.push_back(static_cast<int64_t>(target.size()));
  return nn::teacher_forcing_table(padded(targets), lengths, bos, eos, [&](int64_t symbol) {
    const std::string label = target_text(task, {symbol});
    return label == " " || label == "." ? "'" + label + "'" : label;
  });
}

std::vector<Sequence> written_answers(nn::NextSymbol& next, int64_t rows,
                                      const nn::DecodingOptions& options, const Config& config) {
  const nn::Decoded decoded =
      config.decoding.beam == 1
          ? nn::greedy(next, rows, options)
          : nn::beam_search(next, rows, options, {.width = config.decoding.beam});
  return decoded.symbols;
}

}  // namespace qkv::examples
