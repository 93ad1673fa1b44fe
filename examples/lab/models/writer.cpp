// Lessons by teacher forcing, and answers by greedy or beam search.
#include "examples/lab/models/writer.h"

#include "nn/teacher_forcing.h"

namespace qkv::examples {

Writer::Writer(const Config& config, const Task& task)
    : config_(config),
      task_(task),
      bos_(task.target_symbols),
      eos_(task.target_symbols + 1),
      generator_(static_cast<uint64_t>(config.seed)) {}

Lesson Writer::lesson(const Batch& batch) {
  const auto taught = nn::teacher_forcing(batch.target, batch.target_lengths, bos_, eos_);
  return lesson_of(logits(batch, taught.input), taught.expected, smoothing(config_, module()));
}

std::string Writer::lesson_table(const Batch& batch) {
  return taught_table(task_, batch, bos_, eos_);
}

std::vector<Sequence> Writer::answer(const Batch& batch) {
  const Quiet quiet(module());
  const auto next = begin(batch);
  return written_answers(*next, batch.source.shape()[0],
                         {.bos = bos_, .eos = eos_, .max_length = longest_target(task_) + 1},
                         config_);
}

std::vector<Look> Writer::looks(const Batch& batch) {
  const Quiet quiet(module());
  const Batch first = first_of(batch);
  const auto taught = nn::teacher_forcing(first.target, first.target_lengths, bos_, eos_);
  return maps(first, taught.input,
              labels_to_end(task_, unpadded(first.target, first.target_lengths).front()),
              source_labels(task_, unpadded(first.source, first.source_lengths).front()));
}

}  // namespace qkv::examples
