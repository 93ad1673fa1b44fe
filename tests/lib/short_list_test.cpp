// ShortList: the same elements whether they lie in the object or have outgrown it.
#include "lib/short_list.h"

#include <doctest/doctest.h>

#include <memory>
#include <numeric>
#include <vector>

using qkv::lib::ShortList;

namespace {

std::vector<int> numbers(int n) {
  std::vector<int> list(static_cast<size_t>(n));
  std::iota(list.begin(), list.end(), 1);
  return list;
}

std::vector<int> contents(const ShortList<int, 3>& list) { return {list.begin(), list.end()}; }

}  // namespace

TEST_CASE("a short list holds what was put in, below, at and above the size that fits") {
  for (int n = 0; n <= 8; ++n) {
    const std::vector<int> expected = numbers(n);
    ShortList<int, 3> pushed;
    for (const int x : expected) pushed.push_back(x);
    CHECK(contents(pushed) == expected);
    CHECK(pushed.size() == expected.size());
    CHECK(pushed.empty() == (n == 0));
    CHECK(contents(ShortList<int, 3>(expected.begin(), expected.end())) == expected);
    ShortList<int, 3> sized(static_cast<size_t>(n));
    CHECK(contents(sized) == std::vector<int>(expected.size(), 0));
    for (size_t i = 0; i < sized.size(); ++i) sized[i] = expected[i];
    CHECK(contents(sized) == expected);
  }
  CHECK(contents({7, 8}) == std::vector<int>{7, 8});
}

TEST_CASE("copies of a short list are independent, and a list moved from is empty") {
  for (const int n : {2, 3, 4, 9}) {
    const std::vector<int> expected = numbers(n);
    ShortList<int, 3> list(expected.begin(), expected.end()), copy = list;
    copy[0] = -1;
    CHECK(contents(list) == expected);
    ShortList<int, 3> moved = std::move(list);
    CHECK(contents(moved) == expected);
    CHECK(list.empty());
    list.push_back(5);
    CHECK(contents(list) == std::vector<int>{5});
    list = std::move(moved);
    CHECK(contents(list) == expected);
  }
}

TEST_CASE("a short list destroys its elements once") {
  const auto counted = std::make_shared<int>(1);
  for (const int n : {1, 3, 4, 10}) {
    {
      ShortList<std::shared_ptr<int>, 3> list;
      for (int i = 0; i < n; ++i) list.push_back(counted);
      CHECK(counted.use_count() == 1 + n);
      const auto moved = std::move(list);
      CHECK(counted.use_count() == 1 + n);
    }
    CHECK(counted.use_count() == 1);
  }
}

TEST_CASE("elements written in braces are moved, not copied") {
  struct Counted {
    explicit Counted(int* count) : copies(count) {}
    Counted(const Counted& from) : copies(from.copies) { *copies += 1; }
    Counted(Counted&&) = default;
    Counted& operator=(const Counted&) = delete;
    Counted& operator=(Counted&&) = default;
    Counted() = default;
    int* copies = nullptr;
  };
  int copies = 0;
  const ShortList<Counted, 2> two = {Counted(&copies), Counted(&copies)};
  const ShortList<Counted, 2> three = {Counted(&copies), Counted(&copies), Counted(&copies)};
  CHECK(two.size() == 2);
  CHECK(three.size() == 3);
  CHECK(copies == 0);
}
