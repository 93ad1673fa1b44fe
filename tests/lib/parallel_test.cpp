// parallel_for: every index once, chunks that do not depend on the threads, exceptions, nesting.
#include "lib/parallel.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <numeric>
#include <stdexcept>
#include <string>
#include <thread>
#include <utility>
#include <vector>

using namespace qkv::lib;

namespace {

// Runs a piece of a test with a number of threads, and restores the number after it.
class WithThreads {
 public:
  explicit WithThreads(int n) : before_(num_threads()) { set_num_threads(n); }
  ~WithThreads() { set_num_threads(before_); }
  WithThreads(const WithThreads&) = delete;
  WithThreads& operator=(const WithThreads&) = delete;

 private:
  int before_;
};

// Sum of 0 .. count-1, formed in a parallel loop: the pool works if this is right.
int64_t sum_of_indices(int64_t count, int64_t grain) {
  std::atomic<int64_t> sum = 0;
  parallel_for(count, grain, [&](int64_t begin, int64_t end) {
    for (int64_t i = begin; i < end; ++i) sum += i;
  });
  return sum;
}

}  // namespace

TEST_CASE("every index is visited exactly once, in chunks that follow from count and grain") {
  for (const int threads : {1, 2, 3, 64}) {
    const WithThreads with(threads);
    CHECK(num_threads() == threads);
    for (const int64_t count : {0, 1, 2, 3, 63, 64, 65, 1000, 1009}) {
      for (const int64_t grain : {1, 2, 3, 7, 64, 999, 5000}) {
        std::vector<int> visits(static_cast<size_t>(count));
        std::vector<int64_t> ends(static_cast<size_t>(count), -1);
        parallel_for(count, grain, [&](int64_t begin, int64_t end) {
          ends[static_cast<size_t>(begin)] = end;
          for (int64_t i = begin; i < end; ++i) visits[static_cast<size_t>(i)] += 1;
        });
        REQUIRE(visits == std::vector<int>(visits.size(), 1));
        for (int64_t i = 0; i < count; ++i) {
          const int64_t end = i % grain == 0 ? std::min(i + grain, count) : -1;
          REQUIRE(ends[static_cast<size_t>(i)] == end);
        }
      }
    }
  }
}

TEST_CASE("nothing to do calls nothing") {
  for (const int64_t count : {0, -1, -1000}) {
    parallel_for(count, 1, [](int64_t, int64_t) { FAIL("called"); });
  }
}

TEST_CASE("more than one thread takes part") {
  const WithThreads with(2);
  std::atomic<int> arrived = 0;  // each of two chunks waits for the other to begin
  parallel_for(2, 1, [&](int64_t, int64_t) {
    for (arrived += 1; arrived < 2;) std::this_thread::yield();
  });
  CHECK(arrived == 2);
}

TEST_CASE("an exception reaches the caller and the pool works after it") {
  for (const int threads : {1, 2, 64}) {
    const WithThreads with(threads);
    for (const int64_t guilty : {0, 57, 99}) {
      const auto run = [&] {
        parallel_for(100, 1, [&](int64_t begin, int64_t) {
          if (begin == guilty) throw std::runtime_error("chunk " + std::to_string(begin));
        });
      };
      CHECK_THROWS_WITH_AS(run(), ("chunk " + std::to_string(guilty)).c_str(), std::runtime_error);
      CHECK(sum_of_indices(1001, 10) == 500500);
    }
  }
}

TEST_CASE("one exception of many is rethrown, and chunks not begun are skipped") {
  for (const int threads : {1, 3}) {
    const WithThreads with(threads);
    std::atomic<int> begun = 0;
    CHECK_THROWS_AS(parallel_for(100000, 1,
                                 [&](int64_t, int64_t) {
                                   begun += 1;
                                   throw std::runtime_error("every chunk");
                                 }),
                    std::runtime_error);
    CHECK(begun >= 1);
    CHECK(begun <= threads);
  }
}

TEST_CASE("a nested call runs serially, in order, on the thread that makes it") {
  const WithThreads with(3);
  std::vector<int> in_order(8);
  parallel_for(8, 1, [&](int64_t outer, int64_t) {
    const std::thread::id self = std::this_thread::get_id();
    int64_t expected = 0;
    bool fine = true;
    parallel_for(50, 7, [&](int64_t begin, int64_t end) {
      fine &= begin == expected && std::this_thread::get_id() == self;
      expected = end;
    });
    in_order[static_cast<size_t>(outer)] = fine && expected == 50;
  });
  CHECK(in_order == std::vector<int>(8, 1));
}

TEST_CASE("an exception from a nested call passes through both loops") {
  const WithThreads with(2);
  const auto run = [] {
    parallel_for(4, 1, [](int64_t, int64_t) {
      parallel_for(4, 1, [](int64_t begin, int64_t) {
        if (begin == 3) throw std::runtime_error("inner");
      });
    });
  };
  CHECK_THROWS_WITH_AS(run(), "inner", std::runtime_error);
  CHECK(sum_of_indices(1001, 10) == 500500);
}

TEST_CASE("a call finishes while another thread's call has the pool") {
  const WithThreads with(2);
  std::atomic<bool> entered = false, finished = false;
  int64_t sum = 0;
  std::thread other([&] {
    while (!entered) std::this_thread::yield();
    sum = sum_of_indices(101, 5);
    finished = true;
  });
  const auto limit = std::chrono::steady_clock::now() + std::chrono::seconds(5);
  std::atomic<int> too_late = 0;
  parallel_for(2, 1, [&](int64_t, int64_t) {
    entered = true;
    while (!finished && std::chrono::steady_clock::now() < limit) std::this_thread::yield();
    too_late += !finished;
  });
  other.join();
  CHECK(too_late == 0);
  CHECK(sum == 5050);
}

TEST_CASE("two threads call at the same time") {
  const WithThreads with(2);
  std::vector<int> wrong(2);
  const auto work = [&](size_t who) {
    for (int k = 0; k < 500; ++k) wrong[who] += sum_of_indices(101, 5) != 5050;
  };
  std::thread other([&] { work(1); });
  work(0);
  other.join();
  CHECK(wrong == std::vector<int>(2));
}

TEST_CASE("many short jobs with many threads come to an end") {
  const WithThreads with(64);
  int wrong = 0;
  for (int k = 0; k < 100; ++k) wrong += sum_of_indices(130, 1) != 8385;
  CHECK(wrong == 0);
}

TEST_CASE("an impossible number of threads is refused and the pool stays as it is") {
  const WithThreads with(2);
  for (const auto& [n, text] : {std::pair(0, "set_num_threads: 0 is not from 1 to 1024"),
                                std::pair(-3, "set_num_threads: -3 is not from 1 to 1024"),
                                std::pair(1025, "set_num_threads: 1025 is not from 1 to 1024")}) {
    CHECK_THROWS_WITH_AS(set_num_threads(n), text, std::invalid_argument);
  }
  CHECK(num_threads() == 2);
  CHECK(sum_of_indices(1001, 10) == 500500);
}
