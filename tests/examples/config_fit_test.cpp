// Keys that do not fit together, or that the task or the model does not have: each is refused, and
// the sentence names the word that was typed.
#include <doctest/doctest.h>

#include <fstream>

#include "examples/lab/config.h"
#include "examples/lab/words.h"
#include "tests/compare.h"
#include "tests/temporary.h"

using namespace qkv;
using namespace qkv::examples;

namespace {

std::string refused(const Words& words) {
  return tests::refusal([&] { static_cast<void>(parse_config(words)); });
}

bool says(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

std::string file_refused(const std::string& text) {
  const tests::TemporaryFolder folder;
  const std::string path = folder / "a.json";
  std::ofstream(path) << text;
  std::string said = refused({"config=" + path});
  const size_t at = said.find(path);
  return at == std::string::npos ? said : said.replace(at, path.size(), "F");
}

}  // namespace

TEST_CASE("config: a key that the task does not have is refused by its name") {
  for (const char* task : {"translate", "text"}) {
    for (const char* word : {"length=8", "min_length=1", "test_length=20", "symbols=5"}) {
      const std::string said = refused({std::string("task=") + task, word});
      CAPTURE(said);
      CHECK(says(said, std::string("config: ") + word + " is refused; task=" + task +
                           " does not use it, only copy, reverse"));
    }
  }
  CHECK(refused({"task=text", "beam=4"}) ==
        "config: decoding.beam=4 is refused; task=text does not use it, only copy, reverse, sort, "
        "mixed, add, recall, translate");
  for (const char* word : {"temperature=0.5", "top_k=3", "top_p=0.5"}) {
    CHECK(says(refused({"task=copy", "model=decoder", word}), "does not use it, only text"));
    CHECK(refused({"task=text", word}) == "not refused");
  }
  CHECK(refused({"task=translate", "beam=4"}) == "not refused");
  CHECK(says(refused({"task=text", "model=ngram", "name=x"}), "model=ngram does not use it"));
}

TEST_CASE("config: a file has all keys, also those of other tasks") {
  CHECK(file_refused(R"({"task": "translate", "length": 8})") == "not refused");
}

TEST_CASE("config: of two numbers that do not fit, the typed one is named") {
  CHECK(refused({"task=recall", "length=1"}) ==
        "config: length=1 is refused; length must be at least min_length=2, which it is if not "
        "given");
  CHECK(refused({"length=5", "min_length=6"}) ==
        "config: min_length=6 is refused; min_length must be at most length=5");
  CHECK(refused({"min_length=17"}) ==
        "config: min_length=17 is refused; min_length must be at most length=16, which it is if "
        "not given");
  CHECK(refused({"length=8", "test_length=7"}) ==
        "config: test_length=7 is refused; test_length must be 0 or at least length=8");
  CHECK(refused({"preset=joeynmt-reverse", "length=31"}) ==
        "config: length=31 is refused; length must be at most test_length=30, which it is if not "
        "given");
  CHECK(refused({"length=8", "test_length=8"}) == "not refused");
  CHECK(refused({"heads=3"}) ==
        "config: model.heads=3 is refused; model.heads must be a divisor of model.width=32, which "
        "it is if not given");
  CHECK(refused({"heads=4", "kv_heads=3"}) ==
        "config: model.heads=4 is refused; model.heads must be divisible by model.kv_heads=3");
}

TEST_CASE("config: longer held-out sequences do not make up for too few to train on") {
  CHECK(says(refused({"length=2", "test_length=20"}),
             "symbols=10 and length=2 give only 100 different examples of reverse"));
  CHECK(says(refused({"length=2", "test_length=20", "min_length=1"}),
             "length=1 to 2 give only 110 different examples"));
  CHECK(refused({"length=3", "test_length=20"}) == "not refused");
}

TEST_CASE("config: one key under two names in a file is refused") {
  CHECK(file_refused(R"({"width": 8, "model": {"width": 8}})") ==
        "config: file 'F': 'width' and 'model.width' are the same key");
  CHECK(file_refused(R"({"beam": 2, "decoding.beam": 2})") ==
        "config: file 'F': 'beam' and 'decoding.beam' are the same key");
  CHECK(file_refused(R"({"model": "decoder", "width": 8})") == "not refused");
}

TEST_CASE("config: switches are true or false, as words and in JSON") {
  CHECK_FALSE(parse_config({"model=seq2seq", "bidirectional=false"}).model.bidirectional);
  CHECK(parse_config({"model=decoder", "tied=true"}).model.tied);
  CHECK(refused({"model=decoder", "tied=yes"}) ==
        "config: model.tied=yes is refused; model.tied must be one of true, false");
  CHECK(file_refused(R"({"model": {"kind": "decoder", "tied": true}})") == "not refused");
  CHECK(says(file_refused(R"({"tied": "true"})"), "model.tied=\"true\" is refused"));
  CHECK(says(file_refused(R"({"tied": 1})"), "model.tied=1 is refused"));
  CHECK(says(config_json(parse_config({})), "\"tied\": false"));
}

TEST_CASE("config: what optimisers, sinks and variations do not go with is refused") {
  CHECK(refused({"optimizer=sgd", "beta2=0.9"}) ==
        "config: beta2=0.9 is refused; optimizer=sgd does not use it, only adam, adamw");
  CHECK(refused({"sinks=2"}) ==
        "config: model.sinks=2 is refused; sinks are what stays in sight of a window, so it needs "
        "model.window too");
  CHECK(refused({"sinks=2", "window=4"}) == "not refused");
  CHECK(refused({"variation=kernel", "positions=alibi"}) ==
        "config: model.variation=kernel is refused; model.positions=alibi lowers the scores of "
        "plain attention, and goes with no variation");
  CHECK(says(refused({"model=seq2seq", "variation=hard"}), "model=seq2seq does not use it"));
  CHECK(says(refused({"variation=hrad"}),
             "must be one of none, soft_cap, sink, kernel, hard, linear"));
}
