// Figures of answers, of predictions, and of maps.
#include "examples/lab/run.h"

#include "examples/lab/alignment.h"

namespace qkv::examples {
namespace {

// Where each word of the true answer looks, beside the gold links.
std::optional<double> alignment_error_of(Model& model, const Task& task) {
  std::vector<std::vector<Link>> found, gold;
  for (int64_t i = 0; i < std::min(kAligned, task.test_size); ++i) {
    const Batch batch = make_batch(task, Split::test, i, 1);
    const std::vector<Look> looks = model.looks(batch);
    if (batch.links[0].empty() || looks.empty() || !looks.back().on_source) return {};
    gold.push_back(batch.links[0]);
    found.push_back(
        strongest_links(looks.back().weights, batch.target_lengths[0], batch.source_lengths[0]));
  }
  return alignment_error_rate(found, gold);
}

}  // namespace

Result measure(Model& model, const Task& task) {
  Result result;
  result.parameters = model.module().parameter_count();
  if (!has_questions(task)) {
    result.prediction = predict(model, task, Split::test);
    result.longer_prediction = predict(model, task, Split::longer);
    return result;
  }
  result.validation = evaluate(model, task, Split::validation);
  const Answered test = answer_all(model, task, Split::test);
  result.test = accuracy_of(test);
  result.bleu = bleu(test.answers, test.targets).score;
  result.longer = evaluate(model, task, Split::longer);
  result.alignment_error = alignment_error_of(model, task);
  return result;
}

}  // namespace qkv::examples
