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
#include "examples/lab/model.h"
#include "examples/lab/run_folder.h"
#include "examples/lab/tasks.h"
#include "nn/optimizer.h"

namespace qkv::examples {

[[nodiscard]] std::unique_ptr<nn::Optimizer> make_optimizer(const Config& config,
                                                            const nn::Module& module);

struct Answered {
  std::vector<Sequence> answers, targets;  // the model's, and the true ones
};
[[nodiscard]] Accuracy accuracy_of(const Answered& answered);

// The whole split, answered in evaluation mode and without recording; training mode is restored.
[[nodiscard]] Answered answer_all(Model& model, const Task& task, Split split);
[[nodiscard]] Accuracy evaluate(Model& model, const Task& task, Split split);

// How well each symbol of a split is predicted from the true ones before it; by a masked encoder,
// each hidden one from those on both sides.
struct Prediction {
  double loss = 0;  // the mean of -ln p, over all symbols and their ends
  double accuracy = 0;
  int64_t counted = 0;
  [[nodiscard]] double perplexity() const;  // e^loss: as unsure as between that many symbols
};
[[nodiscard]] Prediction predict(Model& model, const Task& task, Split split);

struct TrainingEnd {
  int64_t steps = 0;         // done
  bool interrupted = false;  // by stop()
};

// Runs the steps. After each one, `report` gets its metrics, and training ends early if `stop` says
// so. Throws std::runtime_error, naming the step, if the loss is not finite: the weights are then
// as the last good step left them.
TrainingEnd train(Model& model, const Task& task, const Config& config,
                  const std::function<void(const Metrics&)>& report,
                  const std::function<bool()>& stop);

}  // namespace qkv::examples
