// The models of the lab: what goes into them, what counts in their loss, and what they show.
#include "examples/lab/model.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "examples/lab/trainer.h"
#include "examples/lab/words.h"
#include "nn/masked_tokens.h"

using namespace qkv;
using namespace qkv::examples;

namespace {

struct Made {
  Config config;
  Task task;
  std::unique_ptr<Model> model;
};

Made made(const Words& words) {
  Config config = parse_config(words);
  return {config, make_task(config), make_model(config)};
}

// How many symbols the parameter that takes them in knows: an embedding, or a linear layer.
int64_t input_symbols(Model& model, const std::string& name, int axis) {
  for (const auto& parameter : model.module().named_parameters()) {
    if (parameter.name == name) return parameter.parameter->shape()[axis];
  }
  return -1;
}

int64_t count_of(const std::string& text, const std::string& part) {
  int64_t found = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) ++found;
  return found;
}

}  // namespace

// BOS and EOS come after all others. Digits of a question and of its answer are one alphabet; a key
// with its value is no value, and an English word is no French one.
TEST_CASE("a decoder shares the symbols of questions and answers where they mean the same") {
  const auto rows = [](const Words& words) {
    const Made m = made(words);
    return input_symbols(*m.model, "input.embedding.weight", 0) - m.task.source_symbols;
  };
  CHECK(rows({"task=copy", "model=decoder"}) == 2);
  CHECK(rows({"task=mixed", "model=decoder"}) == 2);
  CHECK(rows({"task=add", "model=decoder"}) == 2);
  CHECK(rows({"task=recall", "model=decoder", "symbols=7"}) == 7 + 2);
  const Made french = made({"task=translate", "model=decoder"});
  CHECK(rows({"task=translate", "model=decoder"}) == french.task.target_symbols + 2);
}

TEST_CASE("a decoder with two alphabets answers in symbols of the answer's") {
  Made m = made({"task=recall", "model=decoder", "length=2", "symbols=4", "steps=60", "width=16",
                 "heads=2", "layers=1", "feed_forward=16", "batch=16", "learning_rate=0.01"});
  // In a few lessons it learns that a question's symbols never follow BOS.
  train(
      *m.model, m.task, m.config, [](const Metrics&) {}, [] { return false; });
  const Batch batch = make_batch(m.task, Split::test, 0, 8);
  for (const Sequence& answer : m.model->answer(batch)) {
    for (const int64_t symbol : answer) CHECK((symbol >= 0 && symbol < 4));
  }
  const Look look = m.model->looks(batch).at(0);
  const std::string labels = joined(look.rows, " ");
  CHECK(labels == source_text(m.task, unpadded(batch.source, batch.source_lengths)[0]) + " BOS " +
                      target_text(m.task, unpadded(batch.target, batch.target_lengths)[0]));
}

TEST_CASE("a decoder's loss counts the answer and its end, not the question") {
  Made m = made({"task=recall", "model=decoder", "length=3", "min_length=1", "symbols=10"});
  const Batch batch = make_batch(m.task, Split::train, 0, 7);
  int64_t expected = 0;
  for (const int64_t length : batch.target_lengths) expected += length + 1;
  CHECK(m.model->lesson(batch).counted == expected);
  CHECK(made({"task=recall", "model=encoder_decoder", "length=3", "min_length=1"})
            .model->lesson(batch)
            .counted == expected);
}

TEST_CASE("a masked encoder is asked for hidden characters only, always the same in evaluation") {
  Made m = made({"task=text", "model=encoder", "width=16", "heads=2", "layers=1"});
  const Batch batch = make_batch(m.task, Split::train, 0, 20);
  CHECK(input_symbols(*m.model, "input.weight", 1) == m.task.target_symbols + 1);
  int64_t characters = 0;
  for (const int64_t length : batch.target_lengths) characters += length;
  const auto loss = [&] { return m.model->lesson(batch).loss.item(); };
  const double share =
      static_cast<double>(m.model->lesson(batch).counted) / static_cast<double>(characters);
  CHECK(share > 0.1);
  CHECK(share < 0.25);
  CHECK(loss() != loss());  // others are hidden each time
  m.model->module().eval();
  CHECK(loss() == loss());
  CHECK(m.model->answer(batch) == unpadded(batch.target, batch.target_lengths));
  CHECK(m.model->description() == "masked encoder, width 16, heads 2, layers 1");
  CHECK_FALSE(m.model->looks(batch).at(0).on_source);
}

TEST_CASE("presets have as many parameters as they say") {
  const auto count = [](const std::string& preset) {
    return made({"preset=" + preset}).model->module().parameter_count();
  };
  CHECK(count("uva") == 10346);
  CHECK(count("annotated-copy-small") == 9988);
}

// "the c_t sat.  ->  the cat sat.": two lines of one length, which differ where something is hidden
// (or was replaced by another character, or by itself).
TEST_CASE("a masked encoder's samples show the gaps and what it puts there") {
  Made m = made({"task=text", "model=encoder", "width=16", "heads=2", "layers=1"});
  const std::vector<std::string> samples = m.model->samples(5);
  REQUIRE(samples.size() == 5);
  int64_t gaps = 0;
  for (const std::string& sample : samples) {
    CAPTURE(sample);
    const size_t arrow = sample.find("  ->  ");
    REQUIRE(arrow != std::string::npos);
    const std::string shown = sample.substr(0, arrow), filled = sample.substr(arrow + 6);
    CHECK(shown.size() == filled.size());
    CHECK(count_of(filled, "_") == 0);
    gaps += count_of(shown, "_");
  }
  CHECK(gaps >= 5);
}

TEST_CASE("a decoder's samples of text follow the seed and the decoding keys") {
  const Words words = {"task=text", "width=16", "heads=2", "layers=1", "feed_forward=16"};
  const auto samples = [&](const Words& more) {
    Words all = words;
    all.insert(all.end(), more.begin(), more.end());
    return made(all).model->samples(3);
  };
  const std::vector<std::string> lines = samples({});
  REQUIRE(lines.size() == 3);
  for (const std::string& line : lines) CHECK(line.size() <= 80);
  CHECK(samples({}) == lines);
  CHECK(samples({"temperature=0.1"}) != lines);
  const std::vector<std::string> greedy = samples({"top_k=1"});
  CHECK(greedy[0] == greedy[1]);
  CHECK(made({"task=copy", "model=decoder"}).model->samples(3).empty());
}

TEST_CASE("a lesson's table shows two short answers, what is expected and what counts") {
  for (const char* kind : {"decoder", "encoder_decoder", "seq2seq"}) {
    const Made m = made({"task=recall", std::string("model=") + kind, "length=4", "min_length=1"});
    const std::string table = m.model->lesson_table(make_batch(m.task, Split::train, 0, 16));
    CAPTURE(table);
    CHECK(count_of(table, "input") == 2);
    CHECK(count_of(table, "expected") == 2);
    CHECK(count_of(table, "BOS") == 2);
    CHECK(count_of(table, "EOS") == 2);
  }
  const Made text = made({"task=text"});
  const std::string table = text.model->lesson_table(make_batch(text.task, Split::train, 0, 16));
  CHECK(count_of(table, " ' ' ") >= 2);  // the spaces between words
  CHECK(count_of(table, " '.' ") >= 1);
  const Made encoder = made({"task=copy"});
  CHECK(encoder.model->lesson_table(make_batch(encoder.task, Split::train, 0, 4)).empty());
}
