// The allocator: alignment, reuse without system calls, size classes, threads, and what it counts.
#include "lib/memory.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <cstring>
#include <new>
#include <thread>
#include <vector>

using namespace qkv::lib;

namespace {

// The bytes a block of this size takes, as the statistics tell.
int64_t bytes_taken(size_t bytes) {
  const int64_t before = memory_stats().live_bytes;
  void* const block = allocate(bytes);
  const int64_t taken = memory_stats().live_bytes - before;
  release(block, bytes);
  return taken;
}

}  // namespace

TEST_CASE("blocks are aligned to 64 bytes and writable to the last byte") {
  for (const size_t bytes : {1u, 7u, 63u, 64u, 65u, 127u, 129u, 1000u, 4097u, 65537u, 1000003u}) {
    void* const block = allocate(bytes);
    REQUIRE(block != nullptr);
    CHECK(reinterpret_cast<uintptr_t>(block) % kAlignment == 0);
    std::memset(block, 0xab, bytes);
    CHECK(static_cast<unsigned char*>(block)[bytes - 1] == 0xab);
    release(block, bytes);
  }
}

TEST_CASE("zero bytes are no block") {
  const MemoryStats before = memory_stats();
  CHECK(allocate(0) == nullptr);
  release(nullptr, 0);
  CHECK(memory_stats().live_bytes == before.live_bytes);
  CHECK(memory_stats().system_calls == before.system_calls);
}

TEST_CASE("a size takes whole cache lines and at most a quarter more than asked for") {
  for (size_t bytes = 1; bytes <= 20000; bytes += bytes < 1100 ? 1 : 61) {
    const int64_t asked = static_cast<int64_t>(bytes), taken = bytes_taken(bytes);
    CHECK(taken % 64 == 0);
    CHECK(taken >= asked);
    CHECK(taken - asked <= std::max<int64_t>(63, asked / 4));
  }
  release_cached_memory();
}

TEST_CASE("sizes of one class share their blocks and sizes of different classes do not") {
  const std::vector<size_t> classes = {64,  128, 192, 256,  320,  384,  448,  512,
                                       640, 768, 896, 1024, 1280, 1536, 1792, 2048};
  for (size_t k = 0; k < classes.size(); ++k) {
    release_cached_memory();
    const size_t smallest = k == 0 ? 1 : classes[k - 1] + 1;
    void* const block = allocate(smallest);
    release(block, smallest);
    for (const size_t other : classes) {
      void* const candidate = allocate(other);
      CHECK((candidate == block) == (other == classes[k]));
      release(candidate, other);
    }
  }
}

TEST_CASE("the second round of a loop makes no system call") {
  const auto one_step = [] {
    std::vector<std::pair<void*, size_t>> blocks;
    for (size_t bytes = 1; bytes < 3000000; bytes = bytes * 3 / 2 + 1) {
      for (int k = 0; k < 3; ++k) blocks.emplace_back(allocate(bytes), bytes);
    }
    for (const auto& [block, bytes] : blocks) release(block, bytes);
  };
  one_step();
  const MemoryStats before = memory_stats();
  for (int step = 0; step < 5; ++step) one_step();
  const MemoryStats after = memory_stats();
  CHECK(after.system_calls == before.system_calls);
  CHECK(after.live_bytes == before.live_bytes);
  CHECK(after.peak_bytes == before.peak_bytes);
}

TEST_CASE("blocks alive at the same time do not overlap") {
  std::vector<unsigned char*> blocks(100);
  for (size_t k = 0; k < blocks.size(); ++k) {
    blocks[k] = static_cast<unsigned char*>(allocate(k + 1));
    std::memset(blocks[k], static_cast<int>(k), k + 1);
  }
  for (size_t k = 0; k < blocks.size(); ++k) {
    CHECK(std::count(blocks[k], blocks[k] + k + 1, static_cast<unsigned char>(k)) ==
          static_cast<ptrdiff_t>(k + 1));
    release(blocks[k], k + 1);
  }
}

