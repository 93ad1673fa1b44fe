// For the tests of Seq2Seq: every form of it, small, and a batch of sources to look at.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "lib/text.h"
#include "nn/seq2seq.h"

namespace qkv::tests {

inline constexpr nn::SourceAttention kEveryAttention[] = {
    nn::SourceAttention::none,       nn::SourceAttention::additive, nn::SourceAttention::dot,
    nn::SourceAttention::scaled_dot, nn::SourceAttention::general,  nn::SourceAttention::concat,
    nn::SourceAttention::local};

// Vocabularies of 7 and 8, states of 4 in each direction.
inline nn::Seq2SeqConfig small(nn::SourceAttention attention) {
  return {.source_vocab = 7,
          .target_vocab = 8,
          .embedding = 3,
          .hidden = 4,
          .attention = attention,
          .window = 2};
}

// With every attention: cells, layers, directions and input feeding take turns.
inline std::vector<nn::Seq2SeqConfig> every_form() {
  std::vector<nn::Seq2SeqConfig> forms;
  for (const nn::SourceAttention attention : kEveryAttention) {
    for (const bool feeding : {false, true}) {
      nn::Seq2SeqConfig config = small(attention);
      config.input_feeding = feeding;
      config.cell = static_cast<nn::Cell>(forms.size() % 3);
      config.bidirectional = forms.size() % 4 != 3;
      config.layers = forms.size() % 5 == 2 ? 2 : 1;
      forms.push_back(config);
    }
  }
  return forms;
}

inline std::string name_of(const nn::Seq2SeqConfig& config) {
  return lib::str("attention ", static_cast<int>(config.attention), ", cell ",
                  static_cast<int>(config.cell), config.input_feeding ? ", feeding" : "");
}

inline std::unique_ptr<nn::Seq2Seq> make_model(const nn::Seq2SeqConfig& config,
                                               tensor::Dtype dtype = tensor::Dtype::float64) {
  lib::Generator generator(3);
  auto model = std::make_unique<nn::Seq2Seq>(config, generator);
  model->to(dtype);
  return model;
}

// Numbers below `vocab`, other ones for every seed.
inline tensor::Tensor symbols(const tensor::Shape& shape, int64_t vocab, uint64_t seed) {
  lib::Generator generator(seed);
  return tensor::integers(shape, 0, vocab, generator);
}

}  // namespace qkv::tests
