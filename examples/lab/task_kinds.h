// The tasks by what they are: how an example is drawn, what it is known by, how it reads.
//
//   copy       7 3 1 0          -> 7 3 1 0        task_sequences.cpp   length: symbols
//   reverse    7 3 1 0          -> 0 1 3 7
//   sort       2 0 2 1          -> 0 1 2 2
//   mixed      < 7 3 1 0        -> < 0 1 3 7      > copies, < reverses
//   add        1 2 + 3 4        -> 6 4            task_add.cpp         length: a number's digits
//   recall     a3 c1 b7 ? c a b -> 1 3 7          task_recall.cpp      length: pairs
//   translate  the black cat    -> le chat noir   task_translate.cpp   length: not chosen
//   text                        -> the cat sat.   task_text.cpp        length: not chosen
#pragma once

#include "examples/lab/tasks.h"
#include "lib/random.h"

namespace qkv::examples {

// Adding a task: 1. a file with its TaskKind; 2. a line below and in tasks.cpp; 3. its sample,
// above; 4. a test that checks its answers by another way.
struct TaskKind {
  const char* name;
  const char* description;  // with a sample
  const char* separator;    // between the labels in a text

  // Checks the sizes, and fills in the alphabets and the longest lengths; where lengths are not
  // chosen, those too. Throws std::invalid_argument.
  void (*prepare)(Task& task);

  // One example of an ordinary length, or of a longer one.
  Example (*draw)(const Task& task, bool longer, lib::Generator& generator);

  // The split that an example belongs to by its content: train, validation or test.
  Split (*split)(const Example& example);

  // REQUIRES: the symbol is of the alphabet.
  std::string (*source_label)(const Task& task, int64_t symbol);
  std::string (*target_label)(const Task& task, int64_t symbol);

  // Number 0 of the test split, if it is not to be drawn.
  Example (*first_test)() = nullptr;

  bool same_length = false;  // is every answer as long as its question?
};

extern const TaskKind kCopy, kReverse, kSort, kMixed, kAdd, kRecall, kTranslate, kText;

// ---- what several tasks need -------------------------------------------------------------------

// From min_length to length, all equally likely; the longer ones: from length + 1 to `most`.
[[nodiscard]] int64_t draw_length(const Task& task, bool longer, int64_t most,
                                  lib::Generator& generator);

[[nodiscard]] Split split_of_source(const Example& example);
[[nodiscard]] std::string number_label(const Task& task, int64_t symbol);

// Throws std::invalid_argument if `count` different examples are too few to hold some out; `rule`
// says how they are counted.
void require_enough(const Task& task, double count, const char* rule);

}  // namespace qkv::examples
