// What the encoder-decoders of the lab have in common, recurrent or not: a question is read, and
// its answer is written from BOS on, symbol by symbol, up to EOS.
//
//   question 7 3 1, answer 1 3 7      BOS 1  3  7          goes into the decoder
//                                     1   3  7  EOS        is expected
//
// Next: encoder_decoder.cpp, seq2seq.cpp.
#pragma once

#include "examples/lab/models/shared.h"

namespace qkv::examples {

class Writer : public Model {
 public:
  Writer(const Config& config, const Task& task);

  Lesson lesson(const Batch& batch) override;
  std::string lesson_table(const Batch& batch) override;
  std::vector<Sequence> answer(const Batch& batch) override;
  std::vector<Look> looks(const Batch& batch) override;

 protected:
  // The scores of what follows each symbol of the input (B, T): (B, T, target_symbols + 2).
  [[nodiscard]] virtual autograd::Variable logits(const Batch& batch,
                                                  const tensor::Tensor& input) = 0;

  // Ready to write, a row for each question.
  [[nodiscard]] virtual std::unique_ptr<nn::NextSymbol> begin(const Batch& batch) = 0;

  // Where it looks in the question of a batch of one: rows are its answer, columns its question.
  [[nodiscard]] virtual std::vector<Look> maps(const Batch& batch, const tensor::Tensor& input,
                                               const std::vector<std::string>& rows,
                                               const std::vector<std::string>& columns) = 0;

  Config config_;
  Task task_;
  int64_t bos_, eos_;  // the two symbols behind those of the answers
  lib::Generator generator_;
};

}  // namespace qkv::examples
