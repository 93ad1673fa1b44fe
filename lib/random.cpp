// Philox 4x32-10 and the three distributions. Ten rounds of: multiply two words by odd constants,
// keep the high and the low halves of both products, mix in key and swap places.
#include "lib/random.h"

#include <cmath>

#include "lib/elementary.h"
#include "lib/text.h"

namespace qkv::lib {

std::array<uint32_t, 4> philox4x32(std::array<uint32_t, 4> c, std::array<uint32_t, 2> key) {
  constexpr uint64_t kMultiply0 = 0xD2511F53, kMultiply1 = 0xCD9E8D57;
  constexpr uint32_t kWeyl0 = 0x9E3779B9, kWeyl1 = 0xBB67AE85;  // golden ratio and √3 - 1
  for (int round = 0; round < 10; ++round) {
    const uint64_t p0 = kMultiply0 * c[0], p1 = kMultiply1 * c[2];
    c = {static_cast<uint32_t>(p1 >> 32) ^ c[1] ^ key[0], static_cast<uint32_t>(p1),
         static_cast<uint32_t>(p0 >> 32) ^ c[3] ^ key[1], static_cast<uint32_t>(p0)};
    key[0] += kWeyl0;
    key[1] += kWeyl1;
  }
  return c;
}

//   position      p
//   block         p / 4   -> counter words 0, 1;  stream -> counter words 2, 3;  seed -> key
//   word          p % 4   of that block
uint32_t Generator::bits() {
  const uint64_t block_index = position_ / 4;
  if (block_index != block_index_) {
    const auto low = [](uint64_t x) { return static_cast<uint32_t>(x); };
    const auto high = [](uint64_t x) { return static_cast<uint32_t>(x >> 32); };
    block_ = philox4x32({low(block_index), high(block_index), low(stream_), high(stream_)},
                        {low(seed_), high(seed_)});
    block_index_ = block_index;
  }
  return block_[position_++ % 4];
}

double Generator::uniform() {
  const uint64_t high = bits(), low = bits();
  return static_cast<double>((high << 32 | low) >> 11) * 0x1p-53;
}

// Box-Muller: a point drawn from the 2-d normal distribution has a uniform angle and a radius
// √(-2 ln u). Its first coordinate is the number; 1 - uniform() is in (0, 1], so ln is finite.
double Generator::normal() {
  const double radius = std::sqrt(-2 * portable_log(1 - uniform()));
  const double turn = uniform();
  return radius * portable_cos(6.283185307179586477 * turn);
}

// Words that fall in the incomplete last copy of the range are drawn again: no value is favoured.
int64_t Generator::integer(int64_t low, int64_t high) {
  if (low >= high) fail("integer: empty range: low ", low, ", high ", high, "; need low < high");
  const uint64_t range = static_cast<uint64_t>(high) - static_cast<uint64_t>(low);
  const uint64_t rejected_below = (0 - range) % range;  // 2^64 mod range
  uint64_t word;
  do {
    const uint64_t upper = bits(), lower = bits();
    word = upper << 32 | lower;
  } while (word < rejected_below);
  return static_cast<int64_t>(static_cast<uint64_t>(low) + word % range);
}

}  // namespace qkv::lib
