// The decoder of the lab: question and answer are one sequence, which it learns to continue.
//
//   question 7 3 1, answer 1 3 7      7  3  1  BOS 1  3  7          goes in
//                                     -  -  -  1   3  7  EOS        is expected; - does not count
//
// A text has no question: BOS is followed by its characters.
#include <map>

#include "examples/lab/models/shared.h"
#include "nn/language_model.h"

namespace qkv::examples {
namespace {

// Do the symbols of questions and answers mean the same?
bool one_alphabet(const Task& task) {
  for (int64_t i = 0; i < std::min(task.source_symbols, task.target_symbols); ++i) {
    if (source_labels(task, {i}) != target_labels(task, {i})) return false;
  }
  return true;
}

class DecoderModel : public Model {
 public:
  // Questions and answers of one alphabet share their symbols; else the answer's follow after the
  // question's.
  DecoderModel(const Config& config, const Task& task)
      : config_(config),
        task_(task),
        offset_(one_alphabet(task) ? 0 : task.source_symbols),
        bos_(std::max(task.source_symbols, offset_ + task.target_symbols)),
        eos_(bos_ + 1),
        generator_(static_cast<uint64_t>(config.seed)),
        net_(transformer_config(config, eos_ + 1, longest_source(task) + longest_target(task) + 2),
             generator_) {}

  nn::Module& module() override { return net_; }

  Lesson lesson(const Batch& batch) override {
    const auto sources = unpadded(batch.source, batch.source_lengths);
    const auto targets = unpadded(batch.target, batch.target_lengths);
    std::vector<Sequence> input, expected;
    std::vector<int64_t> lengths;
    for (size_t b = 0; b < targets.size(); ++b) {
      input.push_back(whole(sources[b], targets[b]));
      expected.emplace_back(sources[b].size(), kIgnored);
      for (const int64_t symbol : targets[b]) expected.back().push_back(symbol + offset_);
      expected.back().push_back(eos_);
      lengths.push_back(static_cast<int64_t>(input.back().size()));
    }
    const auto out = net_.forward(padded(input, bos_), lengths, /*need_weights=*/false);
    return lesson_of(out.logits, padded(expected, kIgnored), smoothing(config_, net_));
  }

  // Without the questions, which are read before BOS.
  std::string lesson_table(const Batch& batch) override {
    return taught_table(task_, batch, task_.target_symbols, task_.target_symbols + 1);
  }

  // Sequences whose questions are equally long are answered together.
  std::vector<Sequence> answer(const Batch& batch) override {
    const Quiet quiet(net_);
    const auto sources = unpadded(batch.source, batch.source_lengths);
    std::map<size_t, std::vector<size_t>> by_length;
    for (size_t b = 0; b < sources.size(); ++b) by_length[sources[b].size()].push_back(b);
    std::vector<Sequence> answers(sources.size());
    for (const auto& [length, members] : by_length) {
      const auto rows = static_cast<int64_t>(members.size());
      const auto next = net_.begin(rows, /*need_weights=*/false);
      if (length > 0) {
        std::vector<Sequence> prompts;
        for (const size_t b : members) prompts.push_back(sources[b]);
        static_cast<void>(next->prompt(padded(prompts)));
      }
      auto written = written_answers(
          *next, rows, {.bos = bos_, .eos = eos_, .max_length = longest_target(task_) + 1},
          config_);
      for (size_t i = 0; i < members.size(); ++i) {
        for (int64_t& symbol : written[i]) symbol -= offset_;
        answers[members[i]] = std::move(written[i]);
      }
    }
    return answers;
  }

  std::vector<std::string> samples(int64_t count) override {
    if (has_questions(task_)) return {};
    const Quiet quiet(net_);
    const DecodingConfig& d = config_.decoding;
    const auto next = net_.begin(count, /*need_weights=*/false);
    lib::Generator generator(static_cast<uint64_t>(config_.seed));
    const nn::Decoded drawn = nn::sample(
        *next, count, {.bos = bos_, .eos = eos_, .max_length = longest_target(task_) + 1},
        {.temperature = d.temperature, .top_k = d.top_k, .top_p = d.top_p}, generator);
    std::vector<std::string> lines;
    for (const Sequence& line : drawn.symbols) lines.push_back(target_text(task_, line));
    return lines;
  }

  std::vector<Look> looks(const Batch& batch) override {
    const Quiet quiet(net_);
    const Batch first = first_of(batch);
    const Sequence source = unpadded(first.source, first.source_lengths).front();
    const Sequence target = unpadded(first.target, first.target_lengths).front();
    std::vector<std::string> labels = source_labels(task_, source);
    labels.emplace_back("BOS");
    for (const std::string& label : target_labels(task_, target)) labels.push_back(label);
    const Sequence all = whole(source, target);
    return looks_of(net_.forward(padded({all}, bos_)).weights, labels, labels, false);
  }

  std::string description() const override { return transformer_description(config_); }

 private:
  [[nodiscard]] Sequence whole(const Sequence& source, const Sequence& target) const {
    Sequence all = source;
    all.push_back(bos_);
    for (const int64_t symbol : target) all.push_back(symbol + offset_);
    return all;
  }

  Config config_;
  Task task_;
  int64_t offset_, bos_, eos_;
  lib::Generator generator_;
  nn::LanguageModel net_;
};

}  // namespace

std::unique_ptr<Model> make_decoder(const Config& config, const Task& task) {
  return std::make_unique<DecoderModel>(config, task);
}

}  // namespace qkv::examples
