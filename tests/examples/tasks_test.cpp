// The tasks: right answers, addressable data, and splits that share no sequence.
#include "examples/lab/tasks.h"

#include <doctest/doctest.h>

#include <cstdlib>
#include <set>
#include <stdexcept>

using namespace qkv::examples;

namespace {

Task task_of(const std::string& name, int64_t length, int64_t symbols, int64_t seed = 1) {
  Config config;
  config.task = name;
  config.length = length;
  config.symbols = symbols;
  config.seed = seed;
  return make_task(config);
}

std::string refusal(const Config& config) {
  try {
    static_cast<void>(make_task(config));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "not refused";
}

}  // namespace

TEST_CASE("tasks: a sequence is reached by its index and is the same in every batch") {
  const Task task = task_of("reverse", 16, 10);
  const Batch batch = make_batch(task, Split::test, 90, 20);
  const std::vector<int64_t> sequence = example(task, Split::test, 97).source;
  for (int64_t t = 0; t < 16; ++t) {
    CHECK(batch.source.at({7, t}) == static_cast<double>(sequence[static_cast<size_t>(t)]));
  }
  CHECK(example(task, Split::test, 98).source != sequence);
  CHECK(example(task_of("copy", 16, 10), Split::test, 97).source == sequence);
  CHECK(example(task_of("copy", 16, 10, 2), Split::test, 97).source != sequence);
}

TEST_CASE("tasks: after the last sequence of a split comes the first") {
  Task task = task_of("copy", 8, 10);
  task.validation_size = 3;
  const Batch batch = make_batch(task, Split::validation, 2, 3);
  const Batch from_start = make_batch(task, Split::validation, 0, 2);
  for (int64_t t = 0; t < 8; ++t) {
    CHECK(batch.source.at({1, t}) == from_start.source.at({0, t}));
    CHECK(batch.source.at({2, t}) == from_start.source.at({1, t}));
  }
}

TEST_CASE("tasks: the splits share no sequence even when the space is small and seeds differ") {
  std::set<std::vector<int64_t>> trained_on, held_out;
  for (const int64_t seed : {1, 2}) {
    const Task task = task_of("reverse", 3, 10, seed);  // 1000 different sequences
    for (int64_t i = 0; i < 4000; ++i) trained_on.insert(example(task, Split::train, i).source);
    for (int64_t i = 0; i < 1000; ++i) {
      held_out.insert(example(task, Split::validation, i).source);
      held_out.insert(example(task, Split::test, i).source);
    }
  }
  for (const auto& sequence : held_out) CHECK(trained_on.count(sequence) == 0);
  CHECK(trained_on.size() > 650);  // about 750 and 250, as far as they have been drawn
  CHECK(held_out.size() > 180);
}

TEST_CASE("tasks: each split gets its share of the smallest spaces") {
  for (const auto& [symbols, length] : {std::pair<int64_t, int64_t>{10, 3}, {2, 10}, {1000, 1}}) {
    int64_t counts[3] = {}, total = 1;
    for (int64_t t = 0; t < length; ++t) total *= symbols;
    for (int64_t number = 0; number < total; ++number) {
      std::vector<int64_t> sequence;
      for (int64_t t = 0, rest = number; t < length; ++t, rest /= symbols) {
        sequence.push_back(rest % symbols);
      }
      ++counts[static_cast<int>(split_of(sequence))];
    }
    CHECK(std::abs(counts[0] - total * 6 / 8) <= 60);  // 60: over 4 standard deviations
    CHECK(std::abs(counts[1] - total / 8) <= 50);
    CHECK(std::abs(counts[2] - total / 8) <= 50);
  }
}

TEST_CASE("tasks: every symbol comes about equally often at every position") {
  const Task task = task_of("copy", 5, 10);
  for (const Split split : {Split::train, Split::validation, Split::test}) {
    int counts[5][10] = {};
    for (int64_t i = 0; i < 5000; ++i) {
      const std::vector<int64_t> sequence = example(task, split, i).source;
      for (size_t t = 0; t < 5; ++t) {
        REQUIRE(sequence[t] >= 0);
        REQUIRE(sequence[t] < 10);
        ++counts[t][sequence[t]];
      }
    }
    for (const auto& row : counts) {
      for (const int count : row) CHECK(std::abs(count - 500) <= 110);  // 5 standard deviations
    }
  }
}

TEST_CASE("tasks: the first training sequence of seed 1 is fixed") {
  CHECK(example(task_of("reverse", 8, 10), Split::train, 0).source ==
        std::vector<int64_t>{0, 0, 4, 6, 2, 4, 1, 5});
}

TEST_CASE("tasks: names have descriptions and an unknown one is refused with a suggestion") {
  CHECK(task_names() == std::vector<std::string>{"copy", "reverse", "sort", "mixed", "add",
                                                 "recall", "translate", "text"});
  for (const std::string& name : task_names()) CHECK(!task_description(name).empty());
  Config config;
  config.task = "revrese";
  CHECK(refusal(config) == "task: unknown task 'revrese'; did you mean 'reverse'?");
  config.task = "shuffle";
  CHECK(refusal(config) ==
        "task: unknown task 'shuffle'; known: copy, reverse, sort, mixed, add, recall, translate, "
        "text");
}

TEST_CASE("tasks: a space too small to split is refused and the smallest sufficient one is not") {
  Config config;
  config.length = 2;
  config.symbols = 3;
  CHECK(refusal(config) ==
        "task: symbols=3 and length=2 give only 9 different examples of reverse, too few to hold "
        "some out for testing; need 500 or more (symbols to the power of length)");
  config.symbols = 22;
  CHECK(refusal(config).find("give only 484") != std::string::npos);
  config.symbols = 23;
  CHECK(refusal(config) == "not refused");
  config.length = 1024;  // more sequences than a double can count
  config.symbols = 10000;
  CHECK(refusal(config) == "not refused");
}

TEST_CASE("tasks: a batch of nothing or from before the beginning is refused") {
  const Task task = task_of("copy", 4, 10);
  CHECK_THROWS_WITH_AS(static_cast<void>(make_batch(task, Split::train, -1, 2)),
                       "make_batch: first -1, count 2; need first >= 0, count >= 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(make_batch(task, Split::train, 0, 0)), std::invalid_argument);
}
