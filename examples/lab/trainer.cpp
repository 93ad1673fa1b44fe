// The loop itself, and what it is made of.
#include "examples/lab/trainer.h"

#include <algorithm>
#include <cmath>
#include <stdexcept>

#include "autograd/anomaly.h"
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/lab/stopwatch.h"
#include "examples/lab/words.h"
#include "lib/text.h"
#include "nn/schedule.h"

namespace qkv::examples {
namespace {

constexpr int64_t kEvaluationBatch = 250;

nn::Schedule schedule_of(const Config& config) {
  using enum nn::Schedule;
  return named<nn::Schedule>(config.schedule, {{"constant", constant},
                                               {"linear", linear},
                                               {"cosine", cosine},
                                               {"inverse_sqrt", inverse_sqrt}});
}

}  // namespace

std::unique_ptr<nn::Optimizer> make_optimizer(const Config& config, const nn::Module& module) {
  if (config.optimizer == "sgd") {
    return std::make_unique<nn::SGD>(
        module.parameters(),
        nn::SgdOptions{.learning_rate = config.learning_rate, .weight_decay = config.weight_decay});
  }
  const nn::AdamOptions options{.learning_rate = config.learning_rate,
                                .beta2 = config.beta2,
                                .weight_decay = config.weight_decay};
  if (config.optimizer == "adamw") return std::make_unique<nn::AdamW>(module.parameters(), options);
  return std::make_unique<nn::Adam>(module.parameters(), options);
}

Accuracy accuracy_of(const Answered& answered) {
  Accuracy a;
  for (size_t i = 0; i < answered.answers.size(); ++i) {
    a.add(answered.answers[i], answered.targets[i]);
  }
  return a;
}

namespace {

// The split (the sequences to train on, to validate or to test with), batch after batch.
void for_each_batch(const Task& task, Split split, const std::function<void(const Batch&)>& visit) {
  for (int64_t first = 0; first < task.size(split); first += kEvaluationBatch) {
    visit(make_batch(task, split, first, std::min(kEvaluationBatch, task.size(split) - first)));
  }
}

}  // namespace

Answered answer_all(Model& model, const Task& task, Split split) {
  Answered all;
  for_each_batch(task, split, [&](const Batch& batch) {
    for (Sequence& answer : model.answer(batch)) all.answers.push_back(std::move(answer));
    for (Sequence& target : unpadded(batch.target, batch.target_lengths)) {
      all.targets.push_back(std::move(target));
    }
  });
  return all;
}

Accuracy evaluate(Model& model, const Task& task, Split split) {
  return accuracy_of(answer_all(model, task, split));
}

double Prediction::perplexity() const { return std::exp(loss); }

Prediction predict(Model& model, const Task& task, Split split) {
  const autograd::NoGrad quiet;
  const bool before = model.module().training();
  model.module().eval();
  Prediction total;
  int64_t right = 0;
  for_each_batch(task, split, [&](const Batch& batch) {
    const Lesson lesson = model.lesson(batch);
    total.loss += lesson.loss.item() * static_cast<double>(lesson.counted);
    total.counted += lesson.counted;
    right += lesson.right;
  });
  model.module().train(before);
  total.loss /= static_cast<double>(std::max<int64_t>(total.counted, 1));
  total.accuracy = share(right, total.counted);
  return total;
}

namespace {

// Which operation was the first with a number that is not finite? "; linear: ...", or nothing.
std::string first_anomaly(Model& model, const Batch& batch) {
  try {
    const autograd::DetectAnomaly watch;
    const autograd::NoGrad quiet;
    static_cast<void>(model.lesson(batch));
  } catch (const autograd::NotFinite& error) {
    return lib::str("; ", error.what());
  }
  return "";
}

}  // namespace

TrainingEnd train(Model& model, const Task& task, const Config& config,
                  const std::function<void(const Metrics&)>& report,
                  const std::function<bool()>& stop) {
  const auto optimizer = make_optimizer(config, model.module());
  const nn::Schedule schedule = schedule_of(config);
  const Stopwatch watch;
  model.module().train();
  for (int64_t step = 0; step < config.steps; ++step) {
    const Batch batch =
        make_batch(task, Split::train, step * config.batch % task.train_size, config.batch);
    const Lesson lesson = model.lesson(batch);
    const autograd::Variable& loss = lesson.loss;
    if (!std::isfinite(loss.item())) {
      throw std::runtime_error(lib::str("train: the loss is ", loss.item(), " at step ", step + 1,
                                        "; try a smaller learning_rate than ", config.learning_rate,
                                        first_anomaly(model, batch)));
    }
    optimizer->zero_grad();
    backward(loss);
    const double norm =
        config.clip > 0 ? nn::clip_grad_norm(model.module().parameters(), config.clip) : 0;
    optimizer->learning_rate =
        config.learning_rate * nn::schedule_factor(schedule, step, config.steps, config.warmup);
    optimizer->step();
    report({.step = step + 1,
            .loss = loss.item(),
            .accuracy = share(lesson.right, lesson.counted),
            .learning_rate = optimizer->learning_rate,
            .grad_norm = norm,
            .seconds = watch.seconds()});
    if (stop()) return {.steps = step + 1, .interrupted = step + 1 < config.steps};
  }
  return {.steps = config.steps};
}

}  // namespace qkv::examples
