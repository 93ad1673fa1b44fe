// Every pair of a task and a model: those accepted learn, answer and are measured; the others are
// refused, and the model that the refusal names is one that can.
#include <doctest/doctest.h>

#include <cmath>

#include "examples/lab/config.h"
#include "examples/lab/presets.h"
#include "examples/lab/report.h"
#include "examples/lab/text_run.h"
#include "examples/lab/words.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"

using namespace qkv;
using namespace qkv::examples;

namespace {

// A few steps of a tiny model; "words" go after these, which they override.
Config tiny(const Words& words) {
  Words all = {"train_size=400", "validation_size=5", "test_size=5"};
  all.insert(all.end(), words.begin(), words.end());
  const Config asked = parse_config(all);
  if (asked.model.kind == "ngram") return parse_config(all);
  Words small = {"steps=40", "batch=16", "learning_rate=0.01", "schedule=constant",
                 "warmup=0", "width=16", "layers=1",           "clip=1"};
  if (asked.model.kind == "seq2seq") {
    small.emplace_back("embedding=8");
  } else {
    small.insert(small.end(), {"heads=2", "feed_forward=16"});
  }
  if (asked.task != "translate" && asked.task != "text") {
    small.insert(small.end(), {"length=3", "min_length=2"});
  }
  all.insert(all.end(), small.begin(), small.end());
  return parse_config(all);
}

void check_learns(const Words& words) {
  const Config config = tiny(words);
  INFO(config.task, " ", config.model.kind, " ", joined(words));
  const Task task = make_task(config);
  const auto model = make_model(config);
  std::vector<double> losses;
  train(
      *model, task, config, [&](const Metrics& m) { losses.push_back(m.loss); },
      [] { return false; });
  REQUIRE(losses.size() == 40);
  for (const double loss : losses) CHECK(std::isfinite(loss));
  CHECK(losses[37] + losses[38] + losses[39] < 0.95 * (losses[0] + losses[1] + losses[2]));

  const Result result = measure(*model, task);
  CHECK(result.parameters > 0);
  CHECK(result.prediction.has_value() == !has_questions(task));
  if (has_questions(task)) {
    CHECK(result.test.sequences == 5);
    CHECK(result.longer->sequences == 5);
    CHECK(show_predictions(*model, task, 3).find("predicted") != std::string::npos);
    CHECK(show_attention(*model, make_batch(task, Split::test, 0, 1)).size() > 20);
  } else {
    CHECK(result.prediction->perplexity() > 1);
    CHECK(result.longer_prediction->perplexity() > 1);
    CHECK(model->samples(2).size() == 2);
  }
}

}  // namespace

TEST_CASE("every accepted pair of task and model learns, answers and is measured") {
  int accepted = 0;
  for (const std::string& task : task_names()) {
    for (const std::string& kind : model_kinds()) {
      const Words words = {"task=" + task, "model=" + kind};
      const std::string said = tests::refusal([&] { static_cast<void>(parse_config(words)); });
      if (said != "not refused") {
        CAPTURE(said);
        const size_t at = said.rfind("; try model=");
        REQUIRE(at != std::string::npos);
        CHECK_NOTHROW(static_cast<void>(parse_config({words[0], said.substr(at + 6)})));
        continue;
      }
      ++accepted;
      if (kind != "ngram") check_learns(words);
    }
  }
  CHECK(accepted == 28);
  const Config config = tiny({"task=text", "model=ngram", "order=4"});
  CHECK(run_ngrams(make_task(config), config).test.perplexity() < 4);
}

TEST_CASE("a seq2seq learns with every way to look and with every cell") {
  for (const char* attention :
       {"none", "additive", "dot", "scaled_dot", "general", "concat", "local"}) {
    check_learns({"task=copy", "model=seq2seq", std::string("attention=") + attention});
  }
  for (const char* cell : {"rnn", "gru", "lstm"}) {
    check_learns({"task=reverse", "model=seq2seq", std::string("cell=") + cell});
  }
  check_learns({"task=copy", "model=seq2seq", "input_feeding=true", "bidirectional=false"});
}

TEST_CASE("Transformers of the lab learn with every variation of attention") {
  for (const char* kind : {"encoder", "decoder", "encoder_decoder"}) {
    for (const char* variation : {"soft_cap", "sink", "kernel", "hard", "linear"}) {
      check_learns({"task=copy", std::string("model=") + kind,
                    std::string("variation=") + variation, "kv_heads=1", "positions=rotary"});
    }
    check_learns({"task=copy", std::string("model=") + kind, "window=3", "sinks=1"});
  }
}

// Turning a sequence round takes looking elsewhere than at oneself. A hard choice passes no
// gradient on to the queries and keys that it was made by, so where to look is never learned.
TEST_CASE("variations solve reverse in a few steps, and hard attention does not") {
  for (const char* kind : {"encoder", "decoder", "encoder_decoder"}) {
    if (tests::short_form() && kind != std::string("decoder")) continue;
    for (const char* variation : {"soft_cap", "sink", "kernel", "linear", "hard"}) {
      const Config config = parse_config(
          {"task=reverse", std::string("model=") + kind, std::string("variation=") + variation,
           "length=4", "symbols=8", "steps=150", "batch=32", "learning_rate=0.01", "warmup=10",
           "clip=1", "width=32", "heads=2", "layers=1", "norm=pre", "feed_forward=32",
           "test_size=100", "validation_size=1"});
      const Task task = make_task(config);
      const auto model = make_model(config);
      train(
          *model, task, config, [](const Metrics&) {}, [] { return false; });
      const double exact = evaluate(*model, task, Split::test).exact_share();
      CAPTURE(model->description());
      if (variation == std::string("hard")) {
        CHECK(exact < 0.5);
      } else {
        CHECK(exact > 0.9);
      }
    }
  }
}
