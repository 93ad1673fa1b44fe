// Answers and attention maps as text.
#include "examples/lab/report.h"

#include <algorithm>
#include <cstdio>

#include "examples/lab/attention_map.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

// The same question, with the model's own answer as target.
Batch answered(Model& model, const Batch& batch) {
  const Sequence answer = model.answer(batch).front();
  return {.source = padded({unpadded(batch.source, batch.source_lengths).front()}),
          .target = padded({answer}),
          .source_lengths = {batch.source_lengths.front()},
          .target_lengths = {static_cast<int64_t>(answer.size())},
          .links = {}};
}

}  // namespace

std::string show_predictions(Model& model, const Task& task, int64_t count) {
  const Batch batch = make_batch(task, Split::test, 0, std::min(count, task.test_size));
  const std::vector<Sequence> answers = model.answer(batch);
  const auto sources = unpadded(batch.source, batch.source_lengths);
  const auto targets = unpadded(batch.target, batch.target_lengths);
  std::string text;
  for (size_t b = 0; b < answers.size(); ++b) {
    const std::string target = target_text(task, targets[b]);
    const std::string answer = target_text(task, answers[b]);
    text += "  input      " + source_text(task, sources[b]) + "\n  predicted  " + answer +
            (answer == target ? "   right\n" : "   wrong\n");
    if (answer != target) text += "  target     " + target + "\n";
  }
  return text;
}

std::string show_attention(Model& model, const Batch& batch) {
  const std::vector<Look> looks = model.looks(answered(model, batch));
  if (looks.empty()) return "  it looks nowhere: it has no attention\n";
  std::string text;
  for (const Look& look : looks) {
    if (!look.title.empty()) text += look.title + "\n";
    text += draw_attention_map(look.weights, look.rows, look.columns, supported_colors(1));
  }
  return text;
}

std::string show_accuracy(const Accuracy& a) {
  char text[128];
  std::snprintf(text, sizeof text, "exact-sequence %.2f%% (%lld/%lld), token %.2f%%",
                100 * a.exact_share(), static_cast<long long>(a.exact),
                static_cast<long long>(a.sequences), 100 * a.token_share());
  return text;
}

std::string show_alignment_error(double error, const Task& task) {
  char text[160];
  std::snprintf(text, sizeof text,
                "alignment error rate: %.2f%% of %lld phrases, by the last map above; no alignment "
                "was ever shown",
                100 * error, static_cast<long long>(std::min(kAligned, task.test_size)));
  return text;
}

std::string show_prediction(const Prediction& p) {
  char text[128];
  std::snprintf(text, sizeof text, "loss %.4f nats, perplexity %.3f, token %.2f%%", p.loss,
                p.perplexity(), 100 * p.accuracy);
  return text;
}

}  // namespace qkv::examples
