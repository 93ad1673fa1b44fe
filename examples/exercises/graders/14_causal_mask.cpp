// Grades exercise 14 against the library's mask: as many keys as queries, then more, then one each.
#include "examples/exercises/grader.h"
#include "nn/mask.h"

namespace qkv::examples {

Tensor causal_mask(int64_t queries, int64_t keys);

namespace {

// Key j is allowed to query i if j <= i + ahead.
Tensor up_to(int64_t queries, int64_t keys, int64_t ahead) {
  const Tensor places = unsqueeze(tensor::arange(queries), 1);
  return less_equal(tensor::arange(keys), add(places, static_cast<double>(ahead)));
}

void ask(int64_t queries, int64_t keys) {
  tried(lib::str(queries, " queries, ", keys, " keys"));
  const int64_t offset = keys - queries;
  const Tensor right = nn::Mask::causal(queries, keys).allowed();
  compare("the mask", causal_mask(queries, keys), right,
          {{"every query may see the future: the mask allows everything",
            tensor::full({queries, keys}, 1, Dtype::boolean)},
           {"a query that may not see itself: the diagonal is missing",
            up_to(queries, keys, offset - 1)},
           {"a query that may see its successor", up_to(queries, keys, offset + 1)},
           {"the first query at the first key, where the last stands at the last",
            up_to(queries, keys, 0)},
           {"the future instead of the past", logical_not(up_to(queries, keys, offset - 1))}});
}

void questions() {
  ask(4, 4);
  ask(2, 5);
  ask(1, 1);
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(14, "the causal mask", qkv::examples::questions); }