TEST_CASE("the statistics follow a block through its life") {
  release_cached_memory();
  const MemoryStats start = memory_stats();
  CHECK(start.cached_bytes == 0);
  void* const block = allocate(1000);  // class 897..1024
  const MemoryStats alive = memory_stats();
  CHECK(alive.live_bytes == start.live_bytes + 1024);
  CHECK(alive.peak_bytes >= alive.live_bytes);
  CHECK(alive.system_calls == start.system_calls + 1);
  release(block, 1000);
  CHECK(memory_stats().live_bytes == start.live_bytes);
  CHECK(memory_stats().cached_bytes == 1024);
  release_cached_memory();
  CHECK(memory_stats().cached_bytes == 0);
}

TEST_CASE("an impossible size throws bad_alloc and changes nothing") {
  const MemoryStats before = memory_stats();
  CHECK_THROWS_AS(static_cast<void>(allocate(SIZE_MAX)), std::bad_alloc);
  CHECK_THROWS_AS(static_cast<void>(allocate(SIZE_MAX / 2)), std::bad_alloc);
  CHECK(memory_stats().live_bytes == before.live_bytes);
}

TEST_CASE("threads allocate and release at the same time and one another's blocks") {
  constexpr size_t kThreads = 4, kBlocks = 500;
  const int64_t before = memory_stats().live_bytes;
  std::vector<std::vector<void*>> blocks(kThreads, std::vector<void*>(kBlocks));
  std::vector<int> damaged(kThreads);
  const auto in_threads = [](const auto& body) {
    std::vector<std::thread> threads;
    for (size_t t = 0; t < kThreads; ++t) threads.emplace_back([&body, t] { body(t); });
    for (std::thread& thread : threads) thread.join();
  };
  const auto size = [](size_t k) { return k % 37 * 29 + 1; };
  in_threads([&](size_t t) {
    for (size_t k = 0; k < kBlocks; ++k) {
      blocks[t][k] = allocate(size(k));
      std::memset(blocks[t][k], static_cast<int>(t), size(k));
      release(allocate(size(k + 1)), size(k + 1));
    }
  });
  in_threads([&](size_t t) {
    const size_t other = (t + 1) % kThreads;
    for (size_t k = 0; k < kBlocks; ++k) {
      const auto* bytes = static_cast<unsigned char*>(blocks[other][k]);
      for (size_t i = 0; i < size(k); ++i) damaged[t] += bytes[i] != other;
      release(blocks[other][k], size(k));
    }
  });
  CHECK(damaged == std::vector<int>(kThreads));
  CHECK(memory_stats().live_bytes == before);
}

TEST_CASE("small blocks of a thread that has ended are handed out to others") {
  constexpr size_t kBytes = 300;
  constexpr int kBlocks = 5000;  // more than a thread keeps
  std::vector<void*> blocks(kBlocks);
  const auto allocate_all = [&] {
    for (void*& block : blocks) block = allocate(kBytes);
  };
  const auto release_all = [&] {
    for (void* const block : blocks) release(block, kBytes);
  };
  release_cached_memory();
  const int64_t live = memory_stats().live_bytes;
  std::thread([&] { allocate_all(), release_all(); }).join();
  CHECK(memory_stats().live_bytes == live);

  const int64_t calls = memory_stats().system_calls;
  allocate_all();
  CHECK(memory_stats().system_calls == calls);
  CHECK(memory_stats().live_bytes == live + kBlocks * 320);
  std::thread(release_all).join();  // what one thread took another may return
  CHECK(memory_stats().live_bytes == live);
  allocate_all();
  CHECK(memory_stats().system_calls == calls);
  release_all();
  release_cached_memory();
  CHECK(memory_stats().live_bytes == live);
}

TEST_CASE("the peak is known also if everything was released before anybody asked") {
  const auto use = [] {
    std::vector<void*> blocks;
    for (int i = 0; i < 200; ++i) blocks.push_back(allocate(64));
    for (void* const block : blocks) release(block, 64);
  };
  use();
  reset_peak_memory();
  const int64_t live = memory_stats().live_bytes;
  use();
  CHECK(memory_stats().peak_bytes == live + 200 * 64);
}
