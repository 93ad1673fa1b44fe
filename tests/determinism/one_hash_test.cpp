// One hash: fifty steps of training a small model to reverse sequences end, on every machine, with
// the same weights after the same losses, to the last bit. Every kernel, the engine, the random
// numbers and the optimiser take part.
//
//   build/qkv-tests --test-case="*one hash*"
#include <doctest/doctest.h>

#include <bit>
#include <vector>

#include "examples/lab/trainer.h"
#include "tests/determinism/digest.h"
#include "tests/determinism/settings.h"

using namespace qkv;
using namespace qkv::examples;
using namespace qkv::tests;

namespace {

// The constant. A deliberate change of a polynomial, of an order of additions or of the model
// changes it; the failing test prints the value to put here.
constexpr uint64_t kOneHash = 3720096959799008327u;

Config small_reverse() {
  return parse_config({"task=reverse", "steps=50", "batch=32", "length=5", "model.heads=2",
                       "model.layers=1", "model.dropout=0.1", "optimizer=adamw",
                       "learning_rate=0.01", "warmup=5"});
}

struct Trained {
  std::vector<double> losses;
  std::vector<tensor::Tensor> weights;
};

Trained trained(const Config& config) {
  const auto model = make_model(config);
  Trained result;
  train(
      *model, make_task(config), config,
      [&](const Metrics& metrics) { result.losses.push_back(metrics.loss); }, [] { return false; });
  for (const autograd::Variable& v : model->module().parameters())
    result.weights.push_back(v.value());
  return result;
}

uint64_t hash_of(const Trained& run) {
  const auto steps = static_cast<int64_t>(run.losses.size());
  std::vector<tensor::Tensor> all = run.weights;
  all.push_back(tensor::Tensor::of(run.losses, {steps}));
  return digest(all);
}

}  // namespace

TEST_CASE("fifty steps of training give the one hash, whatever the instruction set and threads") {
  for_each_setting([&](const std::string& setting) {
    const uint64_t hash = hash_of(trained(small_reverse()));
    INFO("under ", setting, " the hash is ", hash);
    CHECK(hash == kOneHash);
  });
}

TEST_CASE("the one hash is of a run that learns, and tells one bit of a weight or of a loss") {
  Trained run = trained(small_reverse());
  REQUIRE(run.losses.size() == 50);
  CHECK(run.losses.back() < 0.9 * run.losses.front());
  const uint64_t hash = hash_of(run);

  double& loss = run.losses[20];
  loss = std::bit_cast<double>(std::bit_cast<uint64_t>(loss) ^ 1);
  CHECK(hash_of(run) != hash);
  loss = std::bit_cast<double>(std::bit_cast<uint64_t>(loss) ^ 1);
  CHECK(hash_of(run) == hash);

  float& weight = run.weights.back().mutable_data<float>()[0];
  weight = std::bit_cast<float>(std::bit_cast<uint32_t>(weight) ^ 1);
  CHECK(hash_of(run) != hash);
}
