// The configuration: precedence, the JSON round trip, a clear refusal for every kind of mistake.
#include "examples/lab/config.h"

#include "examples/lab/config_table.h"
#include "examples/lab/presets.h"
#include "examples/lab/tasks.h"
#include "tests/temporary.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <stdexcept>

using qkv::examples::Config;
using qkv::examples::config_help;
using qkv::examples::config_json;
using qkv::examples::config_table;
using qkv::examples::model_kinds;
using qkv::examples::parse_config;
using qkv::examples::preset_names;
using qkv::examples::task_names;

namespace {

// A file with the given text, gone at the end of the test.
struct TemporaryFile {
  qkv::tests::TemporaryFolder folder;
  std::string path;
  explicit TemporaryFile(const std::string& text, const std::string& name = "a")
      : path(folder / (name + ".json")) {
    std::ofstream(path, std::ios::binary) << text;
  }
  [[nodiscard]] std::string word() const { return "config=" + path; }
};

std::string refusal(const std::vector<std::string>& words) {
  try {
    static_cast<void>(parse_config(words));
  } catch (const std::invalid_argument& error) {
    return error.what();
  }
  return "not refused";
}

// Why a file with this text is refused, without the file's name.
std::string file_refusal(const std::string& text) {
  const TemporaryFile file(text);
  std::string message = refusal({file.word()});
  const size_t at = message.find(file.path);
  return at == std::string::npos ? message : message.replace(at, file.path.size(), "F");
}

}  // namespace

TEST_CASE("config: without words the defaults hold and the run is named after the task") {
  const Config c = parse_config({});
  CHECK(c.task == "reverse");
  CHECK(c.name == "reverse");
  CHECK(c.model.width == 32);
  CHECK(parse_config({"task=copy"}).name == "copy");
  CHECK(parse_config({"task=copy", "name=mine"}).name == "mine");
}

TEST_CASE("config: words set integers, numbers and choices, dotted keys too") {
  const Config c = parse_config({"steps=7", "learning_rate=1e-4", "model.heads=4", "model.norm=pre",
                                 "seed=4294967295", "model.dropout=.5", "weight_decay=0"});
  CHECK(c.steps == 7);
  CHECK(c.learning_rate == 1e-4);
  CHECK(c.model.heads == 4);
  CHECK(c.model.norm == "pre");
  CHECK(c.seed == 4294967295);
  CHECK(c.model.dropout == 0.5);
}

TEST_CASE("config: defaults yield to the preset, the preset to a file, a file to words") {
  const TemporaryFile file(
      R"({"batch": 31, "model": {"layers": 2}, "steps": 5, "model.heads": 2})");
  for (const bool file_first : {true, false}) {
    const Config c = file_first ? parse_config({"steps=9", file.word(), "preset=uva"})
                                : parse_config({"preset=uva", file.word(), "steps=9"});
    CHECK(c.train_size == 50000);  // preset
    CHECK(c.batch == 31);          // file, over the preset's 128
    CHECK(c.model.layers == 2);
    CHECK(c.model.heads == 2);
    CHECK(c.steps == 9);  // word, over the file's 5
  }
  CHECK(parse_config({"steps=1", "steps=2"}).steps == 2);
}

TEST_CASE("config: a later file wins over an earlier one, and a file may choose the preset") {
  const TemporaryFile first(R"({"preset": "uva", "steps": 5})"), second(R"({"steps": 6})", "b");
  CHECK(parse_config({first.word(), second.word()}).steps == 6);
  CHECK(parse_config({second.word(), first.word()}).steps == 5);
  CHECK(parse_config({first.word()}).batch == 128);
  CHECK(parse_config({first.word(), "preset=default"}).batch == Config().batch);
}

TEST_CASE("config: the uva preset is the published setting") {
  const Config c = parse_config({"preset=uva"});
  CHECK(c.length == 16);
  CHECK(c.symbols == 10);
  CHECK(c.test_size == 10000);
  CHECK(c.steps == 3900);
  CHECK(c.optimizer == "adam");
  CHECK(c.learning_rate == 5e-4);
  CHECK(c.warmup == 50);
  CHECK(c.clip == 5);
  CHECK(c.model.feed_forward == 64);
}

TEST_CASE("config: the JSON has every key and comes back as the same configuration") {
  const Config c =
      parse_config({"task=copy", "preset=uva", "learning_rate=0.1", "clip=1e-7", "seed=3",
                    "name=a b", "model.dropout=0.3", "model.positions=learned"});
  const std::string json = config_json(c);
  const TemporaryFile file(json);
  CHECK(config_json(parse_config({file.word()})) == json);
  CHECK(json != config_json(parse_config({})));
  CHECK(json.find("\"learning_rate\": 0.1,") != std::string::npos);
  CHECK(json.find("\"model\": {\n    \"kind\": \"encoder\",\n    \"width\": 32,") !=
        std::string::npos);
  CHECK(json.back() == '\n');
}

