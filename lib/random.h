// Random numbers from a counter: Philox 4x32-10 turns (key, counter) into four 32-bit words, with
// no state in between. So every number has an address: (seed, stream, position) gives the same
// value on every machine, any position can be reached directly, and a run can be resumed from its
// position.
//
// Source: Salmon, Moraes, Dror, Shaw, "Parallel random numbers: as easy as 1, 2, 3", SC 2011.
#pragma once

#include <array>
#include <cstdint>

namespace qkv::lib {

// The Philox 4x32 block function with 10 rounds: one counter and one key to four random words.
[[nodiscard]] std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> counter,
                                                 std::array<uint32_t, 2> key);

// A sequence of numbers. `seed` chooses the key; `stream` one of 2^64 independent sequences;
// `position` counts the 32-bit words drawn so far, and may be set to go anywhere in the sequence.
class Generator {
 public:
  explicit Generator(uint64_t seed, uint64_t stream = 0) : seed_(seed), stream_(stream) {}

  [[nodiscard]] uint32_t bits();   // one 32-bit word
  [[nodiscard]] double uniform();  // in [0, 1), a multiple of 2^-53; takes two words
  [[nodiscard]] double normal();   // mean 0, variance 1 (Box-Muller); takes four words

  // An integer in [low, high), without bias. Throws std::invalid_argument if the range is empty.
  [[nodiscard]] int64_t integer(int64_t low, int64_t high);

  [[nodiscard]] uint64_t seed() const { return seed_; }
  [[nodiscard]] uint64_t stream() const { return stream_; }
  [[nodiscard]] uint64_t position() const { return position_; }
  void set_position(uint64_t position) { position_ = position; }

 private:
  uint64_t seed_, stream_, position_ = 0;
  uint64_t block_index_ = ~uint64_t{0};  // which block of four words `block_` holds
  std::array<uint32_t, 4> block_ = {};
};

}  // namespace qkv::lib
