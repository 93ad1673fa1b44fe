// copy, reverse, sort and mixed: the answer is made of the question's own symbols, and as long.
// The longer examples have length + 1 to 2 length symbols.
#include <algorithm>
#include <cmath>

#include "examples/lab/task_kinds.h"

namespace qkv::examples {
namespace {

void prepare(Task& task) {
  double count = 0;
  for (int64_t n = task.min_length; n <= task.length; ++n) {
    count += std::pow(static_cast<double>(task.symbols), static_cast<double>(n));
  }
  require_enough(task, count, "symbols to the power of length");
  task.source_symbols = task.target_symbols = task.symbols;
  task.ordinary = {.source = task.length, .target = task.length};
  task.longer = {.source = 2 * task.length, .target = 2 * task.length};
}

Sequence drawn(const Task& task, bool longer, lib::Generator& generator, int64_t most) {
  Sequence sequence(static_cast<size_t>(draw_length(task, longer, most, generator)));
  for (int64_t& symbol : sequence) symbol = generator.integer(0, task.symbols);
  return sequence;
}

Example draw_copy(const Task& task, bool longer, lib::Generator& generator) {
  const Sequence source = drawn(task, longer, generator, task.longer.source);
  return {.source = source, .target = source, .links = {}};
}

Example draw_reverse(const Task& task, bool longer, lib::Generator& generator) {
  const Sequence source = drawn(task, longer, generator, task.longer.source);
  return {.source = source, .target = {source.rbegin(), source.rend()}, .links = {}};
}

Example draw_sort(const Task& task, bool longer, lib::Generator& generator) {
  Example example = draw_copy(task, longer, generator);
  std::sort(example.target.begin(), example.target.end());
  return example;
}

// > and < are the two symbols behind the others.
void prepare_mixed(Task& task) {
  prepare(task);
  task.source_symbols = task.target_symbols = task.symbols + 2;
  for (Task::Longest* most : {&task.ordinary, &task.longer}) ++most->source, ++most->target;
}

Example draw_mixed(const Task& task, bool longer, lib::Generator& generator) {
  const bool backwards = generator.integer(0, 2) == 1;
  Sequence source = drawn(task, longer, generator, task.longer.source - 1);  // without the mark
  Sequence target = source;
  if (backwards) std::reverse(target.begin(), target.end());
  const int64_t mark = task.symbols + (backwards ? 1 : 0);
  source.insert(source.begin(), mark);
  target.insert(target.begin(), mark);
  return {.source = source, .target = target, .links = {}};
}

std::string mixed_label(const Task& task, int64_t symbol) {
  if (symbol < task.symbols) return number_label(task, symbol);
  return symbol == task.symbols ? ">" : "<";
}

}  // namespace

const TaskKind kCopy = {.name = "copy",
                        .description = "repeat the input: 7 3 1 0 -> 7 3 1 0",
                        .separator = " ",
                        .prepare = prepare,
                        .draw = draw_copy,
                        .split = split_of_source,
                        .source_label = number_label,
                        .target_label = number_label,
                        .same_length = true};

const TaskKind kReverse = {.name = "reverse",
                           .description = "write the input backwards: 7 3 1 0 -> 0 1 3 7",
                           .separator = " ",
                           .prepare = prepare,
                           .draw = draw_reverse,
                           .split = split_of_source,
                           .source_label = number_label,
                           .target_label = number_label,
                           .same_length = true};

const TaskKind kSort = {.name = "sort",
                        .description = "put the symbols in order: 2 0 2 1 -> 0 1 2 2",
                        .separator = " ",
                        .prepare = prepare,
                        .draw = draw_sort,
                        .split = split_of_source,
                        .source_label = number_label,
                        .target_label = number_label,
                        .same_length = true};

const TaskKind kMixed = {
    .name = "mixed",
    .description = "copy after >, write backwards after <: < 7 3 1 0 -> < 0 1 3 7",
    .separator = " ",
    .prepare = prepare_mixed,
    .draw = draw_mixed,
    .split = split_of_source,
    .source_label = mixed_label,
    .target_label = mixed_label,
    .same_length = true};

}  // namespace qkv::examples
