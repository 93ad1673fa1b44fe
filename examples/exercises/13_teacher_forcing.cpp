// Exercise 13. Teacher forcing: the shift by one place (chapter 11)
//
// A decoder is trained to say the next symbol, given the right ones before it. For the target
// 7 3 1, return two lists, both one longer than the target:
//
//   input      BOS   7   3    1     what it reads: BOS, begin of sequence, comes before the first
//   expected     7   3   1  EOS     what it should say: EOS, end of sequence, comes after the last
//
// Hint: result.insert(result.begin(), bos) puts a symbol in front of a std::vector,
// result.push_back(eos) one behind it.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

using Symbols = std::vector<int64_t>;

std::pair<Symbols, Symbols> input_and_expected(const Symbols& target, int64_t bos, int64_t eos) {
  return {target, target};  // your code
}

}  // namespace qkv::examples
