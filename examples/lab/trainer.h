// The training loop: a model, a task, and the steps from one to the other.
//
//   for every step:   batch -> forward -> loss -> backward -> clip -> optimiser step
//
// Next: report.h, what is shown of the result.
#pragma once

#include <functional>
#include <memory>

#include "examples/lab/config.h"
#include "examples/lab/metrics.h"
#include "examples/lab/run_folder.h"
#include "examples/lab/tasks.h"
#include "nn/optimizer.h"
#include "nn/transformer.h"

namespace qkv::examples {

// The model that a configuration describes, with weights drawn from its seed. Throws
// std::invalid_argument if the sizes do not fit each other.
[[nodiscard]] std::unique_ptr<nn::EncoderClassifier> make_model(const Config& config);

[[nodiscard]] std::unique_ptr<nn::Optimizer> make_optimizer(const Config& config,
                                                            const nn::Module& model);

// Compares the most likely symbols of logits (B, T, symbols) with the targets (B, T).
[[nodiscard]] Accuracy count_right(const tensor::Tensor& logits, const tensor::Tensor& target);

// The whole split, in evaluation mode and without recording; training mode is restored.
[[nodiscard]] Accuracy evaluate(nn::EncoderClassifier& model, const Task& task, Split split);

struct TrainingEnd {
  int64_t steps = 0;         // done
  bool interrupted = false;  // by stop()
};

// Runs the steps. After each one, `report` gets its metrics, and training ends early if `stop` says
// so. Throws std::runtime_error, naming the step, if the loss is not finite: the weights are then
// as the last good step left them.
TrainingEnd train(nn::EncoderClassifier& model, const Task& task, const Config& config,
                  const std::function<void(const Metrics&)>& report,
                  const std::function<bool()>& stop);

}  // namespace qkv::examples
