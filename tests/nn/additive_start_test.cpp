// How additive attention starts. Its score v·tanh(W_q q + W_k k) is 0 where v is, and nearly a sum
// of a part of the query and a part of the key where the weights are tiny: such scores prefer some
// keys to others, but the same ones whatever is asked for.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/optimizer.h"
#include "nn/score_attention.h"
#include "tensor/elementwise.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;

namespace {

constexpr size_t kBatch = 16, kKinds = 8;  // kinds of keys; every one is there once
constexpr int64_t B = kBatch, C = kKinds;

struct Lookup {
  Variable query;  // (B, C), one of the keys
  Variable keys;   // (B, C, C), the unit vectors in random order
};

Lookup lookup(lib::Generator& generator) {
  const auto below = [&](size_t end) {
    return static_cast<size_t>(generator.integer(0, static_cast<int64_t>(end)));
  };
  std::vector<float> query(kBatch * kKinds), keys(kBatch * kKinds * kKinds);
  for (size_t b = 0; b < kBatch; ++b) {
    std::vector<size_t> order(kKinds);
    for (size_t i = 0; i < kKinds; ++i) {
      const size_t at = below(i + 1);
      order[i] = order[at];
      order[at] = i;
    }
    for (size_t t = 0; t < kKinds; ++t) keys[(b * kKinds + t) * kKinds + order[t]] = 1;
    query[b * kKinds + below(kKinds)] = 1;
  }
  return {tensor::Tensor::of(query, {B, C}), tensor::Tensor::of(keys, {B, C, C})};
}

// -ln of the weight on the key that was asked for, after 400 steps of Adam from weights of
// `scale` times their usual size. Knowing nothing: ln 8 = 2.08.
double loss_after_400_steps(double scale) {
  lib::Generator generator(1);
  AdditiveAttention attention(C, C, 16, generator);
  for (Variable& parameter : attention.parameters()) {
    parameter.mutable_value().copy_(tensor::mul(parameter.value(), scale));
  }
  Adam adam(attention.parameters(), {.learning_rate = 3e-3});
  double last = 0;
  for (int step = 0; step < 400; ++step) {
    const Lookup batch = lookup(generator);
    const Variable found = attention.forward(batch.query, batch.keys, batch.keys).output;
    const Variable loss = -autograd::mean(autograd::log(autograd::sum(found * batch.query, {1})));
    adam.zero_grad();
    backward(loss);
    adam.step();
    last = loss.value().item();
  }
  return last;
}

}  // namespace

TEST_CASE("with v = 0 additive attention is exactly uniform at the start") {
  lib::Generator generator(3);
  AdditiveAttention attention(3, 5, 7, generator);
  attention.v.mutable_value().fill_(0);
  const Variable keys = normal({2, 8, 5}, 1, tensor::Dtype::float32);
  const Tensor weights =
      attention.forward(normal({2, 3}, 2, tensor::Dtype::float32), keys, keys).weights.value();
  for (const double weight : weights.to_vector()) CHECK(weight == 0.125);
}

TEST_CASE(
    "from tiny weights additive attention is still stuck when the usual ones have converged") {
  CHECK(loss_after_400_steps(1) <= 0.3);
  CHECK(loss_after_400_steps(1e-3) >= 1.9);
}
