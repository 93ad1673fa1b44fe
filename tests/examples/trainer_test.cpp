// The training loop's promises: it learns, it stops when told, it refuses to go on from nonsense.
#include "examples/lab/trainer.h"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "examples/lab/report.h"

using namespace qkv;
using namespace qkv::examples;

namespace {

Config tiny() {
  return parse_config({"task=copy", "length=4", "symbols=6", "steps=120", "batch=32",
                       "model.width=16", "model.feed_forward=16", "test_size=60",
                       "validation_size=60", "learning_rate=0.01"});
}

// The last parameter of a model: the weights of its output layer, or their bias.
autograd::Variable last_weight(Model& model) {
  for (const auto& named : model.module().named_parameters()) {
    if (named.name == "output2.weight") return *named.parameter;
  }
  throw std::logic_error("no output layer");
}

const auto kNever = [] { return false; };
const auto kSilent = [](const Metrics&) {};

}  // namespace

TEST_CASE("a small model learns to copy in a few steps, and its loss falls") {
  const Config config = tiny();
  const Task task = make_task(config);
  const auto model = make_model(config);
  const Accuracy before = evaluate(*model, task, Split::test);
  double first = 0, last = 0;
  const TrainingEnd end = train(
      *model, task, config,
      [&](const Metrics& m) {
        if (m.step == 1) first = m.loss;
        last = m.loss;
        CHECK(m.grad_norm > 0);
        CHECK(m.learning_rate <= 0.01);
      },
      kNever);
  const Accuracy after = evaluate(*model, task, Split::test);
  CHECK(end.steps == 120);
  CHECK_FALSE(end.interrupted);
  CHECK(last < first / 4);
  CHECK(before.token_share() < 0.5);
  CHECK(after.token_share() > 0.9);
  CHECK(after.sequences == 60);
  CHECK(after.symbols == 240);
}

TEST_CASE("training stops after the step in which it is told to") {
  const Config config = tiny();
  const auto model = make_model(config);
  int64_t reported = 0;
  const TrainingEnd end = train(
      *model, make_task(config), config, [&](const Metrics& m) { reported = m.step; },
      [&] { return reported == 3; });
  CHECK(end.interrupted);
  CHECK(end.steps == 3);
  CHECK(reported == 3);
}

TEST_CASE("a loss that is not finite ends the training with a sentence that names the step") {
  const Config config = tiny();
  const auto model = make_model(config);
  last_weight(*model).mutable_value().fill_(std::numeric_limits<double>::infinity());
  std::string said;
  try {
    train(*model, make_task(config), config, kSilent, kNever);
  } catch (const std::runtime_error& error) {
    said = error.what();
  }
  CHECK(said.find("at step 1") != std::string::npos);
  CHECK(said.find("learning_rate") != std::string::npos);
  CHECK(said.find("linear: passes on a number that is not finite: operand 1, ") !=
        std::string::npos);  // the weight
}

TEST_CASE("answers of any length are counted beside their targets") {
  const Accuracy a =
      accuracy_of({.answers = {{1, 0}, {0, 1, 1}, {2, 3}}, .targets = {{1, 0}, {1, 1}, {2, 3, 4}}});
  CHECK(a.exact == 1);
  CHECK(a.sequences == 3);
  CHECK(show_accuracy(a) == "exact-sequence 33.33% (1/3), token 62.50%");
}

TEST_CASE("a lesson counts what is expected, and leaves out what is ignored") {
  const tensor::Tensor logits =
      tensor::Tensor::of<float>({0, 9, 9, 0, 9, 0, 0, 9}, {2, 2, 2});  // predicts 1 0 and 0 1
  const tensor::Tensor expected = tensor::Tensor::of<int64_t>({1, kIgnored, 1, 1}, {2, 2});
  const Lesson lesson = lesson_of(logits, expected, 0);
  CHECK(lesson.right == 2);
  CHECK(lesson.counted == 3);
  CHECK(std::abs(lesson.loss.item() - 3.00012340) < 1e-5);  // (0.00012 + 9.00012 + 0.00012) / 3
}

TEST_CASE("evaluation leaves the mode, the weights and the graph alone") {
  const Config config = tiny();
  const auto model = make_model(config);
  const std::vector<double> before = last_weight(*model).value().to_vector();
  model->module().train();
  const Accuracy first = evaluate(*model, make_task(config), Split::validation);
  const Accuracy second = evaluate(*model, make_task(config), Split::validation);
  CHECK(model->module().training());
  CHECK(first.right == second.right);
  CHECK(last_weight(*model).value().to_vector() == before);
  CHECK_FALSE(last_weight(*model).has_grad());
}

TEST_CASE("every optimiser name makes an optimiser that moves the weights") {
  for (const char* name : {"sgd", "adam", "adamw"}) {
    Config config = tiny();
    config.optimizer = name;
    config.steps = 1;
    const auto model = make_model(config);
    const std::vector<double> before = last_weight(*model).value().to_vector();
    train(*model, make_task(config), config, kSilent, kNever);
    CHECK_MESSAGE(last_weight(*model).value().to_vector() != before, name);
  }
}

TEST_CASE("the report shows inputs, predictions and an attention map for every layer and head") {
  Config config = tiny();
  config.model.layers = 2;
  config.model.heads = 2;
  const auto model = make_model(config);
  const Task task = make_task(config);
  const std::string predictions = show_predictions(*model, task, 3);
  const std::string maps = show_attention(*model, make_batch(task, Split::test, 0, 1));
  size_t inputs = 0, layers = 0;
  for (size_t at = 0; (at = predictions.find("input", at)) != std::string::npos; ++at) ++inputs;
  for (size_t at = 0; (at = maps.find("layer ", at)) != std::string::npos; ++at) ++layers;
  CHECK(inputs == 3);
  CHECK(layers == 4);
}
