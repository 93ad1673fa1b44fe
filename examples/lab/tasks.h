// What the lab learns: toy tasks whose right answer is known. A model reads T symbols and answers
// with T symbols at once, one at each position.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "examples/lab/config.h"
#include "tensor/tensor.h"

namespace qkv::examples {

//   copy      input  7 3 1 0   target  7 3 1 0
//   reverse   input  7 3 1 0   target  0 1 3 7
//
// The loss is the cross entropy averaged over all B * T positions; every position counts, and there
// is no start, end or padding symbol. A sequence is exact if all of its T positions are right.
enum class Split { train, validation, test };

struct Task {
  std::string name;
  uint64_t seed;
  int64_t length;   // T
  int64_t symbols;  // a symbol is an integer from 0 to symbols - 1
  int64_t train_size, validation_size, test_size;

  [[nodiscard]] int64_t size(Split split) const;
};

struct Batch {
  tensor::Tensor input;   // (B, T) int64
  tensor::Tensor target;  // (B, T) int64
};

[[nodiscard]] std::vector<std::string> task_names();

// One line, for help. Throws std::invalid_argument for an unknown task.
[[nodiscard]] std::string task_description(const std::string& name);

// Throws std::invalid_argument if the task is unknown, or if there are fewer than 1000 different
// sequences (symbols to the power of length), too few to hold some out.
[[nodiscard]] Task make_task(const Config& config);

// Sequence number `index` of a split is drawn from its address (seed, split, index) alone, so any
// can be had without those before it. Which split a sequence belongs to is decided by its content:
// about 6/8 of all sequences are for training, 1/8 for validation and 1/8 for testing, and what is
// drawn for another split is drawn again. So no seed ever trains on what any seed is tested on.
// Within a split, sequences are drawn with replacement: in a small space some come more than once.
// REQUIRES: index >= 0.
[[nodiscard]] std::vector<int64_t> input_sequence(const Task& task, Split split, int64_t index);

// To which split a sequence belongs.
[[nodiscard]] Split split_of(const std::vector<int64_t>& sequence);

// Sequences first, first + 1, ..., first + count - 1 of a split; after the last comes number 0
// again. Throws std::invalid_argument unless first >= 0 and count >= 1.
[[nodiscard]] Batch make_batch(const Task& task, Split split, int64_t first, int64_t count);

// "; did you mean 'reverse'?" for the known word nearest to this one (by edit distance), or, if
// none is near, "; known: copy, reverse".
[[nodiscard]] std::string did_you_mean(const std::string& word,
                                       const std::vector<std::string>& known);

}  // namespace qkv::examples
