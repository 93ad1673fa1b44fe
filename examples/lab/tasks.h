// What the lab learns: toy tasks whose right answer is known. A model reads a source and answers
// with a target, both sequences of symbols; a symbol is an integer, and has a label for people.
//
//   source  1 2 + 3 4   ->   target  6 4        (add: the answer's digits, the least first)
//
// Next: task_kinds.h, the eight tasks and their files.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "examples/lab/alignment.h"
#include "examples/lab/config.h"
#include "tensor/tensor.h"

namespace qkv::examples {

using Sequence = std::vector<int64_t>;

struct Example {
  Sequence source, target;  // symbols from 0 to source_symbols - 1, and to target_symbols - 1
  std::vector<Link> links;  // of translate only: one for each word of the target, in order
};

// longer: held out, and longer than any example of the other three (in words, where there are
// words), to see whether what was learned goes on beyond the lengths it was learned from.
enum class Split { train, validation, test, longer };

struct TaskKind;  // what a task is, apart from its sizes: task_kinds.h

struct Task {
  std::string name;
  uint64_t seed;
  int64_t min_length, length;  // shortest and longest, as the task counts (task_kinds.h)
  int64_t train_length;        // longest in the training; <= length
  int64_t symbols;             // different ones, as the task counts
  int64_t train_size, validation_size, test_size;  // longer has test_size examples, too

  // What a model must know. The alphabets are the tasks' own: a model that needs a start and an
  // end symbol puts them after target_symbols.
  int64_t source_symbols = 0, target_symbols = 0;
  struct Longest {
    int64_t source = 0, target = 0;
  };
  Longest ordinary = {}, longer = {};  // no example of the split is longer
  const TaskKind* kind = nullptr;

  [[nodiscard]] int64_t size(Split split) const;
  [[nodiscard]] int64_t longest_source(Split split) const;
  [[nodiscard]] int64_t longest_target(Split split) const;
};

[[nodiscard]] std::vector<std::string> task_names();

// One line with a sample, for help. Throws std::invalid_argument for an unknown task.
[[nodiscard]] std::string task_description(const std::string& name);

// Is every answer as long as its question, as in copy? Throws std::invalid_argument as above.
[[nodiscard]] bool answers_are_as_long(const std::string& name);

// Throws std::invalid_argument if the task is unknown, if its sizes do not fit, or if there are
// fewer than 500 different examples of the training's lengths, too few to hold some out. REQUIRES:
// min_length <= length, which parse_config sees to.
[[nodiscard]] Task make_task(const Config& config);

// A text has none: it is not answered but predicted.
[[nodiscard]] bool has_questions(const Task& task);

// Example number `index` of a split is drawn from its address (seed, split, index) alone, so any
// can be had without those before it. Which split an example belongs to is decided by its content:
// about 6/8 of all are for training, 1/8 for validation and 1/8 for testing, and what is drawn for
// another split is drawn again. The examples of `longer` are of the last eighth, too. So no seed
// and no length ever trains on what any seed or length is tested on. Within a split, examples are
// drawn with replacement: in a small space some come more than once. REQUIRES: index >= 0.
[[nodiscard]] Example example(const Task& task, Split split, int64_t index);

// To which split a sequence belongs by its symbols: train, validation or test.
[[nodiscard]] Split split_of(const Sequence& symbols);

struct Batch {
  // (B, S) and (B, T) int64: the examples' symbols, then 0 up to the longest of the batch.
  tensor::Tensor source, target;
  std::vector<int64_t> source_lengths, target_lengths;  // B of each, without the padding
  std::vector<std::vector<Link>> links;                 // B
};

// Examples first, first + 1, ..., first + count - 1 of a split; after the last comes number 0
// again. Throws std::invalid_argument unless first >= 0 and count >= 1.
[[nodiscard]] Batch make_batch(const Task& task, Split split, int64_t first, int64_t count);

// (B, T) int64: row b holds sequence b, and `fill` behind it. REQUIRES: at least one sequence.
[[nodiscard]] tensor::Tensor padded(const std::vector<Sequence>& sequences, int64_t fill = 0);

// The sequences again: row b of symbols (B, T) without its padding.
[[nodiscard]] std::vector<Sequence> unpadded(const tensor::Tensor& symbols,
                                             const std::vector<int64_t>& lengths);

// ---- for people --------------------------------------------------------------------------------

// A label for each symbol, for attention maps: "7", "+", "chat", or one character.
[[nodiscard]] std::vector<std::string> source_labels(const Task& task, const Sequence& symbols);
[[nodiscard]] std::vector<std::string> target_labels(const Task& task, const Sequence& symbols);

// "7 3 1 0", "the cat sat on the mat", or a line of text. A symbol that is not of the alphabet, as
// a start or end symbol is not, is shown as "?".
[[nodiscard]] std::string source_text(const Task& task, const Sequence& symbols);
[[nodiscard]] std::string target_text(const Task& task, const Sequence& symbols);

}  // namespace qkv::examples
