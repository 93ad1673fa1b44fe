// The list of tasks, the rule that keeps the splits apart, the addresses of the random numbers, and
// batches.
#include "examples/lab/tasks.h"

#include <algorithm>

#include "examples/lab/suggestion.h"
#include "examples/lab/task_kinds.h"
#include "examples/lab/words.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

const TaskKind* const kTasks[] = {&kCopy, &kReverse, &kSort,      &kMixed,
                                  &kAdd,  &kRecall,  &kTranslate, &kText};

const TaskKind& find_task(const std::string& name) {
  for (const TaskKind* kind : kTasks) {
    if (kind->name == name) return *kind;
  }
  lib::fail("task: unknown task '", lib::escaped(name.substr(0, 80)), "'",
            did_you_mean(name, task_names()));
}

// The generator streams below 2^56 are left to others (weights, dropout): 1 to 4 in the top byte is
// the split, the bits below it the index.
uint64_t stream_of(Split split, int64_t index) {
  return (static_cast<uint64_t>(split) + 1) << 56 | static_cast<uint64_t>(index);
}

}  // namespace

int64_t Task::size(Split split) const {
  if (split == Split::train) return train_size;
  return split == Split::validation ? validation_size : test_size;
}

int64_t Task::longest_source(Split split) const {
  return split == Split::longer ? longer.source : ordinary.source;
}

int64_t Task::longest_target(Split split) const {
  return split == Split::longer ? longer.target : ordinary.target;
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const TaskKind* kind : kTasks) names.emplace_back(kind->name);
  return names;
}

std::string task_description(const std::string& name) { return find_task(name).description; }

bool answers_are_as_long(const std::string& name) { return find_task(name).same_length; }

bool has_questions(const Task& task) { return task.source_symbols > 0; }

Task make_task(const Config& config) {
  const TaskKind& kind = find_task(config.task);
  Task task{.name = config.task,
            .seed = static_cast<uint64_t>(config.seed),
            .min_length = config.min_length == 0 ? config.length : config.min_length,
            .length = std::max(config.length, config.test_length),
            .train_length = config.length,
            .symbols = config.symbols,
            .train_size = config.train_size,
            .validation_size = config.validation_size,
            .test_size = config.test_size,
            .kind = &kind};
  if (config.length < task.length) {
    Task trained = task;  // longer held-out sequences do not make up for too few to train on
    trained.length = config.length;
    kind.prepare(trained);
  }
  kind.prepare(task);
  return task;
}

// ---- one example -------------------------------------------------------------------------------

// A hash of the symbols: FNV-1a's loop over whole symbols, then a mixing step (the finalizer of
// MurmurHash3), so that the three bits that decide depend on every bit.
Split split_of(const Sequence& symbols) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const int64_t symbol : symbols) {
    hash = (hash ^ static_cast<uint64_t>(symbol)) * 0x100000001b3;
  }
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
  const uint64_t eighth = hash >> 61;  // 0 to 7
  if (eighth == 0) return Split::validation;
  return eighth == 1 ? Split::test : Split::train;
}

namespace {

// Each try ends the loop with probability 1/8 or 6/8, so this takes 8 tries on average at most.
Example drawn_for(const Task& task, Split wanted, bool longer, lib::Generator& generator) {
  while (true) {
    Example drawn = task.kind->draw(task, longer, generator);
    if (task.kind->split(drawn) == wanted) return drawn;
  }
}

}  // namespace

Example example(const Task& task, Split split, int64_t index) {
  if (split == Split::test && index == 0 && task.kind->first_test) return task.kind->first_test();
  lib::Generator generator(task.seed, stream_of(split, index));
  const bool longer = split == Split::longer;
  const Split wanted = longer ? Split::test : split;
  if (split != Split::train || task.train_length == task.length) {
    return drawn_for(task, wanted, longer, generator);
  }
  Task shorter = task;
  shorter.length = task.train_length;
  return drawn_for(shorter, wanted, longer, generator);
}

// ---- what several tasks need -------------------------------------------------------------------

