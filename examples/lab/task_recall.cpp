// recall: pairs of a key and its value, then one of the keys again; the answer is its value.
//
//   source  a 3 c 1 b 7 ? c   ->   target  1
//
// Attention in its plainest form: the query is what is asked for (c), the keys are what each pair
// is found by (a, c, b), the values are what is handed back (3, 1, 7). `length` counts the pairs,
// `symbols` the different values; the keys are letters, each at most once in an example. The longer
// examples have length + 1 to 2 length pairs, but at most 26.
#include <algorithm>
#include <utility>

#include "examples/lab/task_kinds.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

constexpr int64_t kKeys = 26;  // a to z

//   symbol   0 ... symbols - 1   symbols ... symbols + 25   symbols + 26
//   label    0 ... symbols - 1   a       ... z              ?
void prepare(Task& task) {
  if (task.length >= kKeys) {
    lib::fail("task: length=", task.length, " is refused; recall has pairs with different keys, ",
              "the letters a to z, and longer examples to test with: need length <= ", kKeys - 1);
  }
  double count = 0, of_length = 1;
  for (int64_t n = 1; n <= task.length; ++n) {
    of_length *= static_cast<double>((kKeys + 1 - n) * task.symbols);
    if (n >= task.min_length) count += of_length * static_cast<double>(n);
  }
  require_enough(task, count, "keys, values and what is asked for");
  const int64_t most = std::min(2 * task.length, kKeys);
  task.source_symbols = task.symbols + kKeys + 1;
  task.target_symbols = task.symbols;
  task.ordinary = {.source = 2 * task.length + 2, .target = 1};
  task.longer = {.source = 2 * most + 2, .target = 1};
}

Example draw(const Task& task, bool longer, lib::Generator& generator) {
  const int64_t pairs = draw_length(task, longer, std::min(2 * task.length, kKeys), generator);
  Sequence keys(kKeys);
  for (int64_t i = 0; i < kKeys; ++i) keys[static_cast<size_t>(i)] = task.symbols + i;
  Example example;
  for (int64_t i = 0; i < pairs; ++i) {  // the first steps of Fisher and Yates' shuffle
    std::swap(keys[static_cast<size_t>(i)], keys[static_cast<size_t>(generator.integer(i, kKeys))]);
    example.source.push_back(keys[static_cast<size_t>(i)]);
    example.source.push_back(generator.integer(0, task.symbols));
  }
  const auto asked = static_cast<size_t>(2 * generator.integer(0, pairs));
  example.target = {example.source[asked + 1]};
  example.source.push_back(task.symbols + kKeys);
  example.source.push_back(example.source[asked]);
  return example;
}

std::string label(const Task& task, int64_t symbol) {
  if (symbol < task.symbols) return lib::str(symbol);
  const int64_t letter = symbol - task.symbols;
  return letter == kKeys ? "?" : std::string(1, static_cast<char>('a' + letter));
}

}  // namespace

const TaskKind kRecall = {.name = "recall",
                          .description = "hand back a key's value: a 3 c 1 b 7 ? c -> 1",
                          .separator = " ",
                          .prepare = prepare,
                          .draw = draw,
                          .split = split_of_source,
                          .source_label = label,
                          .target_label = number_label};

}  // namespace qkv::examples
