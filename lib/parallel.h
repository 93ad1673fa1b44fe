// parallel_for: the loop over [0, count), cut into chunks of `grain` that threads take in turn. The
// chunks depend on count and grain alone, never on the number of threads, so a chunk's result is
// the same whoever computes it. The calling thread takes part; a nested call runs serially.
//
//   count 10, grain 4:   [0 1 2 3] [4 5 6 7] [8 9]
#pragma once

#include <cstdint>

namespace qkv::lib {

// Threads in use, the caller included: QKV_NUM_THREADS, or the processors this process may run on.
// Throws std::invalid_argument if QKV_NUM_THREADS is not an integer from 1 to 1024.
[[nodiscard]] int num_threads();

// Changes the number. REQUIRES: 1 <= n <= 1024, and no parallel_for is running.
void set_num_threads(int n);

// The pool's own interface: calls run(context, begin, end) for every chunk, and returns when all
// are done. The first exception thrown in a chunk is rethrown here; the chunks not yet begun are
// skipped. No allocation, no std::function: a function and its context travel as two pointers.
void run_chunks(int64_t count, int64_t grain,
                void (*run)(void* context, int64_t begin, int64_t end), void* context);

// body(begin, end) for every chunk of [0, count). REQUIRES: grain >= 1.
// A chunk should be worth 20 microseconds or more: handing one over costs about one.
template <class Body>
void parallel_for(int64_t count, int64_t grain, const Body& body) {
  run_chunks(
      count, grain,
      [](void* context, int64_t begin, int64_t end) {
        (*static_cast<const Body*>(context))(begin, end);
      },
      const_cast<void*>(static_cast<const void*>(&body)));
}

}  // namespace qkv::lib
