// What the lab trains: one face for all models. A model gives lessons (a loss to go down), and once
// it has learned, answers.
//
//   encoder           every place of the question is answered at once      one softmax per place
//                     (of a text: some characters are hidden, and filled in)
//   decoder           question, BOS, answer: continued symbol by symbol    causal
//   encoder_decoder   the question is encoded; the decoder looks at it     cross-attention
//   seq2seq           the same with recurrent nets                         attention=none ... local
//
// Next: models/encoder.cpp, the simplest.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "examples/lab/config.h"
#include "examples/lab/tasks.h"
#include "nn/module.h"

namespace qkv::examples {

// The loss of a batch, averaged over the positions that count, and how many of them were right when
// each symbol was predicted from the true ones before it.
struct Lesson {
  autograd::Variable loss;  // ()
  int64_t right = 0, counted = 0;
};

// One attention map: rows are queries, columns are keys.
struct Look {
  std::string title;       // "layer 1, head 2"; "" if there is only one
  tensor::Tensor weights;  // (Tq, Tk)
  std::vector<std::string> rows, columns;
  bool on_source = false;  // rows are the target's symbols, columns the source's
};

class Model {
 public:
  virtual ~Model() = default;

  [[nodiscard]] virtual nn::Module& module() = 0;

  // Recorded, so that backward can follow, unless recording is off.
  [[nodiscard]] virtual Lesson lesson(const Batch& batch) = 0;

  // The answer to each question of the batch, without looking at the targets; without recording.
  [[nodiscard]] virtual std::vector<Sequence> answer(const Batch& batch) = 0;

  // What it does with a text: lines that a decoder makes up, as the configuration's `decoding`
  // says; what an encoder puts into gaps. Of a model that answers questions, none. Without
  // recording.
  [[nodiscard]] virtual std::vector<std::string> samples(int64_t count) {
    static_cast<void>(count);
    return {};
  }

  // What it is given and what it is asked for, of two short sequences of a batch: a table for a
  // model that writes symbol by symbol, "" for others.
  [[nodiscard]] virtual std::string lesson_table(const Batch& batch) {
    static_cast<void>(batch);
    return "";
  }

  // Where the model looks in sequence number 0 of the batch, when it writes that target.
  [[nodiscard]] virtual std::vector<Look> looks(const Batch& batch) = 0;

  // "encoder, width 32, heads 1, layers 1"
  [[nodiscard]] virtual std::string description() const = 0;
};

// The model that a configuration describes, with weights drawn from its seed. Throws
// std::invalid_argument if the sizes do not fit each other, or for a kind that is not trained by
// steps (ngram).
[[nodiscard]] std::unique_ptr<Model> make_model(const Config& config);

// What the kinds share:

// logits (B, T, symbols), expected (B, T) with kIgnored where nothing counts.
[[nodiscard]] Lesson lesson_of(const autograd::Variable& logits, const tensor::Tensor& expected,
                               double label_smoothing);

constexpr int64_t kIgnored = -100;

// What the kinds are made by; each is in its own file of models/.
[[nodiscard]] std::unique_ptr<Model> make_encoder(const Config& config, const Task& task);
[[nodiscard]] std::unique_ptr<Model> make_masked_encoder(const Config& config, const Task& task);
[[nodiscard]] std::unique_ptr<Model> make_decoder(const Config& config, const Task& task);
[[nodiscard]] std::unique_ptr<Model> make_encoder_decoder(const Config& config, const Task& task);
[[nodiscard]] std::unique_ptr<Model> make_seq2seq(const Config& config, const Task& task);

}  // namespace qkv::examples
