// Misuse of operands: mixed dtypes, and Variables and tensors that were never given a value. Next:
// saved_test.cpp, for those that are overwritten too early.
#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tests/compare.h"
#include "tests/leaf.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::leaf;
using qkv::tests::leaf64;
using qkv::tests::refusal;

TEST_CASE("operands of one dtype are needed wherever there are several") {
  const Variable a = leaf({2, 2}), b = leaf64({2, 2}), row = leaf64({2});
  const Tensor mask = tensor::full({2, 2}, 1, Dtype::boolean);
  const std::vector<std::string> texts = {
      refusal([&] { return where(mask, a, b); }),
      refusal([&] {
        return concat({a, b}, 0);
      }),
      refusal([&] {
        return stack({a, b}, 0);
      }),
      refusal([&] { return matmul(a, b); }),
      refusal([&] { return attention(a, b, b); }),
      refusal([&] { return attention(a, a, b); }),
      refusal([&] { return causal_product(a, b, a); }),
      refusal([&] { return causal_product(a, a, b); }),
      refusal([&] { return rms_norm(a, row); }),
      refusal([&] { return linear(a, b); }),
      refusal([&] { return layer_norm(a, row, row); }),
      refusal([&] { return linear(a, a, row); }),
      refusal([&] { return rnn_cell(a, b); }),
      refusal([&] {
        return gru_cell(leaf({2, 6}), leaf({2, 6}), b);
      }),
      refusal([&] {
        return lstm_cell(leaf64({2, 8}), leaf({2, 8}), a);
      }),
      refusal([&] {
        return recurrence(lib::Cell::rnn, leaf({2, 3, 2}), b, row, a);
      }),
      refusal([&] {
        return a * Variable(tensor::ones({2, 2}, Dtype::int64));
      }),
  };
  for (const std::string& text : texts) {
    INFO(text);
    CHECK(text.find("dtypes differ") != std::string::npos);
    CHECK(text.find("float32") != std::string::npos);
  }
}

TEST_CASE("an undefined Variable is refused and crashes nothing") {
  const Variable x = leaf({2, 2}), no;
  const std::vector<std::string> texts = {
      refusal([&] { return x + no; }),
      refusal([&] { return no * x; }),
      refusal([&] { return exp(no); }),
      refusal([&] { return log(no); }),
      refusal([&] { return matmul(x, no); }),
      refusal([&] { return softmax(no, -1); }),
      refusal([&] { return linear(x, no); }),
      refusal([&] { return gelu(no); }),
      refusal([&] { return rnn_cell(x, no); }),
      refusal([&] { return gru_cell(no, x, x); }),
      refusal([&] { return lstm_cell(x, x, no); }),
      refusal([&] { return recurrence(lib::Cell::rnn, x, x, no, x); }),
      refusal([&] { return recurrence(lib::Cell::gru, no, x, x, no); }),
      refusal([&] { return attention(x, x, no); }),
      refusal([&] { return causal_product(x, no, x); }),
      refusal([&] {
        return concat({x, no}, 0);
      }),
      refusal([&] { return layer_norm(x, no, no); }),
      refusal([&] { return sum(no); }),
      refusal([&] {
        return reshape(no, {1, 1});
      }),
      refusal([&] { return transpose(no); }),
      refusal([&] { return masked_fill(x, Tensor(), 0); }),
      refusal([&] { return masked_softmax(x, Tensor()); }),
      refusal([&] { return where(Tensor(), x, x); }),
      refusal([&] { return gather(x, 0, Tensor()); }),
      refusal([&] { return embedding(x, Tensor()); }),
      refusal([&] { return cross_entropy(x, Tensor()); }),
      refusal([&] { return parameter(Tensor()); }),
  };
  for (size_t i = 0; i < texts.size(); ++i) CHECK_MESSAGE(texts[i] != "not refused", i);
  CHECK(texts[0] == "a tensor that is undefined, Tensor() or Variable(), has no numbers");
}

TEST_CASE("a mask and key lengths have to fit the scores of attention") {
  const Variable x = leaf({1, 1, 3, 2});
  const auto refused = [&](const tensor::AttentionMask& mask) {
    return refusal([&] { return attention(x, x, x, mask); });
  };
  CHECK(refused({.allowed = tensor::full({2, 1, 3, 3}, 1, Dtype::boolean)}) ==
        "attention: the mask is (2, 1, 3, 3), the scores are (1, 1, 3, 3); the mask must broadcast "
        "to (..., Tq, Tk)");
  CHECK(refused({.key_lengths = Tensor::of<int64_t>({1, 2}, {2})}) ==
        "attention: key lengths are (2,) int64; need (1,) int64");
  CHECK(refused({.key_lengths = tensor::ones({1})}) ==
        "attention: key lengths are (1,) float32; need (1,) int64");
}

TEST_CASE("a scale of another width than the rows is refused") {
  CHECK(refusal([] {
          return rms_norm(leaf({2, 3}), leaf({2}));
        }) == "rms_norm: x is (2, 3), gamma (2,); need shape (3,)");
}

TEST_CASE("a slope needs a gradient of the result's shape and dtype") {
  const Tensor y = tensor::ones({2, 3});
  CHECK(refusal([&] {
          return tensor::tanh_backward(y, tensor::ones({3, 2}));
        }) == "tanh_backward: the gradient is (3, 2) float32, the result (2, 3) float32");
  CHECK(refusal([&] {
          return tensor::relu_backward(y, tensor::ones({2, 3}, Dtype::float64));
        }) == "relu_backward: the gradient is (2, 3) float64, the result (2, 3) float32");
}
