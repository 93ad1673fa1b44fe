// The loop itself, and what it is made of.
#include "examples/lab/trainer.h"

#include <chrono>
#include <cmath>
#include <stdexcept>

#include "autograd/anomaly.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/schedule.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::examples {
namespace {

constexpr int64_t kEvaluationBatch = 250;

nn::Schedule schedule_named(const std::string& name) {
  if (name == "constant") return nn::Schedule::constant;
  return name == "linear" ? nn::Schedule::linear : nn::Schedule::cosine;
}

double seconds_since(std::chrono::steady_clock::time_point start) {
  return std::chrono::duration<double>(std::chrono::steady_clock::now() - start).count();
}

}  // namespace

std::unique_ptr<nn::EncoderClassifier> make_model(const Config& config) {
  const Task task = make_task(config);
  if (!task.same_length || task.min_length != task.length) {
    lib::fail("model: the encoder answers at each place of the question, and all questions are of ",
              "one length; task=", task.name, " with min_length=", config.min_length,
              " is not such a task");
  }
  lib::Generator generator(static_cast<uint64_t>(config.seed));
  const ModelConfig& m = config.model;
  return std::make_unique<nn::EncoderClassifier>(
      nn::TransformerConfig{
          .vocab = config.symbols,
          .width = m.width,
          .heads = m.heads,
          .layers = m.layers,
          .feed_forward = m.feed_forward,
          .max_length = config.length,
          .dropout = m.dropout,
          .norm = m.norm == "pre" ? nn::Norm::pre : nn::Norm::post,
          .positions =
              m.positions == "learned" ? nn::Positions::learned : nn::Positions::sinusoidal,
      },
      generator);
}

std::unique_ptr<nn::Optimizer> make_optimizer(const Config& config, const nn::Module& model) {
  if (config.optimizer == "sgd") {
    return std::make_unique<nn::SGD>(
        model.parameters(),
        nn::SgdOptions{.learning_rate = config.learning_rate, .weight_decay = config.weight_decay});
  }
  const nn::AdamOptions options{.learning_rate = config.learning_rate,
                                .weight_decay = config.weight_decay};
  if (config.optimizer == "adamw") return std::make_unique<nn::AdamW>(model.parameters(), options);
  return std::make_unique<nn::Adam>(model.parameters(), options);
}

Accuracy count_right(const tensor::Tensor& logits, const tensor::Tensor& target) {
  const tensor::Tensor hits = tensor::equal(tensor::argmax(logits, -1), target);  // (B, T)
  const int64_t B = hits.shape()[0], T = hits.shape()[1];
  const bool* hit = hits.data<bool>();
  Accuracy a{.sequences = B, .symbols = B * T};
  for (int64_t b = 0; b < B; ++b, hit += T) {
    const int64_t right = std::count(hit, hit + T, true);
    a.right += right;
    a.exact += right == T;
  }
  return a;
}

Accuracy evaluate(nn::EncoderClassifier& model, const Task& task, Split split) {
  const autograd::NoGrad quiet;
  const bool before = model.training();
  model.eval();
  Accuracy total;
  for (int64_t first = 0; first < task.size(split); first += kEvaluationBatch) {
    const Batch batch =
        make_batch(task, split, first, std::min(kEvaluationBatch, task.size(split) - first));
    const Accuracy part = count_right(
        model.forward(batch.source, {}, /*need_weights=*/false).output.value(), batch.target);
    total.exact += part.exact, total.sequences += part.sequences;
    total.right += part.right, total.symbols += part.symbols;
  }
  model.train(before);
  return total;
}

namespace {

// Which operation was the first with a number that is not finite? "; linear: ...", or nothing.
std::string first_anomaly(nn::EncoderClassifier& model, const Batch& batch) {
  try {
    const autograd::DetectAnomaly watch;
    const autograd::NoGrad quiet;
    static_cast<void>(cross_entropy(model.forward(batch.source, {}, false).output, batch.target));
  } catch (const autograd::NotFinite& error) {
    return lib::str("; ", error.what());
  }
  return "";
}

}  // namespace

TrainingEnd train(nn::EncoderClassifier& model, const Task& task, const Config& config,
                  const std::function<void(const Metrics&)>& report,
                  const std::function<bool()>& stop) {
  const auto optimizer = make_optimizer(config, model);
  const auto start = std::chrono::steady_clock::now();
  model.train();
  for (int64_t step = 0; step < config.steps; ++step) {
    const Batch batch =
        make_batch(task, Split::train, step * config.batch % task.train_size, config.batch);
    const autograd::Variable logits =
        model.forward(batch.source, {}, /*need_weights=*/false).output;   // (B, T, symbols)
    const autograd::Variable loss = cross_entropy(logits, batch.target);  // ()
    if (!std::isfinite(loss.item())) {
      throw std::runtime_error(lib::str("train: the loss is ", loss.item(), " at step ", step + 1,
                                        "; try a smaller learning_rate than ", config.learning_rate,
                                        first_anomaly(model, batch)));
    }
    optimizer->zero_grad();
    backward(loss);
    const double norm = config.clip > 0 ? nn::clip_grad_norm(model.parameters(), config.clip) : 0;
    optimizer->learning_rate =
        config.learning_rate *
        nn::schedule_factor(schedule_named(config.schedule), step, config.steps, config.warmup);
    optimizer->step();
    report({.step = step + 1,
            .loss = loss.item(),
            .accuracy = count_right(logits.value(), batch.target).token_share(),
            .learning_rate = optimizer->learning_rate,
            .grad_norm = norm,
            .seconds = seconds_since(start)});
    if (stop()) return {.steps = step + 1, .interrupted = step + 1 < config.steps};
  }
  return {.steps = config.steps};
}

}  // namespace qkv::examples
