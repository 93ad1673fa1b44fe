// Multi-head attention: heads share out the columns, and only them.
// The layers around it: transformer_test.cpp.
#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/attention.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

}  // namespace

TEST_CASE("H heads are H single-head attentions on their columns") {
  lib::Generator generator(1);
  MultiHeadAttention module(6, 3, generator);
  module.to(Dtype::float64);
  for (Linear* part : {&module.query, &module.key, &module.value, &module.out}) {
    part->bias.mutable_value().copy_(normal({6}, 9));  // Glorot's rule leaves it zero
  }
  const Variable x = normal({2, 4, 6}, 1), memory = normal({2, 5, 6}, 2);
  const auto whole = module.forward(x, memory, memory, Mask::causal(4, 5));
  CHECK(whole.output.shape() == Shape{2, 4, 6});
  CHECK(whole.weights.shape() == Shape{2, 3, 4, 5});
  std::vector<Variable> outputs;
  for (int64_t h = 0; h < 3; ++h) {
    const auto columns = [&](const Linear& part, const Variable& input) {
      return linear(input, slice(part.weight, 0, 2 * h, 2 * h + 2),
                    slice(part.bias, 0, 2 * h, 2 * h + 2));
    };
    const auto head =
        scaled_dot_product_attention(columns(module.query, x), columns(module.key, memory),
                                     columns(module.value, memory), Mask::causal(4, 5));
    CHECK(numbers(slice(whole.weights, 1, h, h + 1)) == numbers(head.weights));
    outputs.push_back(head.output);
  }
  CHECK(numbers(whole.output) == numbers(module.out.forward(autograd::concat(outputs, -1))));
}

TEST_CASE("multi-head attention without weights joins its heads without a copy") {
  lib::Generator generator(1);
  MultiHeadAttention module(6, 3, generator);
  module.to(Dtype::float64);
  const Variable x = normal({2, 5, 6}, 1);
  const auto with = module.forward(x, x, x, Mask::causal(5));
  const auto without = module.forward(x, x, x, Mask::causal(5), false);
  CHECK_FALSE(without.weights.defined());
  CHECK(relative_error(without.output.value(), with.output.value()) <= 1e-14);
  const Variable heads = transpose(reshape(x, {2, 5, 3, 2}), 1, 2);
  const Tensor y = scaled_dot_product_attention(heads, heads, heads, {}, false).output.value();
  CHECK(tensor::reshape(tensor::transpose(y, 1, 2), {2, 5, 6}).shares_storage_with(y));
}

TEST_CASE("a width that the heads do not divide is refused") {
  lib::Generator generator(1);
  const auto rule = [](int64_t width, int64_t heads) {
    return lib::str("MultiHeadAttention: width ", width, " is not divisible by heads ", heads,
                    "; each head gets width / heads columns");
  };
  for (const auto& [width, heads] :
       {std::pair<int64_t, int64_t>{6, 4}, {6, 0}, {6, -2}, {0, 1}, {2, 4}}) {
    CHECK(refusal([&, w = width, h = heads] { MultiHeadAttention(w, h, generator); }) ==
          rule(width, heads));
  }
}

TEST_CASE("multi-head attention refuses inputs that are no batch of sequences") {
  lib::Generator generator(1);
  const MultiHeadAttention module(4, 2, generator);
  const Variable flat = tensor::ones({3, 4}), good = tensor::ones({1, 3, 4});
  CHECK(refusal([&] { return module.forward(flat, good, good); }) ==
        "MultiHeadAttention: input is (3, 4); need (B, T, C)");
}

TEST_CASE("heads that share keys and values are heads with equal weights for them") {
  lib::Generator generator(1), other(2);
  const MultiHeadAttention shared(8, 4, generator, {.kv_heads = 2});
  MultiHeadAttention full(8, 4, other);
  CHECK(shared.key.weight.shape() == Shape{4, 8});
  CHECK(shared.parameter_count() == 2 * (8 * 8 + 8) + 2 * (4 * 8 + 4));
  const auto twice = [](const Variable& rows) {  // heads a b of 2 rows each -> a a b b
    const Variable a = slice(rows, 0, 0, 2), b = slice(rows, 0, 2, 4);
    return autograd::concat({a, a, b, b}, 0).value();
  };
  full.query.weight.mutable_value().copy_(shared.query.weight.value());
  full.key.weight.mutable_value().copy_(twice(shared.key.weight));
  full.value.weight.mutable_value().copy_(twice(shared.value.weight));
  full.out.weight.mutable_value().copy_(shared.out.weight.value());
  const Variable x = normal({2, 5, 8}, 1, Dtype::float32);
  for (const bool need_weights : {true, false}) {
    const auto a = shared.forward(x, x, x, Mask::causal(5), need_weights);
    const auto b = full.forward(x, x, x, Mask::causal(5), need_weights);
    CHECK(numbers(a.output) == numbers(b.output));
    if (need_weights) CHECK(numbers(a.weights) == numbers(b.weights));
  }
}

TEST_CASE("attention with slopes adds their bias to its scores, with weights and without") {
  lib::Generator generator(1);
  MultiHeadAttention module(8, 2, generator, {.positions = Positions::alibi});
  module.to(Dtype::float64);
  const Variable x = normal({1, 5, 8}, 1);
  const auto with = module.forward(x, x, x);
  CHECK(relative_error(module.forward(x, x, x, {}, false).output.value(), with.output.value()) <=
        1e-14);
  const Variable Q = module.queries(x);
  const KeysAndValues to = module.keys_and_values(x, x);
  const Variable scores = matmul(Q, transpose(to.keys)) * 0.5;  // D = 4
  const Variable bias = tensor::alibi_bias(alibi_slopes(2, Dtype::float64), 5, 5);
  CHECK(relative_error(with.weights.value(), softmax(scores + bias, -1).value()) <= 1e-14);
}

TEST_CASE("rotary and alibi scores know distances only") {
  for (const Positions positions : {Positions::rotary, Positions::alibi}) {
    lib::Generator generator(1);
    MultiHeadAttention module(8, 2, generator, {.positions = positions});
    module.to(Dtype::float64);
    const Variable x = normal({1, 5, 8}, 1);
    const auto weights = [&](int64_t first) {
      return module.attend(module.queries(x, first), module.keys_and_values(x, x, first))
          .weights.value();
    };
    CHECK(relative_error(weights(1000), weights(0)) <= 1e-12);
    const auto apart = module.attend(module.queries(x, 3), module.keys_and_values(x, x, 0));
    const bool turned = relative_error(apart.weights.value(), weights(0)) > 1e-3;
    CHECK(turned == (positions == Positions::rotary));  // alibi counts from the last key
  }
}
