// Every task's answer is right by another way of finding it, in every split and at every length;
// the alphabets and the longest lengths are what the task says.
#include <doctest/doctest.h>

#include <algorithm>
#include <map>
#include <set>

#include "examples/lab/tasks.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::examples;
using tests::refusal;

namespace {

constexpr Split kSplits[] = {Split::train, Split::validation, Split::test, Split::longer};

Task task_of(const std::string& name, int64_t min_length, int64_t length, int64_t symbols = 10,
             int64_t seed = 1) {
  Config config;
  config.task = name;
  config.min_length = min_length;
  config.length = length;
  config.symbols = symbols;
  config.seed = seed;
  return make_task(config);
}

// right(example) for 200 examples of each split.
template <class Right>
void check_answers(const Task& task, const Right& right) {
  for (const Split split : kSplits) {
    for (int64_t i = 0; i < 200; ++i) {
      const Example e = example(task, split, i);
      CAPTURE(source_text(task, e.source));
      CAPTURE(target_text(task, e.target));
      REQUIRE(right(e));
      REQUIRE(e.links.empty());
    }
  }
}

// The value of digits a[first], a[first + 1], ... before a[last]; exact up to 15 digits.
int64_t number(const Sequence& a, size_t first, size_t last, int64_t base) {
  int64_t value = 0;
  for (size_t i = first; i < last; ++i) value = value * base + a[i];
  return value;
}

}  // namespace

TEST_CASE("task answers: copy repeats, reverse at place t has what is t from the end") {
  const Task copy = task_of("copy", 3, 9, 7), reverse = task_of("reverse", 3, 9, 7);
  check_answers(copy, [](const Example& e) { return e.target == e.source; });
  check_answers(reverse, [](const Example& e) {
    for (size_t t = 0; t < e.source.size(); ++t) {
      if (e.target[t] != e.source[e.source.size() - 1 - t]) return false;
    }
    return e.target.size() == e.source.size();
  });
}

TEST_CASE("task answers: sort has each symbol as often as the source, in order") {
  check_answers(task_of("sort", 2, 8, 9), [](const Example& e) {
    std::map<int64_t, int> balance;
    for (const int64_t symbol : e.source) ++balance[symbol];
    for (const int64_t symbol : e.target) --balance[symbol];
    return std::is_sorted(e.target.begin(), e.target.end()) &&
           std::all_of(balance.begin(), balance.end(), [](const auto& b) { return b.second == 0; });
  });
}

TEST_CASE("task answers: add is the sum of the two numbers, in any base") {
  for (const int64_t base : {10, 2, 7}) {
    check_answers(task_of("add", 4, 7, base), [&](const Example& e) {
      const size_t digits = e.source.size() / 2;
      const Sequence forwards(e.target.rbegin(), e.target.rend());
      return e.source[digits] == base && e.source[0] != 0 && e.source[digits + 1] != 0 &&
             forwards[0] != 0 &&
             number(e.source, 0, digits, base) +
                     number(e.source, digits + 1, e.source.size(), base) ==
                 number(forwards, 0, forwards.size(), base);
    });
  }
}

TEST_CASE("task answers: recall finds what stands behind each key, and asks for every key once") {
  check_answers(task_of("recall", 2, 9, 8), [](const Example& e) {
    std::map<int64_t, int64_t> pairs;
    const size_t n = e.target.size();  // pairs; then ?, then n keys
    if (e.source.size() != 2 * n + 1 || e.source[n] != 10) return false;
    for (size_t i = 0; i < n; ++i) {
      const int64_t pair = e.source[i] - 11;
      if (!pairs.emplace(pair / 8, pair % 8).second) return false;
    }
    for (size_t i = 0; i < n; ++i) {
      const auto asked = pairs.find(e.source[n + 1 + i]);
      if (asked == pairs.end() || e.target[i] != asked->second) return false;
      pairs.erase(asked);
    }
    return pairs.empty();
  });
}

TEST_CASE("task answers: examples read as in the descriptions") {
  const Task add = task_of("add", 2, 2), recall = task_of("recall", 3, 3);
  CHECK(source_text(add, {1, 2, 10, 3, 4}) == "1 2 + 3 4");
  CHECK(target_text(add, {6, 4}) == "6 4");
  CHECK(source_text(recall, {14, 32, 10, 2, 0}) == "a3 c1 ? c a");
  CHECK(source_labels(recall, {9, 110}) == std::vector<std::string>{"j", "j9"});
  CHECK(target_labels(recall, {1, 10, 11, -1}) == std::vector<std::string>{"1", "?", "?", "?"});
  CHECK(target_text(task_of("reverse", 4, 4), {0, 1, 3, 7}) == "0 1 3 7");
}

