// One pool of threads. A job is published by opening a gate and raising `generation_`, for which
// idle workers wait: for a moment busily, then asleep in std::atomic::wait. Whoever passes the gate
// takes chunks from a shared counter. The caller closes the gate when no chunk is left and waits
// for those inside alone, so a worker that wakes too late delays nobody.
#include "lib/parallel.h"

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstdlib>
#include <cstring>
#include <exception>
#include <mutex>
#include <thread>
#include <utility>
#include <vector>

#if defined(__linux__)
#include <sched.h>
#endif

#include "lib/text.h"

namespace qkv::lib {
namespace {

constexpr int kMaxThreads = 1024;

thread_local bool inside_chunk =
    false;  // set while this thread runs a chunk: nested calls are serial

int available_processors() {
#if defined(__linux__)
  cpu_set_t set;  // what a container or taskset allows, not what the machine has
  if (sched_getaffinity(0, sizeof set, &set) == 0) return std::max(1, CPU_COUNT(&set));
#endif
  return std::max(1, static_cast<int>(std::thread::hardware_concurrency()));
}

// Waiting busily, the processor is told so.
void pause() {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  asm volatile("yield");
#else
  std::this_thread::yield();
#endif
}

int threads_wanted() {
  const char* text = std::getenv("QKV_NUM_THREADS");
  if (text == nullptr || *text == 0) return std::min(available_processors(), kMaxThreads);
  int n = 0;
  const char* end = text + std::strlen(text);
  const auto [stop, error] = std::from_chars(text, end, n);
  if (error != std::errc() || stop != end || n < 1 || n > kMaxThreads) {
    fail("QKV_NUM_THREADS: '", text, "' is not an integer from 1 to ", kMaxThreads);
  }
  return n;
}

class Pool {
 public:
  explicit Pool(int threads) { start(threads); }
  ~Pool() { stop(); }
  Pool(const Pool&) = delete;
  Pool& operator=(const Pool&) = delete;

  int size() const { return static_cast<int>(workers_.size()) + 1; }

  void resize(int threads) {
    const std::lock_guard lock(one_job_);
    stop();
    start(threads);
  }

  // Runs a job with all threads. False if another thread's job has the pool: run it yourself then.
  bool run(int64_t count, int64_t grain, void (*body)(void*, int64_t, int64_t), void* context) {
    const std::unique_lock lock(one_job_, std::try_to_lock);
    if (!lock.owns_lock()) return false;
    count_ = count, grain_ = grain, body_ = body, context_ = context;
    next_.store(0, std::memory_order_relaxed);
    error_ = nullptr;
    gate_.fetch_and(~kClosed, std::memory_order_release);
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    take_chunks();
    gate_.fetch_or(kClosed, std::memory_order_relaxed);
    for (int i = 0; i < spins_ && gate_.load(std::memory_order_relaxed) != kClosed; ++i) pause();
    for (uint32_t seen; (seen = gate_.load(std::memory_order_acquire)) != kClosed;) {
      gate_.wait(seen);
    }
    if (error_) std::rethrow_exception(std::exchange(error_, nullptr));
    return true;
  }

 private:
  void take_chunks() {
    inside_chunk = true;
    for (int64_t begin; (begin = next_.fetch_add(grain_, std::memory_order_relaxed)) < count_;) {
      try {
        body_(context_, begin, std::min(begin + grain_, count_));
      } catch (...) {
        const std::lock_guard lock(error_mutex_);
        if (!error_) error_ = std::current_exception();
        next_.store(count_, std::memory_order_relaxed);
      }
    }
    inside_chunk = false;
  }

  void work(uint32_t seen) {
    while (true) {
      for (int i = 0; i < spins_ && generation_.load(std::memory_order_relaxed) == seen; ++i) {
        pause();
      }
      generation_.wait(seen, std::memory_order_acquire);
      seen = generation_.load(std::memory_order_acquire);
      if (stopping_) return;
      const bool open = (gate_.fetch_add(1, std::memory_order_acquire) & kClosed) == 0;
      if (open) take_chunks();
      if (gate_.fetch_sub(1, std::memory_order_acq_rel) == kClosed + 1) gate_.notify_one();
    }
  }

  void start(int threads) {
    stopping_ = false;
    spins_ = threads <= available_processors() ? kSpins : 0;
    const uint32_t seen = generation_.load();
    for (int i = 1; i < threads; ++i) workers_.emplace_back([this, seen] { work(seen); });
  }

  void stop() {
    stopping_ = true;
    generation_.fetch_add(1, std::memory_order_release);
    generation_.notify_all();
    for (std::thread& worker : workers_) worker.join();
    workers_.clear();
  }

  static constexpr uint32_t kClosed = uint32_t{1} << 31;

  // About 50 microseconds: longer than most gaps between the jobs of a training step. None if there
  // are more threads than processors: somebody else could use the time.
  static constexpr int kSpins = 1000;

  std::mutex one_job_;  // the pool runs one job at a time
  std::vector<std::thread> workers_;
  std::atomic<uint32_t> generation_ = 0;
  std::atomic<uint32_t> gate_ = kClosed;  // kClosed, plus the number of workers inside
  std::atomic<int64_t> next_ = 0;         // where the next chunk begins
  std::atomic<bool> stopping_ = false;
  int spins_ = 0;
  int64_t count_ = 0, grain_ = 1;  // the job; written before generation_ is raised
  void (*body_)(void*, int64_t, int64_t) = nullptr;
  void* context_ = nullptr;
  std::mutex error_mutex_;
  std::exception_ptr error_;
};

// Made when first needed, so that a program which never splits work has no threads.
Pool& pool() {
  static Pool instance(threads_wanted());
  return instance;
}

}  // namespace

int num_threads() { return pool().size(); }

void set_num_threads(int n) {
  if (n < 1 || n > kMaxThreads) fail("set_num_threads: ", n, " is not from 1 to ", kMaxThreads);
  pool().resize(n);
}

void run_chunks(int64_t count, int64_t grain, void (*run)(void*, int64_t, int64_t), void* context) {
  if (count <= 0) return;
  const bool split = count > grain && !inside_chunk && num_threads() > 1;
  if (split && pool().run(count, grain, run, context)) return;
  for (int64_t begin = 0; begin < count; begin += grain) {
    run(context, begin, std::min(begin + grain, count));
  }
}

}  // namespace qkv::lib