int64_t draw_length(const Task& task, bool longer, int64_t most, lib::Generator& generator) {
  if (longer) return generator.integer(task.length + 1, most + 1);
  if (task.min_length == task.length) return task.length;  // nothing to draw
  return generator.integer(task.min_length, task.length + 1);
}

Split split_of_source(const Example& example) { return split_of(example.source); }

std::string number_label(const Task& /*task*/, int64_t symbol) { return lib::str(symbol); }

void require_enough(const Task& task, double count, const char* rule) {
  constexpr double kFewest = 500;
  if (count >= kFewest) return;
  const std::string lengths = task.min_length == task.length
                                  ? lib::str("length=", task.length)
                                  : lib::str("length=", task.min_length, " to ", task.length);
  lib::fail("task: symbols=", task.symbols, " and ", lengths, " give only ", count,
            " different examples of ", task.name, ", too few to hold some out for testing; need ",
            kFewest, " or more (", rule, ")");
}

// ---- a batch -----------------------------------------------------------------------------------

//   7 3 1 0      lengths 4, 2; filled with 0
//   5 2 0 0
tensor::Tensor padded(const std::vector<Sequence>& sequences, int64_t fill) {
  size_t longest = 0;
  for (const Sequence& sequence : sequences) longest = std::max(longest, sequence.size());
  Sequence all;
  for (const Sequence& sequence : sequences) {
    all.insert(all.end(), sequence.begin(), sequence.end());
    all.insert(all.end(), longest - sequence.size(), fill);
  }
  return tensor::Tensor::of(
      all, {static_cast<int64_t>(sequences.size()), static_cast<int64_t>(longest)});  // (B, T)
}

std::vector<Sequence> unpadded(const tensor::Tensor& symbols, const std::vector<int64_t>& lengths) {
  const tensor::Tensor packed = symbols.contiguous();
  const int64_t* row = packed.data<int64_t>();
  std::vector<Sequence> sequences;
  for (const int64_t length : lengths) {
    sequences.emplace_back(row, row + length);
    row += packed.shape()[1];
  }
  return sequences;
}

namespace {

std::vector<std::string> labels(const Task& task, const Sequence& symbols, int64_t alphabet,
                                std::string (*label)(const Task&, int64_t)) {
  std::vector<std::string> all;
  for (const int64_t symbol : symbols) {
    all.push_back(symbol >= 0 && symbol < alphabet ? label(task, symbol) : "?");
  }
  return all;
}

}  // namespace

Batch make_batch(const Task& task, Split split, int64_t first, int64_t count) {
  if (first < 0 || count < 1) {
    lib::fail("make_batch: first ", first, ", count ", count, "; need first >= 0, count >= 1");
  }
  Batch batch;
  std::vector<Sequence> sources, targets;
  for (int64_t b = 0; b < count; ++b) {
    Example one = example(task, split, (first + b) % task.size(split));
    batch.source_lengths.push_back(static_cast<int64_t>(one.source.size()));
    batch.target_lengths.push_back(static_cast<int64_t>(one.target.size()));
    sources.push_back(std::move(one.source));
    targets.push_back(std::move(one.target));
    batch.links.push_back(std::move(one.links));
  }
  batch.source = padded(sources);  // (B, S)
  batch.target = padded(targets);  // (B, T)
  return batch;
}

// ---- for people --------------------------------------------------------------------------------

std::vector<std::string> source_labels(const Task& task, const Sequence& symbols) {
  return labels(task, symbols, task.source_symbols, task.kind->source_label);
}

std::vector<std::string> target_labels(const Task& task, const Sequence& symbols) {
  return labels(task, symbols, task.target_symbols, task.kind->target_label);
}

std::string source_text(const Task& task, const Sequence& symbols) {
  return joined(source_labels(task, symbols), task.kind->separator);
}

std::string target_text(const Task& task, const Sequence& symbols) {
  return joined(target_labels(task, symbols), task.kind->separator);
}

}  // namespace qkv::examples