TEST_CASE("task answers: lengths reach from the least to the most, and the longer ones beyond") {
  for (const char* name : {"copy", "reverse", "sort", "mixed", "add", "recall"}) {
    CAPTURE(name);
    const Task task = task_of(name, 2, 5);
    for (const Split split : kSplits) {
      std::map<size_t, int> lengths;
      size_t longest = 0;
      for (int64_t i = 0; i < 900; ++i) {
        const Example e = example(task, split, i);
        ++lengths[e.source.size()];
        longest = std::max(longest, e.target.size());
        for (const int64_t symbol : e.source)
          REQUIRE((symbol >= 0 && symbol < task.source_symbols));
        for (const int64_t symbol : e.target)
          REQUIRE((symbol >= 0 && symbol < task.target_symbols));
      }
      CHECK(static_cast<int64_t>(lengths.rbegin()->first) == task.longest_source(split));
      CHECK(static_cast<int64_t>(longest) == task.longest_target(split));
      CHECK(lengths.size() == (split == Split::longer ? 5 : 4));  // 6 to 10, and 2 to 5
      for (const auto& [length, count] : lengths) {
        CHECK(count > 900 / static_cast<int>(lengths.size()) / 2);  // about equally often
      }
    }
    const Example longer = example(task, Split::longer, 0);
    CHECK(static_cast<int64_t>(longer.source.size()) > task.longest_source(Split::train));
  }
}

TEST_CASE("task answers: one length is drawn as if there were no shorter ones") {
  const Example fixed = example(task_of("sort", 8, 8), Split::train, 5);
  CHECK(example(task_of("sort", 0, 8), Split::train, 5).source == fixed.source);
  CHECK(fixed.source.size() == 8);
}

TEST_CASE("task answers: a sum with its numbers swapped is never on the other side of a split") {
  std::set<std::pair<Sequence, Sequence>> trained;
  const auto halves = [](const Sequence& s) {
    const auto plus = s.begin() + static_cast<int64_t>(s.size() / 2);
    return std::pair(Sequence(s.begin(), plus), Sequence(plus + 1, s.end()));
  };
  for (const int64_t seed : {1, 2}) {
    const Task task = task_of("add", 1, 2, 10, seed);
    for (int64_t i = 0; i < 3000; ++i) {
      const auto [a, b] = halves(example(task, Split::train, i).source);
      trained.insert({a, b});
      trained.insert({b, a});
    }
    for (int64_t i = 0; i < 500; ++i) {
      for (const Split split : {Split::validation, Split::test}) {
        REQUIRE(trained.count(halves(example(task, split, i).source)) == 0);
      }
    }
  }
}

TEST_CASE("task answers: what is held out as longer is not trained on at a longer length either") {
  const Task task = task_of("copy", 1, 3, 8), long_task = task_of("copy", 4, 6, 8);
  std::set<Sequence> trained;
  for (int64_t i = 0; i < 4000; ++i) trained.insert(example(long_task, Split::train, i).source);
  for (int64_t i = 0; i < 1000; ++i) {
    REQUIRE(trained.count(example(task, Split::longer, i).source) == 0);
  }
}

TEST_CASE("task answers: a batch pads with zeros and says how long its examples are") {
  const Task task = task_of("add", 1, 5);
  const Batch batch = make_batch(task, Split::train, 3, 9);
  for (int64_t b = 0; b < 9; ++b) {
    const Example e = example(task, Split::train, 3 + b);
    const auto row = static_cast<size_t>(b);
    CHECK(batch.source_lengths[row] == static_cast<int64_t>(e.source.size()));
    CHECK(batch.target_lengths[row] == static_cast<int64_t>(e.target.size()));
    for (int64_t t = 0; t < batch.target.shape()[1]; ++t) {
      const auto at = static_cast<size_t>(t);
      CHECK(batch.target.at({b, t}) == (at < e.target.size() ? e.target[at] : 0));
    }
  }
  CHECK(batch.source.dtype() == tensor::Dtype::int64);
  CHECK(batch.source.shape()[1] ==
        *std::max_element(batch.source_lengths.begin(), batch.source_lengths.end()));
  CHECK(batch.links.size() == 9);
}

TEST_CASE("task answers: lengths that do not fit are refused") {
  CHECK(refusal([] { static_cast<void>(task_of("recall", 2, 10)); }) ==
        "task: length=10 is refused; recall has pairs with different keys, the letters a to j, and "
        "longer examples to test with: need length <= 9");
  CHECK(refusal([] {
          static_cast<void>(task_of("add", 0, 1));
        }).find("symbols=10 and length=1 give only 100 different examples of add") !=
        std::string::npos);
  CHECK(refusal([] { static_cast<void>(task_of("copy", 1, 2, 22)); }) == "not refused");  // 506
  CHECK(task_of("recall", 5, 9).longest_source(Split::longer) == 21);
}
