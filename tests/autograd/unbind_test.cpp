// Slices of an axis one by one: their values and gradients are those of slice, in every pass, and
// the way back takes no more memory for each of many pieces than for each of few.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/explain.h"
#include "autograd/ops.h"
#include "lib/memory.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

}  // namespace

TEST_CASE("one slice without its axis has the numbers of the piece and sends its gradient back") {
  const Variable x = parameter(normal({2, 3, 4}, 1)), r = normal({2, 4}, 2);
  const Variable y = select(x, 1, 2);
  CHECK(numbers(y) == numbers(unbind(x, 1)[2]));
  CHECK(y.value().shares_storage_with(x.value()));
  CHECK(numbers(select(x, -2, -1)) == numbers(y));
  const Variable dx = grad({y}, {x}, {r})[0];
  CHECK(numbers(select(dx, 1, 2)) == numbers(r));
  CHECK(numbers(slice(dx, 1, 0, 2)) == Numbers(16, 0));
  CHECK(refusal([&] { return select(x, 1, 3); }) != "not refused");
  CHECK(refusal([&] { return select(x, 3, 0); }) != "not refused");
}

TEST_CASE("pieces are views of their slices along every axis") {
  const Variable x = parameter(normal({2, 3, 4}, 1));
  for (const int axis : {0, 1, 2, -1}) {
    const std::vector<Variable> pieces = unbind(x, axis);
    const int at = axis < 0 ? axis + 3 : axis;
    REQUIRE(static_cast<int64_t>(pieces.size()) == x.shape()[at]);
    for (size_t i = 0; i < pieces.size(); ++i) {
      const auto begin = static_cast<int64_t>(i);
      CHECK(pieces[i].rank() == 2);
      CHECK(numbers(pieces[i]) == numbers(slice(x, at, begin, begin + 1)));
      CHECK(pieces[i].value().shares_storage_with(x.value()));
    }
  }
  CHECK(refusal([&] { return unbind(x, 3); }) != "not refused");
}

TEST_CASE("gradients of pieces are those of slices in every pass over any of them") {
  const Variable x = parameter(normal({3, 4, 2}, 1)), r = normal({3, 2}, 2);
  const std::vector<Variable> pieces = unbind(x, 1);
  const auto sliced = [&](int64_t i) { return select(x, 1, i); };
  const Variable all = pieces[0] * pieces[3] + exp(pieces[2]), few = pieces[1] * pieces[1];
  const Variable all_slices = sliced(0) * sliced(3) + exp(sliced(2));
  const Variable few_slices = sliced(1) * sliced(1);
  for (const bool create_graph : {false, true, false}) {
    const BackwardOptions options = {.retain_graph = true, .create_graph = create_graph};
    const auto slope = [&](const Variable& y) { return numbers(grad({y}, {x}, {r}, options)[0]); };
    CHECK(slope(all) == slope(all_slices));
    CHECK(slope(few) == slope(few_slices));  // nothing is left of the pass before
  }
}

TEST_CASE("the way back through pieces holds two copies of their gradients at most") {
  const int64_t T = 64, C = 256;
  const Variable x = parameter(normal({T, C}, 1));
  const std::vector<Variable> pieces = unbind(x, 0);
  Variable total = pieces[0];
  for (size_t i = 1; i < pieces.size(); ++i) total = total * pieces[i];
  const int64_t before = lib::memory_stats().live_bytes;
  lib::reset_peak_memory();
  CHECK(grad({total}, {x}, {normal({C}, 2)})[0].shape() == Shape{T, C});
  CHECK(lib::memory_stats().peak_bytes - before <= 3 * T * C * 8);
}

TEST_CASE("what a piece was asked outside of a pass does not reach the next pass") {
  const Variable x = autograd::parameter(Tensor::of<double>({1, 2, 3, 4}, {2, 2}));
  const std::vector<Variable> pieces = unbind(x, 0);
  const Variable looked_at = sum(pieces[1] * pieces[1]);
  static_cast<void>(explain(looked_at, pieces[1]));
  backward(sum(pieces[0] * pieces[0]));
  CHECK(x.grad().value().to_vector() == std::vector<double>{2, 4, 0, 0});
}
