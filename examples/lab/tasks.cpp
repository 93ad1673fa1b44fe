// The tasks, the rule that keeps the splits apart, and the addresses of the random numbers.
#include "examples/lab/tasks.h"

#include <algorithm>
#include <utility>

#include "examples/lab/progress.h"
#include "lib/random.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using Sequence = std::vector<int64_t>;

struct Definition {
  const char* name;
  const char* description;
  Sequence (*target)(const Sequence& input);
};

Sequence copied(const Sequence& input) { return input; }
Sequence reversed(const Sequence& input) { return {input.rbegin(), input.rend()}; }

// Adding a task: 1. its target, above; 2. a line here; 3. a sample at the head of tasks.h.
constexpr Definition kTasks[] = {
    {"copy", "repeat the input: 7 3 1 0 -> 7 3 1 0", copied},
    {"reverse", "write the input backwards: 7 3 1 0 -> 0 1 3 7", reversed},
};

const Definition& find_task(const std::string& name) {
  for (const Definition& task : kTasks) {
    if (task.name == name) return task;
  }
  lib::fail("task: unknown task '", escaped(name.substr(0, 80)), "'",
            did_you_mean(name, task_names()));
}

constexpr double kFewestSequences = 1000;

// symbols to the power of length, or some larger number than kFewestSequences.
double different_sequences(int64_t length, int64_t symbols) {
  double count = 1;
  for (int64_t i = 0; i < length && count < kFewestSequences; ++i) {
    count *= static_cast<double>(symbols);
  }
  return count;
}

// The generator streams below 2^56 are left to others (weights, dropout): 1 to 3 in the top byte is
// the split, the bits below it the index.
uint64_t stream_of(Split split, int64_t index) {
  return (static_cast<uint64_t>(split) + 1) << 56 | static_cast<uint64_t>(index);
}

}  // namespace

int64_t Task::size(Split split) const {
  if (split == Split::train) return train_size;
  return split == Split::validation ? validation_size : test_size;
}

std::vector<std::string> task_names() {
  std::vector<std::string> names;
  for (const Definition& task : kTasks) names.emplace_back(task.name);
  return names;
}

std::string task_description(const std::string& name) { return find_task(name).description; }

Task make_task(const Config& config) {
  static_cast<void>(find_task(config.task));
  const double count = different_sequences(config.length, config.symbols);
  if (count < kFewestSequences) {
    lib::fail("task: symbols=", config.symbols, " and length=", config.length, " give only ", count,
              " different sequences, too few to hold some out for testing; need ", kFewestSequences,
              " or more (symbols to the power of length)");
  }
  return {.name = config.task,
          .seed = static_cast<uint64_t>(config.seed),
          .length = config.length,
          .symbols = config.symbols,
          .train_size = config.train_size,
          .validation_size = config.validation_size,
          .test_size = config.test_size};
}

// A hash of the symbols: FNV-1a's loop over whole symbols, then a mixing step (the finalizer of
// MurmurHash3), so that the three bits that decide depend on every bit.
Split split_of(const std::vector<int64_t>& sequence) {
  uint64_t hash = 0xcbf29ce484222325;
  for (const int64_t symbol : sequence) {
    hash = (hash ^ static_cast<uint64_t>(symbol)) * 0x100000001b3;
  }
  hash = (hash ^ hash >> 33) * 0xff51afd7ed558ccd;
  hash = (hash ^ hash >> 33) * 0xc4ceb9fe1a85ec53;
  const uint64_t eighth = hash >> 61;  // 0 to 7
  if (eighth == 0) return Split::validation;
  return eighth == 1 ? Split::test : Split::train;
}

// Each try ends the loop with probability 1/8 or 6/8, so this takes 8 tries on average at most.
std::vector<int64_t> input_sequence(const Task& task, Split split, int64_t index) {
  lib::Generator generator(task.seed, stream_of(split, index));
  Sequence sequence(static_cast<size_t>(task.length));
  do {
    for (int64_t& symbol : sequence) symbol = generator.integer(0, task.symbols);
  } while (split_of(sequence) != split);
  return sequence;
}

Batch make_batch(const Task& task, Split split, int64_t first, int64_t count) {
  if (first < 0 || count < 1) {
    lib::fail("make_batch: first ", first, ", count ", count, "; need first >= 0, count >= 1");
  }
  const Definition& definition = find_task(task.name);
  std::vector<int64_t> inputs, targets;
  for (int64_t b = 0; b < count; ++b) {
    const Sequence input = input_sequence(task, split, (first + b) % task.size(split));
    const Sequence target = definition.target(input);
    inputs.insert(inputs.end(), input.begin(), input.end());
    targets.insert(targets.end(), target.begin(), target.end());
  }
  const tensor::Shape shape = {count, task.length};
  return {.input = tensor::Tensor::of(inputs, shape),     // (B, T)
          .target = tensor::Tensor::of(targets, shape)};  // (B, T)
}

namespace {

// Levenshtein's distance: the fewest insertions, deletions and replacements that turn a into b.
size_t edit_distance(const std::string& a, const std::string& b) {
  std::vector<size_t> row(b.size() + 1);  // row[j]: from the first i letters of a to j letters of b
  for (size_t j = 0; j <= b.size(); ++j) row[j] = j;
  for (size_t i = 1; i <= a.size(); ++i) {
    size_t diagonal = std::exchange(row[0], i);
    for (size_t j = 1; j <= b.size(); ++j) {
      const size_t replaced = diagonal + (a[i - 1] == b[j - 1] ? 0 : 1);
      diagonal = std::exchange(row[j], std::min({replaced, row[j] + 1, row[j - 1] + 1}));
    }
  }
  return row[b.size()];
}

}  // namespace

// A dotted name is also known by its last part: "width" is near "model.width".
std::string did_you_mean(const std::string& word, const std::vector<std::string>& known) {
  const std::string typed = word.substr(0, 80);
  size_t least = typed.size() / 3 + 2;  // that many edits make another word
  std::string nearest, all;
  for (const std::string& name : known) {
    const std::string last_part = name.substr(name.rfind('.') + 1);
    const size_t distance = std::min(edit_distance(typed, name), edit_distance(typed, last_part));
    if (distance < std::min(least, name.size())) {
      least = distance;
      nearest = name;
    }
    all += (all.empty() ? "" : ", ") + name;
  }
  return nearest.empty() ? "; known: " + all : "; did you mean '" + nearest + "'?";
}

}  // namespace qkv::examples
