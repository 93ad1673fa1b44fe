// Solution 13. At place t the decoder has read target[t - 1] and everything before it, and is asked
// for target[t]. Were input and expected the same list, it would learn to copy what it is shown, a
// perfect loss and a useless model. The library's, for batches: nn/teacher_forcing.cpp.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

using Symbols = std::vector<int64_t>;

std::pair<Symbols, Symbols> input_and_expected(const Symbols& target, int64_t bos, int64_t eos) {
  Symbols input = target, expected = target;
  input.insert(input.begin(), bos);
  expected.push_back(eos);
  return {input, expected};
}

}  // namespace qkv::examples
