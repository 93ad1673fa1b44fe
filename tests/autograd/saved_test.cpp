// Misuse of saved tensors: operands, masks, indices and ids that were overwritten between an
// operation and its backward. Either the gradient is that of the numbers as they were, or one
// sentence says that they are gone.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/attention.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::refusal;

namespace {

Variable leaf(const Shape& shape) {
  lib::Generator generator(1);
  return parameter(tensor::normal(shape, 0, 1, generator, Dtype::float64));
}
Tensor mask_of(std::vector<bool> values, const Shape& shape) { return Tensor::of(values, shape); }
Tensor ids(std::vector<int64_t> values, const Shape& shape) { return Tensor::of(values, shape); }

// What backward says after the tensor was overwritten.
std::string after_overwrite(const Variable& y, Tensor tensor, bool create_graph = false) {
  tensor.fill_(0);
  return refusal([&] { backward(sum(y), {}, {.create_graph = create_graph}); });
}

std::string sentence(const std::string& op, const std::string& shape) {
  return op + ": a tensor of shape " + shape +
         " that was saved for backward has been overwritten in place since";
}

}  // namespace

TEST_CASE("overwriting a mask before backward is refused by each operation that needs it") {
  const Variable x = leaf({2, 2});
  const Tensor mask = mask_of({true, false, true, true}, {2, 2});
  CHECK(after_overwrite(where(mask, x, x * 2.0), mask) == sentence("where", "(2, 2)"));
  const Tensor row = mask_of({true, false}, {2});
  CHECK(after_overwrite(masked_fill(x, row, 7), row) == sentence("masked_fill", "(2,)"));
  const Tensor again = mask_of({true, false, true, true}, {2, 2});
  CHECK(after_overwrite(masked_softmax(x, again), again, true) ==
        sentence("masked_softmax", "(2, 2)"));
}

TEST_CASE("overwriting an index or ids before backward is refused") {
  const Variable x = leaf({2, 3});
  const Tensor index = ids({2, 0}, {2, 1});
  CHECK(after_overwrite(gather(x, 1, index), index) == sentence("gather", "(2, 1)"));
  const Tensor places = ids({2, 0, 1, 1, 0, 3}, {2, 3});
  CHECK(after_overwrite(scatter_add(x, 1, places, 4), places) == sentence("scatter_add", "(2, 3)"));
  const Tensor words = ids({1, 0, 1}, {3});
  CHECK(after_overwrite(embedding(x, words), words) == sentence("embedding", "(3,)"));
  const Tensor columns = ids({2, 0}, {2});
  CHECK(after_overwrite(index_select(x, 1, columns), columns) == sentence("index_select", "(2,)"));
  const Tensor rows = ids({1, 0}, {2});
  CHECK(after_overwrite(scatter_add_rows(x, rows, 2), rows) ==
        sentence("scatter_add_rows", "(2,)"));
}

TEST_CASE("overwriting a mask of attention is refused") {
  const Variable q = leaf({1, 1, 3, 2});
  for (const bool create_graph : {false, true}) {
    const Tensor allowed = mask_of({true, false, true}, {1, 3});
    CHECK(after_overwrite(attention(q, q, q, {.allowed = allowed}), allowed, create_graph) ==
          sentence("attention", "(1, 3)"));
    const Tensor lengths = ids({2}, {1});
    CHECK(after_overwrite(attention(q, q, q, {.key_lengths = lengths}), lengths, create_graph) ==
          sentence("attention", "(1,)"));
  }
  const Variable x = leaf({1, 1, 3, 2});
  const Tensor allowed = mask_of({true, false, true}, {1, 3});
  const auto whole = nn::scaled_dot_product_attention(x, x, x, nn::Mask::allow(allowed), false);
  CHECK(after_overwrite(whole.output, allowed) == sentence("attention", "(1, 3)"));
}

TEST_CASE("a mask that backward does not need may be overwritten") {
  Variable x = leaf({2, 2});
  Tensor mask = mask_of({true, false, true, true}, {2, 2});
  const Variable y = masked_softmax(x, mask);  // its result says where the mask was
  const Variable weights = Tensor::of<double>({1, 2, 3, 4}, {2, 2});
  const auto before = grad({y}, {x}, {weights}, {.retain_graph = true})[0].value().to_vector();
  mask.fill_(1);
  CHECK(grad({y}, {x}, {weights})[0].value().to_vector() == before);
}

TEST_CASE("cross entropy keeps copies of its targets") {
  for (const bool create_graph : {false, true}) {
    const Variable x = leaf({3, 4});
    Tensor targets = ids({1, -100, 3}, {3});
    const auto slope = [&](bool overwrite) {
      const Variable loss = cross_entropy(x, targets, {.label_smoothing = 0.1});
      if (overwrite) targets.fill_(0);
      return grad({loss}, {x}, {}, {.create_graph = create_graph})[0].value().to_vector();
    };
    const auto expected = slope(false);
    CHECK(slope(true) == expected);
    CHECK(slope(false) != expected);  // of the new targets
  }
}

TEST_CASE("a batch may reuse its memory from one step to the next") {
  Variable table = leaf({4, 2});
  Tensor words = ids({0, 1, 1}, {3});
  for (int step = 0; step < 3; ++step) {
    words.fill_(step);
    backward(sum(embedding(table, words)));
  }
  CHECK(table.grad().value().to_vector() == std::vector<double>{3, 3, 3, 3, 3, 3, 0, 0});
}

TEST_CASE("after a refused backward the numbers can be computed anew") {
  Variable x = leaf({2});
  const Variable y = x * x;
  x.mutable_value().fill_(3);
  CHECK(refusal([&] { backward(sum(y)); }) == sentence("mul", "(2,)"));
  backward(sum(x * x));
  CHECK(x.grad().value().to_vector() == std::vector<double>{6, 6});
}
