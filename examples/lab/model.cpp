// Which kind of model, and the loss that all have in common.
#include "examples/lab/model.h"

#include <algorithm>

#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"

namespace qkv::examples {

std::unique_ptr<Model> make_model(const Config& config) {
  const Task task = make_task(config);
  const std::string& kind = config.model.kind;
  if (kind == "encoder") {
    return config.task == "text" ? make_masked_encoder(config, task) : make_encoder(config, task);
  }
  if (kind == "decoder") return make_decoder(config, task);
  if (kind == "encoder_decoder") return make_encoder_decoder(config, task);
  if (kind == "seq2seq") return make_seq2seq(config, task);
  lib::fail("make_model: model=", kind, " is not trained by steps");
}

Lesson lesson_of(const autograd::Variable& logits, const tensor::Tensor& expected,
                 double label_smoothing) {
  const tensor::Tensor hits =
      tensor::equal(tensor::argmax(logits.value(), -1), expected);  // (B, T)
  const bool* hit = hits.data<bool>();
  const tensor::Tensor packed = expected.contiguous();
  const int64_t* symbol = packed.data<int64_t>();
  const int64_t positions = packed.numel();
  return {
      .loss = cross_entropy(logits, expected,
                            {.ignore_index = kIgnored, .label_smoothing = label_smoothing}),  // ()
      .right = std::count(hit, hit + positions, true),
      .counted = positions - std::count(symbol, symbol + positions, kIgnored)};
}

}  // namespace qkv::examples
