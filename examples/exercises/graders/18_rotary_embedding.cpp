// Grades exercise 18 against the library, and by what turning is for: a score of two turned rows
// knows their distance only.
#include "examples/exercises/grader.h"
#include "nn/positions.h"
#include "tensor/matmul.h"

namespace qkv::examples {

Tensor rotary(const Tensor& x);

namespace {

Tensor turned(const Tensor& x, int64_t first) {
  return nn::rotary_embedding(x, 10000, first).value();
}

// The columns in another order.
Tensor columns(const Tensor& x, const std::vector<int64_t>& order) {
  return tensor::index_select(x, 1, Tensor::of(order, {static_cast<int64_t>(order.size())}));
}

void questions() {
  const Tensor x = random_numbers({5, 6}, 1);
  const Tensor ones = numbers({1, -1, 1, -1, 1, -1});
  tried("x (5, 6)");
  compare("y", rotary(x), turned(x, 0),
          {{"x came through unchanged", x},
           {"a turn the other way: the signs of the two sines are exchanged",
            mul(turned(mul(x, ones), 0), ones)},
           {"places counted from 1: row 0 is not turned", turned(x, 1)},
           {"pairs (i, i + D/2), as some models have them: here a pair is (2i, 2i + 1)",
            columns(turned(columns(x, {0, 3, 1, 4, 2, 5}), 0), {0, 2, 4, 1, 3, 5})}});

  tried("the same query and key in every row: scores on a diagonal are alike");
  const Tensor q = tensor::expand(random_numbers({1, 4}, 2), {6, 4}).contiguous();
  const Tensor k = tensor::expand(random_numbers({1, 4}, 3), {6, 4}).contiguous();
  const Tensor scores = matmul(rotary(q), transpose(rotary(k)));  // (6, 6)
  const auto square = [&](int64_t first) {
    return slice(slice(scores, 0, first, first + 5), 1, first, first + 5);
  };
  compare("the scores, one place further on", square(1), square(0));
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(18, "rotary positions", qkv::examples::questions); }