TEST_CASE("config: an unknown key is refused with the nearest known one") {
  CHECK(refusal({"stpes=3"}) == "config: unknown key 'stpes'; did you mean 'steps'?");
  CHECK(refusal({"wdith=3"}) == "config: unknown key 'wdith'; did you mean 'model.width'?");
  CHECK(refusal({"confg=x"}) == "config: unknown key 'confg'; did you mean 'config'?");
  CHECK(refusal({"zzzzzz=3"})
            .starts_with("config: unknown key 'zzzzzz'; known: config, model, task"));
  CHECK(refusal({"a\x1b[2J=3"}).starts_with("config: unknown key 'a\\x1b[2J'"));
  CHECK(refusal({"reverse"}) == "config: 'reverse' is not of the form key=value");
}

TEST_CASE("config: the last part of a dotted key will do, and model is the kind of model") {
  const Config c = parse_config({"model=decoder", "heads=2", "width=8", "beam=3", "kv_heads=1"});
  CHECK(c.model.kind == "decoder");
  CHECK(c.model.heads == 2);
  CHECK(c.model.width == 8);
  CHECK(c.model.kv_heads == 1);
  CHECK(c.decoding.beam == 3);
  Config any;
  std::set<std::string> names;
  for (const auto& key : config_table(any)) {
    const std::string name = key.name;
    CHECK_MESSAGE(names.insert(name.substr(name.rfind('.') + 1)).second, name);
  }
}

TEST_CASE("config: the task chooses the model, and both choose how it is trained") {
  CHECK(parse_config({}).model.kind == "encoder");
  CHECK(parse_config({"task=translate"}).model.kind == "seq2seq");
  CHECK(parse_config({"task=text"}).model.kind == "decoder");
  CHECK(parse_config({"task=recall"}).model.kind == "encoder_decoder");
  CHECK(parse_config({"model=seq2seq"}).clip != parse_config({}).clip);
  CHECK(parse_config({"model=seq2seq", "clip=7"}).clip == 7);
}

TEST_CASE("config: a model that cannot learn the task is refused with the reason") {
  CHECK(refusal({"task=add", "model=encoder"}) ==
        "config: model=encoder cannot learn task=add: an encoder answers at each place of the "
        "question, and here the answer is not as long; try model=encoder_decoder");
  CHECK(refusal({"task=text", "model=seq2seq"}).find("has no source to encode") !=
        std::string::npos);
  CHECK(refusal({"task=copy", "model=ngram"}).find("it answers no question; try model=decoder") !=
        std::string::npos);
}

TEST_CASE("config: every sensible pair of task and model is accepted, and no other") {
  int accepted = 0;
  for (const std::string& task : task_names()) {
    for (const std::string& kind : model_kinds()) {
      accepted += refusal({"task=" + task, "model=" + kind}) == "not refused";
    }
  }
  // Of 8 tasks: text with decoder, ngram and encoder (masked); four of equal length with four
  // kinds; add, recall and translate with three.
  CHECK(accepted == 3 + 4 * 4 + 3 * 3);
}

TEST_CASE("config: a word for a key that the model does not have is refused") {
  CHECK(refusal({"model=seq2seq", "heads=2"}) ==
        "config: model.heads=2 is refused; model=seq2seq does not use it, only encoder, decoder, "
        "encoder_decoder");
  CHECK(refusal({"attention=dot"}).find("model=encoder does not use it, only seq2seq") !=
        std::string::npos);
  CHECK(refusal({"task=text", "model=ngram", "steps=3"}).find("does not use it") !=
        std::string::npos);
  const TemporaryFile file(R"({"model": {"kind": "seq2seq", "heads": 2}})");
  CHECK(refusal({file.word()}) == "not refused");  // a file has all keys
}

TEST_CASE("config: every preset is a valid configuration and comes back from its JSON") {
  for (const std::string& preset : preset_names()) {
    CAPTURE(preset);
    const Config c = parse_config({"preset=" + preset});
    const TemporaryFile file(config_json(c));
    CHECK(config_json(parse_config({file.word()})) == config_json(c));
  }
  CHECK(parse_config({"preset=mingpt-sort"}).task == "sort");
  CHECK(parse_config({"preset=tinytorch-m05", "task=mixed"}).task == "mixed");
}

