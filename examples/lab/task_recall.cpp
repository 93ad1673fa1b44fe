// recall: pairs of a key and its value, then the keys again in another order; the answer is their
// values.
//
//   source  a3 c1 b7 ? c a b   ->   target  1 3 7
//
// Attention in its plainest form: a query is what is asked for (c), the keys are what each pair is
// found by (a, c, b), the values are what is handed back (3, 1, 7). A pair is one symbol: who finds
// it has its value at hand. `length` counts the pairs, `symbols` the different values; the keys are
// letters, each at most once in an example. The longer examples have length + 1 to 2 length pairs,
// but at most 10.
#include <algorithm>
#include <numeric>
#include <utility>

#include "examples/lab/task_kinds.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

constexpr int64_t kKeys = 10;  // a to j

//   symbol   0 ... 9   10   11 + symbols * key + value
//   label    a ... j   ?    a0 a1 ... b0 b1 ...
constexpr int64_t kAsk = kKeys, kPairs = kKeys + 1;

void prepare(Task& task) {
  if (task.length >= kKeys) {
    lib::fail("task: length=", task.length, " is refused; recall has pairs with different keys, ",
              "the letters a to j, and longer examples to test with: need length <= ", kKeys - 1);
  }
  double count = 0, of_length = 1;
  for (int64_t n = 1; n <= task.length; ++n) {
    of_length *= static_cast<double>((kKeys + 1 - n) * task.symbols * n);
    if (n >= task.min_length) count += of_length;
  }
  require_enough(task, count, "keys, values and the order of asking");
  const int64_t most = std::min(2 * task.length, kKeys);
  task.source_symbols = kPairs + kKeys * task.symbols;
  task.target_symbols = task.symbols;
  task.ordinary = {.source = 2 * task.length + 1, .target = task.length};
  task.longer = {.source = 2 * most + 1, .target = most};
}

// `count` different numbers below `all`, in any order: the first steps of the shuffle of Fisher and
// Yates.
Sequence some_of(int64_t all, int64_t count, lib::Generator& generator) {
  Sequence numbers(static_cast<size_t>(all));
  std::iota(numbers.begin(), numbers.end(), 0);
  for (int64_t i = 0; i < count; ++i) {
    std::swap(numbers[static_cast<size_t>(i)],
              numbers[static_cast<size_t>(generator.integer(i, all))]);
  }
  numbers.resize(static_cast<size_t>(count));
  return numbers;
}

Example draw(const Task& task, bool longer, lib::Generator& generator) {
  const int64_t pairs = draw_length(task, longer, std::min(2 * task.length, kKeys), generator);
  const Sequence keys = some_of(kKeys, pairs, generator);
  Sequence values;
  Example example;
  for (const int64_t key : keys) {
    values.push_back(generator.integer(0, task.symbols));
    example.source.push_back(kPairs + task.symbols * key + values.back());
  }
  example.source.push_back(kAsk);
  for (const int64_t pair : some_of(pairs, pairs, generator)) {
    example.source.push_back(keys[static_cast<size_t>(pair)]);
    example.target.push_back(values[static_cast<size_t>(pair)]);
  }
  return example;
}

std::string label(const Task& task, int64_t symbol) {
  const auto letter = [](int64_t key) { return std::string(1, static_cast<char>('a' + key)); };
  if (symbol == kAsk) return "?";
  if (symbol < kAsk) return letter(symbol);
  return letter((symbol - kPairs) / task.symbols) + lib::str((symbol - kPairs) % task.symbols);
}

}  // namespace

const TaskKind kRecall = {.name = "recall",
                          .description = "hand back the keys' values: a3 c1 b7 ? c a b -> 1 3 7",
                          .separator = " ",
                          .prepare = prepare,
                          .draw = draw,
                          .split = split_of_source,
                          .source_label = label,
                          .target_label = number_label};

}  // namespace qkv::examples
