// Predictions and attention maps as text.
#include "examples/lab/report.h"

#include <cstdio>

#include "examples/lab/attention_map.h"
#include "lib/text.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::examples {
namespace {

// "7 3 1 0" from row b of a (B, T) int64 tensor.
std::string row_text(const tensor::Tensor& symbols, int64_t b) {
  std::string text;
  for (const double symbol : tensor::select(symbols, 0, b).to_vector()) {
    text += lib::str(text.empty() ? "" : " ", symbol);
  }
  return text;
}

struct Answer {
  Batch batch;
  nn::EncoderOutput output;
};

Answer answer(nn::EncoderClassifier& model, const Task& task, int64_t count) {
  const autograd::NoGrad quiet;
  const bool before = model.training();
  model.eval();
  Batch batch = make_batch(task, Split::test, 0, count);
  nn::EncoderOutput output = model.forward(batch.source);
  model.train(before);
  return {std::move(batch), std::move(output)};
}

}  // namespace

std::string show_predictions(nn::EncoderClassifier& model, const Task& task, int64_t count) {
  const Answer a = answer(model, task, count);
  const tensor::Tensor predicted = tensor::argmax(a.output.output.value(), -1);  // (B, T)
  std::string text;
  for (int64_t b = 0; b < count; ++b) {
    const std::string target = row_text(a.batch.target, b), guess = row_text(predicted, b);
    text += "  input      " + row_text(a.batch.source, b) + "\n";
    text += "  predicted  " + guess + (guess == target ? "   right\n" : "   wrong\n");
    if (guess != target) text += "  target     " + target + "\n";
  }
  return text;
}

std::string show_attention(nn::EncoderClassifier& model, const Task& task) {
  const Answer a = answer(model, task, 1);
  std::vector<std::string> labels;
  for (const double symbol : tensor::select(a.batch.source, 0, 0).to_vector()) {
    labels.push_back(lib::str(symbol));
  }
  std::string text;
  for (size_t layer = 0; layer < a.output.weights.size(); ++layer) {
    const tensor::Tensor weights =
        tensor::select(a.output.weights[layer].value(), 0, 0);  // (H, T, T)
    for (int64_t head = 0; head < weights.shape()[0]; ++head) {
      text += lib::str("layer ", layer + 1, ", head ", head + 1, "\n");
      text +=
          draw_attention_map(tensor::select(weights, 0, head), labels, labels, supported_colors(1));
    }
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

}  // namespace qkv::examples
