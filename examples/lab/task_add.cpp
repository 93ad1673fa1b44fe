// add: the sum of two numbers with equally many digits.
//
//   source  5 7 + 6 8   ->   target  5 2 1       57 + 68 = 125, the least digit first
//
// Why reversed: the first digit of 125 is there because a carry went all the way from 7 + 8 to the
// front, so whoever writes it first must have done the whole sum. Written from the least digit on,
// each digit needs two digits of the source and one carry, which follows from the digit just
// written: the way it is done on paper. Both numbers begin with a digit other than 0, unless they
// have one digit only. `length` counts the digits of each number; `symbols` is the base, usually
// 10. The longer examples have numbers of length + 1 to 2 length digits.
#include <algorithm>
#include <cmath>

#include "examples/lab/task_kinds.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

void prepare(Task& task) {
  const auto base = static_cast<double>(task.symbols);
  double count = 0;
  for (int64_t n = task.min_length; n <= task.length; ++n) {
    const double numbers = n == 1 ? base : (base - 1) * std::pow(base, static_cast<double>(n - 1));
    count += numbers * numbers;
  }
  require_enough(task, count, "pairs of numbers with length digits to the base symbols");
  task.source_symbols = task.symbols + 1;  // and '+'
  task.target_symbols = task.symbols;
  task.ordinary = {.source = 2 * task.length + 1, .target = task.length + 1};
  task.longer = {.source = 4 * task.length + 1, .target = 2 * task.length + 1};
}

Sequence draw_number(int64_t digits, int64_t base, lib::Generator& generator) {
  Sequence number(static_cast<size_t>(digits));
  for (int64_t& digit : number) digit = generator.integer(0, base);
  if (digits > 1) number[0] = generator.integer(1, base);
  return number;
}

// As on paper, from right to left. REQUIRES: equally many digits.
Sequence sum_reversed(const Sequence& a, const Sequence& b, int64_t base) {
  Sequence sum;
  int64_t carry = 0;
  for (size_t i = a.size(); i-- > 0;) {
    const int64_t column = a[i] + b[i] + carry;
    sum.push_back(column % base);
    carry = column / base;
  }
  if (carry > 0) sum.push_back(carry);
  return sum;
}

Example draw(const Task& task, bool longer, lib::Generator& generator) {
  const int64_t digits = draw_length(task, longer, 2 * task.length, generator);
  const Sequence a = draw_number(digits, task.symbols, generator);
  const Sequence b = draw_number(digits, task.symbols, generator);
  Example example{.source = a, .target = sum_reversed(a, b, task.symbols), .links = {}};
  example.source.push_back(task.symbols);
  example.source.insert(example.source.end(), b.begin(), b.end());
  return example;
}

// 12 + 34 and 34 + 12 are one sum to remember, so both belong where 12 + 34 does.
Split split(const Example& example) {
  const auto plus = example.source.begin() + static_cast<int64_t>(example.source.size() / 2);
  const Sequence a(example.source.begin(), plus), b(plus + 1, example.source.end());
  Sequence both = std::min(a, b);
  const Sequence& larger = std::max(a, b);
  both.push_back(*plus);
  both.insert(both.end(), larger.begin(), larger.end());
  return split_of(both);
}

std::string label(const Task& task, int64_t symbol) {
  return symbol == task.symbols ? "+" : lib::str(symbol);
}

}  // namespace

const TaskKind kAdd = {.name = "add",
                       .description = "add, the least digit of the answer first: 1 2 + 3 4 -> 6 4",
                       .separator = " ",
                       .prepare = prepare,
                       .draw = draw,
                       .split = split,
                       .source_label = label,
                       .target_label = number_label};

}  // namespace qkv::examples
