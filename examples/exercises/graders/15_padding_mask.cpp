// Grades exercise 15 against the library's mask; a sequence may be empty, or full.
#include "examples/exercises/grader.h"
#include "nn/mask.h"

namespace qkv::examples {

Tensor padding_mask(const std::vector<int64_t>& lengths, int64_t T);

namespace {

void ask(const std::vector<int64_t>& lengths, int64_t T) {
  const auto B = static_cast<int64_t>(lengths.size());
  const Tensor yours = padding_mask(lengths, T);
  const Tensor ends = Tensor::of(lengths, {B, 1, 1, 1}), places = tensor::arange(T);
  require(!yours.defined() || yours.rank() == 4,
          lib::str("the mask is ", yours.shape(), ", expected (", B, ", 1, 1, ", T,
                   "): it has to broadcast over heads and queries"));
  compare(
      "the mask", yours, nn::Mask::padding(lengths, T).allowed(),
      {{"padding that may be attended to: the lengths have no part in it",
        tensor::full({B, 1, 1, T}, 1, Dtype::boolean)},
       {"the padding instead of what is real: true means \"may attend\"", less_equal(ends, places)},
       {"one key too many: the last real key is number length - 1", less_equal(places, ends)},
       {"one key too few", less(add(places, 1.0), ends)}});
}

void questions() {
  tried("lengths {2, 4, 0}, T = 4");
  ask({2, 4, 0}, 4);
  tried("lengths {1}, T = 3");
  ask({1}, 3);
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(15, "the padding mask", qkv::examples::questions); }