TEST_CASE("config: a wrong value is refused with the key, the value and what is allowed") {
  CHECK(refusal({"steps=0"}) ==
        "config: steps=0 is refused; steps must be an integer from 1 to 100000000");
  CHECK(refusal({"learning_rate=11"}) ==
        "config: learning_rate=11 is refused; learning_rate must be a number from 0 to 10");
  CHECK(refusal({"optimizer=adm"}) ==
        "config: optimizer=adm is refused; optimizer must be one of sgd, adam, adamw");
  CHECK(refusal({"model.width=30", "model.heads=4"}) ==
        "config: model.width=30 is refused; model.width must be divisible by model.heads=4");
  CHECK(refusal({"length=2", "symbols=3"}).find("give only 9 different examples") !=
        std::string::npos);
  CHECK(refusal({"name=../x"}).find("name=../x is refused") != std::string::npos);
  CHECK(refusal({"task=shuffle"}).find("task must be one of copy, reverse") != std::string::npos);
}

TEST_CASE("config: what is no whole number of the right kind is refused") {
  for (const char* text : {"", " 1", "1 ", "1.5", "1e3", "abc", "0x10", "99999999999999999999",
                           "-1", "+1", "1\n", "nan"}) {
    CAPTURE(text);
    CHECK(refusal({std::string("steps=") + text}).find("is refused; steps") != std::string::npos);
  }
  for (const char* text :
       {"", " 1", "nan", "inf", "-inf", "1e999", "0x1p-3", "1..2", "1,5", "-1e-9"}) {
    CAPTURE(text);
    CHECK(refusal({std::string("clip=") + text}).find("is refused; clip") != std::string::npos);
  }
}

TEST_CASE("config: a value is refused even if a later word would override it") {
  CHECK(refusal({"steps=x", "steps=3"}).find("steps=x is refused") != std::string::npos);
}

TEST_CASE("config: a file's values must have the right JSON type") {
  for (const char* value : {"1.5", "1e2", "-1", "true", "null", "\"5\"", "18446744073709551615",
                            "18446744073709551616", "4294967298000"}) {
    CAPTURE(value);
    CHECK(file_refusal(std::string("{\"steps\": ") + value + "}")
              .find("is refused; steps must be an") != std::string::npos);
  }
  CHECK(file_refusal(R"({"task": 3})").find("task=3 is refused") != std::string::npos);
  CHECK(file_refusal(R"({"clip": {}})").find("clip={} is refused") != std::string::npos);
}

TEST_CASE("config: a file that is not a flat JSON object is refused with a reason") {
  CHECK(file_refusal("").find("is not valid JSON") != std::string::npos);
  CHECK(file_refusal("{\"steps\": 1").find("is not valid JSON at line 1, column 12") !=
        std::string::npos);
  CHECK(file_refusal("{\"clip\": 1e400}").find("is not valid JSON") != std::string::npos);
  CHECK(file_refusal("3").find("must hold a JSON object") != std::string::npos);
  CHECK(file_refusal("\xEF\xBB\xBF{}").find("byte order mark") != std::string::npos);
  CHECK(file_refusal(std::string("{}\0garbage", 10)).find("zero byte") != std::string::npos);
  CHECK(file_refusal(R"({"steps": 1, "steps": 2})") ==
        "config: file 'F': key 'steps' appears twice");
  CHECK(file_refusal(R"({"model": {"width": 8}, "model.width": 8})") ==
        "config: file 'F': key 'model.width' appears twice");
  CHECK(file_refusal(R"({"model": {"width": 8}, "model": {}})").find("'model' appears twice") !=
        std::string::npos);
  CHECK(file_refusal(R"({"steps": [1]})").find("no arrays") != std::string::npos);
  CHECK(file_refusal(R"({"model": {"width": {}}})").find("at most 2 deep") != std::string::npos);
  CHECK(file_refusal(std::string(200000, '[')).find("no arrays") != std::string::npos);
  CHECK(file_refusal(R"({"foo": {}})").find("unknown key 'foo'") != std::string::npos);
  CHECK(file_refusal(R"({"model": {"witdh": 8}})").find("did you mean 'model.width'?") !=
        std::string::npos);
  CHECK(refusal({"config=/nowhere/at/all.json"}).find("/nowhere/at/all.json") != std::string::npos);
  CHECK(refusal({"config=/"}).starts_with("config: "));
}

TEST_CASE("config: the help has a line for every key of the JSON") {
  const std::string help = config_help();
  for (const char* key :
       {"task", "seed", "length", "clip", "model.width", "model.norm", "config"}) {
    CAPTURE(key);
    CHECK(help.find(std::string("  ") + key + " ") != std::string::npos);
  }
  CHECK(help.find("an integer from 1 to 4096") != std::string::npos);
  CHECK(help.find("the recurrent cell (seq2seq)\n") != std::string::npos);
  CHECK(help.find("0: all (decoder; text)\n") != std::string::npos);
  CHECK(help.find("optimiser steps\n") != std::string::npos);
}
