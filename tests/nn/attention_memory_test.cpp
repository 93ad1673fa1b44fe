// A sequence that many queries look over one after the other, and attention as one function: the
// same as the score functions make of it, to the bit.
#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "autograd/ops.h"
#include "nn/score_attention.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

constexpr int64_t kWidth = 3, kHidden = 5;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

// softmax of a few scores, by the definition.
Numbers softmax_of(const Numbers& scores) {
  Numbers weights;
  double total = 0;
  for (const double s : scores) total += std::exp(s);
  for (const double s : scores) weights.push_back(std::exp(s) / total);
  return weights;
}

}  // namespace

TEST_CASE("a memory made once answers every query to the bit and its keys are worked out once") {
  const Mask padding = Mask::padding({5, 3}, 5);
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Variable queries = normal({2, 3, kWidth}, 1, dtype);
    const Tensor keys = normal({2, 5, kWidth}, 2, dtype), values = normal({2, 5, 4}, 3, dtype);
    lib::Generator g(3);
    const std::unique_ptr<Attention> kinds[] = {
        std::make_unique<DotAttention>(), std::make_unique<ScaledDotAttention>(),
        std::make_unique<GeneralAttention>(kWidth, kWidth, g),
        std::make_unique<ConcatAttention>(kWidth, kWidth, kHidden, g),
        std::make_unique<AdditiveAttention>(kWidth, kWidth, kHidden, g)};
    for (const auto& attention : kinds) {
      attention->to(dtype);
      const AttentionMemory memory = attention->remember(keys, values, padding);
      for (const Variable& query : {queries, select(queries, 1, 2)}) {
        const auto [output, weights] = attention->forward(query, keys, values, padding);
        CHECK(numbers(attention->attend(query, memory).output) == numbers(output));
        CHECK(numbers(attention->attend(query, memory).weights) == numbers(weights));
      }
    }
  }
  lib::Generator g(3);
  const Tensor keys = normal({2, 5, kWidth}, 2, Dtype::float32);
  const auto memory = AdditiveAttention(kWidth, kWidth, kHidden, g).remember(keys, keys);
  CHECK(memory.prepared.shape() == Shape{2, 5, kHidden});
}

// Of a W = [W_q W_k] a wrong width would cut the wrong columns.
TEST_CASE("a memory is refused whose keys and values do not fit") {
  lib::Generator g(1);
  const ConcatAttention concat(3, 4, kHidden, g);
  const auto remember = [&](const Shape& keys, const Shape& values) {
    return refusal([&] { return concat.remember(tensor::ones(keys), tensor::ones(values)); });
  };
  CHECK(remember({2, 5, 3}, {2, 5, 6}) ==
        "ConcatAttention: keys are (2, 5, 3), values (2, 5, 6); need key width 4");
  CHECK(remember({5, 4}, {2, 5, 6}) ==
        "ConcatAttention: keys are (5, 4), values (2, 5, 6); need (B, T, Ck) and (B, T, Cv)");
  CHECK(remember({2, 5, 4}, {2, 4, 6}) ==
        "ConcatAttention: keys are (2, 5, 4), values (2, 4, 6); every key needs one value (second "
        "axis)");
  const AttentionMemory memory = concat.remember(tensor::ones({2, 5, 4}), tensor::ones({2, 5, 6}));
  CHECK(concat.attend(tensor::ones({2, 3}), memory).output.shape() == Shape{2, 6});
  CHECK(refusal([&] {
          return concat.attend(tensor::ones({2, 4}), memory);
        }) == "ConcatAttention: query is (2, 4), keys are (2, 5, 4); need query width 3");
  CHECK(refusal([&] {
          return concat.attend(tensor::ones({3, 3}), memory);
        }) == "ConcatAttention: query is (3, 3), keys are (2, 5, 4); both need the same batch B");
  const Tensor keys = tensor::ones({2, 5, 4}), values = tensor::ones({2, 5, 6});
  CHECK(refusal([&] {
          return concat.attend(tensor::ones({2, 3}), {keys, values, {}, {}});
        }) ==
        "ConcatAttention: query is (2, 3), keys are (2, 5, 4); the memory must be made by "
        "remember");
}

TEST_CASE("attention of one query is dot attention and scaled dot attention if scaled") {
  const Tensor query = normal({2, 4}, 1), keys = normal({2, 5, 4}, 2),
               values = normal({2, 5, 4}, 3);
  const Mask padding = Mask::padding({5, 3}, 5);
  const auto plain = nn::attention(query, keys, values, padding);
  const auto scaled = nn::attention(query, keys, values, {}, true);
  CHECK(plain.output.shape() == Shape{2, 4});
  CHECK(plain.weights.shape() == Shape{2, 5});
  for (int64_t b = 0; b < 2; ++b) {
    const auto score = [&](int64_t t) {
      double product = 0;
      for (int64_t c = 0; c < 4; ++c) product += query.at({b, c}) * keys.at({b, t, c});
      return product;
    };
    Numbers scores, halves;  // √4 = 2
    for (int64_t t = 0; t < (b == 0 ? 5 : 3); ++t) scores.push_back(score(t));
    for (int64_t t = 0; t < 5; ++t) halves.push_back(score(t) / 2);
    Numbers wanted = softmax_of(scores);
    wanted.resize(5);
    CHECK(relative_error(numbers(slice(plain.weights, 0, b, b + 1)), wanted) <= 1e-14);
    CHECK(relative_error(numbers(slice(scaled.weights, 0, b, b + 1)), softmax_of(halves)) <= 1e-14);
  }
}

TEST_CASE("additive attention whose v is 0 is exactly uniform over the real keys") {
  lib::Generator g(1);
  AdditiveAttention attention(kWidth, kWidth, kHidden, g);
  attention.v = autograd::parameter(tensor::zeros({kHidden}));
  const Variable query = normal({2, kWidth}, 1, Dtype::float32);
  const Tensor keys = normal({2, 4, kWidth}, 2, Dtype::float32);
  const auto [output, weights] = attention.forward(query, keys, keys, Mask::padding({4, 2}, 4));
  CHECK(numbers(weights) == Numbers{0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0, 0});
}
