// Teacher forcing: input and expected symbols are one place apart, padding counts nowhere, and the
// table shows just that.
#include "nn/teacher_forcing.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using autograd::Variable;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

constexpr int64_t kBos = 8, kEos = 9;

// 7 3 1 and 5, padded with 2s; and one that has no symbol.
Tensor targets() { return Tensor::of<int64_t>({7, 3, 1, 5, 2, 2, 2, 2, 2}, {3, 3}); }
const std::vector<int64_t> kLengths = {3, 1, 0};

}  // namespace

TEST_CASE("teacher forcing gives each position the symbol before the one that it expects") {
  const auto [input, expected] = teacher_forcing(targets(), kLengths, kBos, kEos);
  CHECK(input.shape() == tensor::Shape{3, 4});
  CHECK(input.to_vector() == Numbers{kBos, 7, 3, 1, kBos, 5, 0, 0, kBos, 0, 0, 0});
  CHECK(expected.to_vector() ==
        Numbers{7, 3, 1, kEos, 5, kEos, -100, -100, kEos, -100, -100, -100});
  const Tensor wider = tensor::transpose(targets());  // any strides
  CHECK(teacher_forcing(wider, {1, 2, 3}, kBos, kEos).input.to_vector() ==
        Numbers{kBos, 7, 0, 0, kBos, 3, 2, 0, kBos, 1, 2, 2});
}

TEST_CASE("padding has no share in the loss and no gradient") {
  const Tensor expected = teacher_forcing(targets(), kLengths, kBos, kEos).expected;
  const Variable logits = autograd::parameter(normal({3, 4, 10}, 1));
  const Variable loss = cross_entropy(logits, expected);
  backward(loss);
  double total = 0;
  for (int64_t b = 0; b < 3; ++b) {
    for (int64_t t = 0; t < 4; ++t) {
      const Variable dx = slice(slice(logits.grad(), 0, b, b + 1), 1, t, t + 1);
      const bool counts = t <= kLengths[static_cast<size_t>(b)];
      for (const double slope : dx.value().to_vector()) CHECK((slope != 0) == counts);
      if (!counts) continue;
      const Variable row = slice(slice(logits, 0, b, b + 1), 1, t, t + 1);
      const auto symbol = static_cast<int64_t>(expected.at({b, t}));
      total += logsumexp(row, -1).item() - row.value().at({0, 0, symbol});
    }
  }
  CHECK(std::abs(loss.item() - total / 7) <= 1e-14);  // 3 + 1, 1 + 1 and 0 + 1 positions
}

TEST_CASE("the table of teacher forcing shows the shift and what the loss counts") {
  CHECK(teacher_forcing_table(targets(), kLengths, kBos, kEos) ==
        "position        0    1    2    3\n"
        "input         BOS    7    3    1\n"
        "expected        7    3    1  EOS\n"
        "in the loss     #    #    #    #\n"
        "\n"
        "input         BOS    5  PAD  PAD\n"
        "expected        5  EOS  PAD  PAD\n"
        "in the loss     #    #    .    .\n"
        "\n"
        "input         BOS  PAD  PAD  PAD\n"
        "expected      EOS  PAD  PAD  PAD\n"
        "in the loss     #    .    .    .\n");
  const char* const words[] = {"le", "chat", "était"};
  CHECK(teacher_forcing_table(Tensor::of<int64_t>({0, 1, 2}, {1, 3}), {3}, 3, 4,
                              [&](int64_t symbol) { return std::string(words[symbol]); }) ==
        "position          0      1      2      3\n"
        "input           BOS     le   chat  était\n"
        "expected         le   chat  était    EOS\n"
        "in the loss       #      #      #      #\n");
}

TEST_CASE("the table tells BOS from EOS by their places though they be one symbol") {
  const auto name = [](int64_t symbol) { return std::string(symbol == 0 ? "." : "PA"); };
  CHECK(teacher_forcing_table(Tensor::of<int64_t>({0, 1, 0, 0}, {2, 2}), {2, 1}, 9, 9, name) ==
        "position        0    1    2\n"
        "input         BOS    .   PA\n"
        "expected        .   PA  EOS\n"
        "in the loss     #    #    #\n"
        "\n"
        "input         BOS    .  PAD\n"
        "expected        .  EOS  PAD\n"
        "in the loss     #    #    .\n");
  // A target that holds the end mark itself shows its number: it is no end.
  CHECK(teacher_forcing_table(Tensor::of<int64_t>({9, 1}, {1, 2}), {2}, 8, 9, name) ==
        "position        0    1    2\n"
        "input         BOS    9   PA\n"
        "expected        9   PA  EOS\n"
        "in the loss     #    #    #\n");
}

TEST_CASE("teacher forcing refuses what does not fit") {
  CHECK(refusal([] {
          return teacher_forcing(tensor::zeros({2, 3}), {1, 2}, 8, 9);
        }) == "teacher_forcing: target is (2, 3) float32; need (B, T) int64");
  CHECK(refusal([] {
          return teacher_forcing(targets(), {1, 2}, 8, 9);
        }) == "teacher_forcing: there are 2 lengths for 3 sequences; need one for each");
  CHECK(refusal([] {
          return teacher_forcing(targets(), {1, 2, 4}, 8, 9);
        }) == "teacher_forcing: length 4 is outside [0, 3]");
}
