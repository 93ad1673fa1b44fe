// The configuration of a training run: plain numbers and words with defaults. What the user types,
//
//   model=decoder length=8 model.width=64 preset=uva config=runs/mine/config.json
//
// is checked against one table (config_table.cpp) and refused, with the reason, before anything is
// built. A key's last part will do where it is the only one of its kind: heads=4.
// Next: tasks.h, what the numbers describe.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace qkv::examples {

// Which of these a kind of model has, the table says (config_table.cpp); the others stay unused.
struct ModelConfig {
  std::string kind;  // parse_config puts what suits the task if none is given
  int64_t width = 32;
  int64_t layers = 1;
  double dropout = 0;

  int64_t heads = 1;  // the Transformers: encoder, decoder, encoder_decoder
  int64_t kv_heads = 0;
  int64_t window = 0;
  int64_t sinks = 0;
  std::string variation = "none";
  int64_t feed_forward = 64;
  std::string positions = "sinusoidal";
  std::string norm = "post";
  bool tied = false;

  std::string cell = "gru";  // seq2seq
  std::string attention = "additive";
  int64_t embedding = 32;
  bool bidirectional = true;
  bool input_feeding = false;

  int64_t order = 16;  // ngram
};

// How an answer is written once the model is trained, where it is written symbol by symbol.
struct DecodingConfig {
  int64_t beam = 1;  // 1 is greedy
  double temperature = 1;
  int64_t top_k = 0;
  double top_p = 1;
};

struct Config {
  std::string task = "reverse";
  std::string preset = "default";
  std::string name;  // of the run folder; parse_config puts the task's name if none is given
  int64_t seed = 1;

  int64_t length = 16;  // these four: of all tasks but translate and text, which have a grammar
  int64_t min_length = 0;
  int64_t test_length = 0;
  int64_t symbols = 10;

  int64_t train_size = 20000;
  int64_t validation_size = 1000;
  int64_t test_size = 1000;

  int64_t steps = 600;
  int64_t batch = 64;
  std::string optimizer = "adam";
  double learning_rate = 3e-3;
  std::string schedule = "cosine";
  int64_t warmup = 50;
  double clip = 5;
  double weight_decay = 0;
  double beta2 = 0.999;
  double label_smoothing = 0;

  ModelConfig model;
  DecodingConfig decoding;
};

// What suits the task and the model or, if a preset is named, its values in place of that;
// overridden by the files of config=FILE words, then by key=value words. The order of the words
// matters only between words of the same key: the later one wins.
// Throws std::invalid_argument, naming the key, the value and what is allowed: also for a word that
// would change nothing, because the task or the model has no such key. A file may have all keys.
[[nodiscard]] Config parse_config(const std::vector<std::string>& words);

// Every key as a JSON object, nested at the dots, ending in a newline. Given back through
// config=FILE it yields the same configuration.
[[nodiscard]] std::string config_json(const Config& config);

// One line per key: its name, what is allowed, the default, what it means, and which models and
// tasks have it if not all do.
[[nodiscard]] std::string config_help();

}  // namespace qkv::examples
