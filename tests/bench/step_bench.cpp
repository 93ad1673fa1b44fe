// One training step (forward, cross entropy, backward, clip, AdamW) of five Transformer encoders,
// from small to middling. PyTorch has the same model (torch_step.py) and starts from our weights.
#include <algorithm>
#include <array>
#include <memory>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/optimizer.h"
#include "nn/transformer.h"
#include "tests/bench/memory.h"
#include "tests/bench/suite.h"
#include "tests/bench/torch_peer.h"

namespace qkv::bench {
namespace {

struct Setting {
  const char* name;
  int64_t layers, width, heads, feed_forward, length, batch;
};

constexpr int64_t kVocab = 10;
constexpr int kStepsForMemory = 5;
constexpr std::array<Setting, 5> kSettings{{
    {"uva", 1, 32, 1, 64, 16, 128},  // the encoder of the UvA Deep Learning tutorial 6
    {"L2_C64_H4_T20_B64", 2, 64, 4, 256, 20, 64},
    {"L4_C128_H4_T64_B16", 4, 128, 4, 512, 64, 16},
    {"L6_C256_H8_T128_B8", 6, 256, 8, 1024, 128, 8},
    {"L6_C512_H8_T256_B4", 6, 512, 8, 2048, 256, 4},
}};

// A model of ours with its batch: random symbols, to be written backwards.
struct Training {
  explicit Training(const Setting& s)
      : generator(1),
        model({.vocab = kVocab,
               .width = s.width,
               .heads = s.heads,
               .layers = s.layers,
               .feed_forward = s.feed_forward,
               .max_length = s.length},
              generator),
        parameters(model.parameters()),
        optimizer(parameters, {.learning_rate = 5e-4, .weight_decay = 0.01}) {
    const size_t T = static_cast<size_t>(s.length), count = T * static_cast<size_t>(s.batch);
    std::vector<int64_t> in(count), out(count);
    for (size_t i = 0; i < count; ++i) in[i] = generator.integer(0, kVocab);
    for (size_t i = 0; i < count; ++i) out[i] = in[i - i % T + (T - 1 - i % T)];
    tokens = tensor::Tensor::of(in, {s.batch, s.length});
    target = tensor::Tensor::of(out, {s.batch, s.length});
  }

  float step() {
    const autograd::Variable loss =
        cross_entropy(model.forward(tokens, {}, /*need_weights=*/false).output, target);
    optimizer.zero_grad();
    backward(loss);
    nn::clip_grad_norm(parameters, 1);
    optimizer.step();
    return static_cast<float>(loss.item());
  }

  void steps(int count) {
    for (int i = 0; i < count; ++i) step();
  }

  lib::Generator generator;
  nn::EncoderClassifier model;
  std::vector<autograd::Variable> parameters;
  nn::AdamW optimizer;
  tensor::Tensor tokens, target;
};

// Gives PyTorch the batch and the weights, and prepares its step.
std::string send(Torch& torch, const Setting& s, const Training& training) {
  const std::vector<int64_t> shape{s.batch, s.length};
  const auto count = static_cast<size_t>(s.batch * s.length);
  torch.send("tokens", shape, std::span(training.tokens.data<int64_t>(), count));
  torch.send("target", shape, std::span(training.target.data<int64_t>(), count));
  for (const auto& [name, parameter] : training.model.named_parameters()) {
    const tensor::Tensor& value = parameter->value();
    std::vector<int64_t> sizes;
    for (int axis = 0; axis < value.rank(); ++axis) sizes.push_back(value.shape()[axis]);
    torch.send(name, sizes, std::span(value.data<float>(), static_cast<size_t>(value.numel())));
  }
  return lib::str("step vocab=", kVocab, " width=", s.width, " heads=", s.heads,
                  " layers=", s.layers, " feed_forward=", s.feed_forward);
}

// The arithmetic of a step's matrix products, in GFLOP. For each position every weight takes part
// in one multiplication and addition; in each layer every pair of positions takes part in 2 C of
// them; and backward has twice as much.
double gflop_of(const Setting& s) {
  const int64_t C = s.width, per_layer = 4 * C * C + 2 * C * s.feed_forward;
  const int64_t weights = kVocab * C + s.layers * per_layer + C * C + C * kVocab;
  const int64_t pairs = s.layers * 2 * C * s.length;  // of one position with all others
  return 6e-9 * static_cast<double>(s.batch * s.length * (weights + pairs));
}

// Of a process that does nothing but a few steps.
double torch_memory(const Setting& s) {
  const std::unique_ptr<Torch> torch = Torch::start();
  torch->make(send(*torch, s, Training(s)));
  torch->seconds(kStepsForMemory);
  return static_cast<double>(torch->peak_memory());
}

// The result compared is the loss of three steps: each sees the update before it.
Row measure_step(const std::string& name, const Setting& s) {
  Training training(s);
  std::array<float, 3> losses{};
  const auto several = [&losses](auto step) {
    return [&losses, step] {
      for (float& loss : losses) loss = step();
    };
  };
  Case work{.unit = "steps/s",
            .work = 1,
            .peak = fma_peak<float>(gflop_of(s)),
            .outputs = {std::span<float>(losses)},
            .tolerance = 1e-4,
            .contenders = {}};
  if (Torch* torch = Torch::shared()) {
    const std::string request = send(*torch, s, training);
    work.contenders.push_back(torch->contender(request, {}));
    work.contenders.back().once = several([torch] {
      float loss = 0;
      torch->run();
      torch->get("loss", std::span(&loss, 1));
      return loss;
    });
  }
  Contender ours = contender("qkv", [&] { training.step(); });
  ours.once = several([&] { return training.step(); });
  work.contenders.insert(work.contenders.begin(), ours);
  Row row = measure(name, work);
  row.extra["MB qkv"] = memory_of(name) / 1e6;
  if (Torch::shared()) row.extra["MB PyTorch"] = torch_memory(s) / 1e6;
  return row;
}

}  // namespace

void add_steps() {
  for (const Setting& s : kSettings) {
    const std::string name = lib::str("step/", s.name);
    add(name, [s](const std::string& full) { return measure_step(full, s); });
    add_memory(name, [s] { Training(s).steps(kStepsForMemory); });
  }
  for (const char* name : {"L4_C128_H4_T64_B16", "L6_C256_H8_T128_B8"}) {
    const auto s = std::find_if(kSettings.begin(), kSettings.end(), [name](const Setting& other) {
      return other.name == std::string_view(name);
    });
    add(lib::str("two_threads/step/", name), [s](const std::string& full) {
      Training training(*s);
      return measure_two_threads(full, "steps/s", 1, gflop_of(*s), {}, [&] { training.steps(1); });
    });
  }
}

}  // namespace qkv::bench
