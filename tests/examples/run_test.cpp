// The figures of a run, by a model whose answers are known beforehand; and those of text beside
// the n-grams and the grammar.
#include "examples/lab/run.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/ops.h"
#include "examples/lab/report.h"
#include "examples/lab/task_text.h"
#include "examples/lab/text_run.h"
#include "examples/lab/words.h"
#include "nn/layers.h"

using namespace qkv;
using namespace qkv::examples;

namespace {

// Answers rightly but where `wrong` says; looks where the gold links say, but for the first word,
// for which it looks at the second; predicts every symbol with probability 1/2.
class Known : public Model {
 public:
  explicit Known(bool (*wrong)(const Sequence& target)) : wrong_(wrong), net_(3, 2, generator_) {}

  nn::Module& module() override { return net_; }
  Lesson lesson(const Batch& batch) override {
    const int64_t counted = batch.target_lengths.front() + 1;
    return {.loss = tensor::scalar(std::log(2.0), tensor::Dtype::float64),
            .right = counted - 1,
            .counted = counted};
  }
  std::vector<Sequence> answer(const Batch& batch) override {
    std::vector<Sequence> answers = unpadded(batch.target, batch.target_lengths);
    for (Sequence& answer : answers) {
      if (wrong_(answer)) answer.pop_back();
    }
    return answers;
  }
  std::vector<Look> looks(const Batch& batch) override {
    tensor::Tensor map = tensor::zeros({batch.target_lengths[0] + 1, batch.source_lengths[0]});
    for (const Link& link : batch.links[0]) {
      map.mutable_data<float>()[link.target * batch.source_lengths[0] +
                                (link.target == 0 ? 1 : link.source)] = 1;
    }
    return {{.title = "", .weights = map, .rows = {}, .columns = {}, .on_source = on_source}};
  }
  std::string description() const override { return "known"; }

  bool on_source = true;

 private:
  bool (*wrong_)(const Sequence& target);
  lib::Generator generator_{1};
  nn::Linear net_;
};

Task task_of(const Words& words) { return make_task(parse_config(words)); }

}  // namespace

TEST_CASE("measure: answers are counted on test, validation and longer sequences") {
  const Task task = task_of({"task=copy", "length=5", "test_size=40", "validation_size=30"});
  Known model([](const Sequence& target) { return target.size() > 5; });
  const Result r = measure(model, task);
  CHECK(r.parameters == 3 * 2 + 2);
  CHECK(r.test.exact == 40);
  CHECK(std::fabs(r.bleu - 100) <= 1e-9);
  CHECK(r.validation.exact == 30);
  CHECK(r.longer->sequences == 40);
  CHECK(r.longer->exact == 0);
  CHECK(r.longer->right == r.longer->symbols - 40);  // one symbol too few in each
  CHECK_FALSE(r.alignment_error.has_value());
  CHECK_FALSE(r.prediction.has_value());
}

// Of a phrase of T words, T - 1 links are right or, where the first word does come from the second,
// all: AER = 1 - 2 right / 2T.
TEST_CASE("measure: the alignment error rate is that of the last map against the gold links") {
  const Task task = task_of({"task=translate", "test_size=25", "validation_size=1"});
  Known model([](const Sequence&) { return false; });
  int64_t words = 0, wrong = 0;
  for (int64_t i = 0; i < 25; ++i) {
    const Example e = example(task, Split::test, i);
    words += static_cast<int64_t>(e.target.size());
    wrong += e.links[0].source != 1;
  }
  const double expected = static_cast<double>(wrong) / static_cast<double>(words);
  CHECK(wrong > 10);
  CHECK(std::fabs(*measure(model, task).alignment_error - expected) <= 1e-12);
  CHECK(show_alignment_error(0.0123, task) ==
        "alignment error rate: 1.23% of 25 phrases, by the last map above; no alignment was ever "
        "shown");
  model.on_source = false;
  CHECK_FALSE(measure(model, task).alignment_error.has_value());
}

TEST_CASE("measure: of a text the predictions are averaged over symbols") {
  const Task task = task_of({"task=text", "test_size=20", "validation_size=20"});
  Known model([](const Sequence&) { return false; });
  const Result r = measure(model, task);
  CHECK(std::fabs(r.prediction->loss - std::log(2.0)) <= 1e-12);
  CHECK(std::fabs(r.prediction->perplexity() - 2) <= 1e-12);
  CHECK(r.longer_prediction->counted > r.prediction->counted);
  CHECK(r.test.sequences == 0);
}

TEST_CASE("the report shows each held-out sequence once") {
  const Task task = task_of({"task=copy", "length=5", "test_size=2"});
  Known model([](const Sequence&) { return true; });
  const std::string text = show_predictions(model, task, 3);
  size_t inputs = 0;
  for (size_t at = 0; (at = text.find("input", at)) != std::string::npos; ++at) ++inputs;
  CHECK(inputs == 2);
  CHECK(text.find("wrong\n  target ") != std::string::npos);
}

TEST_CASE("n-grams of a run are chosen on validation lines and scored on test and longer lines") {
  const Config config = parse_config({"task=text", "model=ngram", "order=5", "train_size=600",
                                      "validation_size=40", "test_size=40"});
  const Task task = make_task(config);
  const NGramRun run = run_ngrams(task, config);
  CHECK(run.trials.size() == 10);
  CHECK(run.best.order == best_of(run.trials).order);
  const double true_one = text_entropy().perplexity;
  CHECK(run.test.perplexity() > true_one);
  CHECK(run.longer.characters > run.test.characters);
  CHECK(run.samples.size() == 3);
  const std::string table = show_ngrams(run, task);
  CHECK(table.find("add-k           5") != std::string::npos);
  CHECK(table.find("Kneser-Ney      5") != std::string::npos);
  CHECK(table.find(target_text(task, run.samples[2])) != std::string::npos);

  const std::string beside = show_beside(run, task, TextModel{"decoder", 1.5, 1.75});
  CAPTURE(beside);
  CHECK(beside.find("decoder                                 1.5000    1.7500\n") !=
        std::string::npos);
  CHECK(beside.find("n-gram, order 5, Kneser-Ney") != std::string::npos);
  CHECK(beside.find("the grammar itself") != std::string::npos);
  CHECK(beside.find(lib::str("(of all its lines: ", "1.6079)")) != std::string::npos);
  CHECK(show_beside(run, task).find("decoder") == std::string::npos);
}
