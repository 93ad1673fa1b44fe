// What the models of the lab share: sizes from the configuration, sequences in and out of tensors,
// maps out of attention weights.
#pragma once

#include "examples/lab/model.h"
#include "nn/decoding.h"
#include "nn/transformer.h"

namespace qkv::examples {

// vocab and max_length are the model's own affair.
[[nodiscard]] nn::TransformerConfig transformer_config(const Config& config, int64_t vocab,
                                                       int64_t max_length);

// Label smoothing is a matter of training; what is measured afterwards is -ln p.
[[nodiscard]] double smoothing(const Config& config, const nn::Module& module);

// "encoder, width 32, heads 1, layers 1"
[[nodiscard]] std::string transformer_description(const Config& config);

// The longest question, and the longest answer, of any split.
[[nodiscard]] int64_t longest_source(const Task& task);
[[nodiscard]] int64_t longest_target(const Task& task);

// One map for each layer and head of weights (1, H, Tq, Tk).
[[nodiscard]] std::vector<Look> looks_of(const std::vector<autograd::Variable>& layers,
                                         const std::vector<std::string>& rows,
                                         const std::vector<std::string>& columns, bool on_source);

// Sequence number 0 of a batch, alone and without padding.
[[nodiscard]] Batch first_of(const Batch& batch);

// target_labels, and "end" behind them.
[[nodiscard]] std::vector<std::string> labels_to_end(const Task& task, const Sequence& symbols);

// Evaluation mode without recording, until the end of the scope.
class Quiet {
 public:
  explicit Quiet(nn::Module& module);
  ~Quiet();
  Quiet(const Quiet&) = delete;
  Quiet& operator=(const Quiet&) = delete;

 private:
  autograd::NoGrad no_grad_;
  nn::Module& module_;
  bool training_;
};

// What a decoder reads, what it should say, and what of that counts: of two short answers. A space
// and a full stop, which elsewhere in the table stand for nothing, are in quotes.
[[nodiscard]] std::string taught_table(const Task& task, const Batch& batch, int64_t bos,
                                       int64_t eos);

// By beam search or greedily, as the configuration says.
[[nodiscard]] std::vector<Sequence> written_answers(nn::NextSymbol& next, int64_t rows,
                                                    const nn::DecodingOptions& options,
                                                    const Config& config);

}  // namespace qkv::examples
