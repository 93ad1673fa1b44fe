// One table holds every key: where it lives, what is allowed, what it means. Parsing, refusal, JSON
// output and help are loops over that table, so they cannot disagree.
//
//   word  "model.width=64"  ------------------------.
//   file  {"model": {"width": 64}}  -> flattened  ---+-> set(key, "64") -> checked -> *key.field
#include "examples/lab/config.h"

#include <algorithm>
#include <charconv>
#include <cstdlib>
#include <iomanip>
#include <nlohmann/json.hpp>
#include <utility>
#include <variant>

#include "examples/lab/config_file.h"
#include "examples/lab/progress.h"
#include "examples/lab/run_folder.h"
#include "examples/lab/suggestion.h"
#include "examples/lab/tasks.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::fail;
using lib::str;
using Words = std::vector<std::string>;

struct Range {
  double low, high;  // both allowed
};

struct Key {
  const char* name;
  std::variant<int64_t*, double*, std::string*> field;
  std::variant<Range, Words> allowed;  // the words a text may be; none listed: the name of a folder
  const char* help;
};

std::vector<Key> table(Config& c) {
  ModelConfig& m = c.model;
  return {
      {"task", &c.task, task_names(), "what to learn"},
      {"preset", &c.preset, Words{"default", "uva"}, "a named set of values, overridden by others"},
      {"name", &c.name, Words{}, "the run folder is runs/NAME; if not given, the task's name"},
      {"seed", &c.seed, Range{0, 4294967295}, "chooses data, initial weights and dropout"},
      {"length", &c.length, Range{1, 1024},
       "symbols in a sequence, digits (add) or pairs (recall), at most"},
      {"min_length", &c.min_length, Range{0, 1024}, "the same, at least; 0: as length"},
      {"symbols", &c.symbols, Range{2, 10000}, "different symbols"},
      {"train_size", &c.train_size, Range{1, 1e9}, "training sequences"},
      {"validation_size", &c.validation_size, Range{1, 1e7}, "sequences to watch the training by"},
      {"test_size", &c.test_size, Range{1, 1e7}, "held-out sequences for the final figures"},
      {"steps", &c.steps, Range{1, 1e8}, "optimiser steps"},
      {"batch", &c.batch, Range{1, 65536}, "sequences in a step"},
      {"optimizer", &c.optimizer, Words{"sgd", "adam", "adamw"}, "the rule that moves the weights"},
      {"learning_rate", &c.learning_rate, Range{0, 10}, "the largest step size of the schedule"},
      {"schedule", &c.schedule, Words{"constant", "linear", "cosine"}, "how the rate falls"},
      {"warmup", &c.warmup, Range{0, 1e8}, "steps in which the rate rises from 0"},
      {"clip", &c.clip, Range{0, 1e6}, "longest gradient (Euclidean norm); 0: any length"},
      {"weight_decay", &c.weight_decay, Range{0, 10}, "pull of the weights towards 0"},
      {"model.width", &m.width, Range{1, 4096}, "numbers in a token's vector (C)"},
      {"model.heads", &m.heads, Range{1, 64}, "attention heads (H); must divide the width"},
      {"model.layers", &m.layers, Range{1, 64}, "encoder layers"},
      {"model.feed_forward", &m.feed_forward, Range{1, 16384}, "hidden width of the feed-forward"},
      {"model.dropout", &m.dropout, Range{0, 0.95}, "probability of dropping a number"},
      {"model.positions", &m.positions, Words{"sinusoidal", "learned"}, "how a place is encoded"},
      {"model.norm", &m.norm, Words{"post", "pre"}, "layer norm after or before each sublayer"},
  };
}

Config preset_values(const std::string& name) {
  Config c;
  c.preset = name;
  if (name == "uva") {  // UvA deep learning tutorial 6: 10,346 parameters, 3,900 steps
    c.length = 16;
    c.symbols = 10;
    c.train_size = 50000;
    c.validation_size = 1000;
    c.test_size = 10000;
    c.steps = 3900;
    c.batch = 128;
    c.optimizer = "adam";
    c.learning_rate = 5e-4;
    c.schedule = "cosine";
    c.warmup = 50;
    c.clip = 5;
    c.weight_decay = 0;
    c.model = {.width = 32, .heads = 1, .layers = 1, .feed_forward = 64, .dropout = 0};
    c.model.positions = "sinusoidal";
    c.model.norm = "post";
  }
  return c;
}

// ---- what is allowed, and refusal --------------------------------------------------------------

std::string join(const Words& words) {
  std::string all;
  for (const std::string& word : words) all += (all.empty() ? "" : ", ") + word;
  return all;
}

bool is_integer(const Key& key) { return std::holds_alternative<int64_t*>(key.field); }
bool is_text(const Key& key) { return std::holds_alternative<std::string*>(key.field); }

std::string allowed(const Key& key) {
  if (const Range* range = std::get_if<Range>(&key.allowed)) {
    if (!is_integer(key)) return str("a number from ", range->low, " to ", range->high);
    return str("an integer from ", static_cast<int64_t>(range->low), " to ",
               static_cast<int64_t>(range->high));
  }
  const Words& words = std::get<Words>(key.allowed);
  return words.empty() ? "the name of a folder" : "one of " + join(words);
}

[[noreturn]] void refuse(const Key& key, const std::string& value) {
  fail("config: ", key.name, "=", escaped(value.substr(0, 80)), " is refused; ", key.name,
       " must be ", allowed(key));
}

const Key& find_key(const std::vector<Key>& keys, const std::string& name) {
  Words known = {"config"};
  for (const Key& key : keys) {
    if (key.name == name) return key;
    known.push_back(key.name);
  }
  fail("config: unknown key '", escaped(name.substr(0, 80)), "'", did_you_mean(name, known));
}

// ---- one value ---------------------------------------------------------------------------------

// strtod alone would also take " 1", "nan", "inf" and "0x10".
bool parse_number(const std::string& text, double& value) {
  if (text.empty() || text.find_first_not_of("0123456789+-.eE") != std::string::npos) return false;
  char* end = nullptr;
  value = std::strtod(text.c_str(), &end);
  return end == text.c_str() + text.size();  // 1e999 is infinite, which no range allows
}

bool parse_number(const std::string& text, int64_t& value) {
  const char* end = text.data() + text.size();
  const auto [stop, error] = std::from_chars(text.data(), end, value);
  return error == std::errc() && stop == end;
}

void set(const Key& key, const std::string& text) {
  if (is_text(key)) {
    const Words& words = std::get<Words>(key.allowed);
    if (words.empty()) {
      check_run_name(text);
    } else if (std::find(words.begin(), words.end(), text) == words.end()) {
      refuse(key, text);
    }
    *std::get<std::string*>(key.field) = text;
    return;
  }
  const auto [low, high] = std::get<Range>(key.allowed);
  const auto set_number = [&, low = low, high = high](auto* field) {
    auto value = *field;
    if (!parse_number(text, value)) refuse(key, text);
    const auto number = static_cast<double>(value);
    if (!(low <= number && number <= high)) refuse(key, text);
    *field = value;
  };
  if (is_integer(key)) {
    set_number(std::get<int64_t*>(key.field));
  } else {
    set_number(std::get<double*>(key.field));
  }
}

// ---- a file ------------------------------------------------------------------------------------

using Assignment = std::pair<std::string, std::string>;  // key, value as text

std::vector<Assignment> read_assignments(const std::vector<Key>& keys, const std::string& path) {
  std::vector<Assignment> assignments;
  for (const ConfigEntry& entry : read_config_file(path)) {
    const Key& key = find_key(keys, entry.key);
    if (entry.is_text != is_text(key))
      refuse(key, entry.is_text ? '"' + entry.value + '"' : entry.value);
    assignments.emplace_back(entry.key, entry.value);
  }
  return assignments;
}

void check(const Config& c) {
  if (c.model.width % c.model.heads != 0) {
    fail("config: model.width=", c.model.width, " is refused; model.width must be divisible by ",
         "model.heads=", c.model.heads);
  }
  static_cast<void>(make_task(c));  // refuses sizes that do not fit, and too few examples to split
}

}  // namespace

Config parse_config(const std::vector<std::string>& words) {
  Config config;
  const std::vector<Key> keys = table(config);
  std::vector<Assignment> from_files, from_words;
  for (const std::string& word : words) {
    const size_t equals = word.find('=');
    if (equals == std::string::npos) {
      fail("config: '", escaped(word.substr(0, 80)), "' is not of the form key=value");
    }
    const std::string name = word.substr(0, equals), text = word.substr(equals + 1);
    if (name == "config") {
      const std::vector<Assignment> file = read_assignments(keys, text);
      from_files.insert(from_files.end(), file.begin(), file.end());
    } else {
      from_words.emplace_back(find_key(keys, name).name, text);
    }
  }
  std::vector<Assignment> all = std::move(from_files);  // in increasing precedence
  all.insert(all.end(), from_words.begin(), from_words.end());
  for (const auto& [name, text] : all) set(find_key(keys, name), text);  // checks all, finds preset
  config = preset_values(config.preset);
  for (const auto& [name, text] : all) set(find_key(keys, name), text);
  if (config.name.empty()) config.name = config.task;
  check(config);
  return config;
}

std::string config_json(const Config& config) {
  Config copy = config;
  nlohmann::ordered_json json;
  for (const Key& key : table(copy)) {
    const nlohmann::ordered_json value =
        std::visit([](const auto* field) { return nlohmann::ordered_json(*field); }, key.field);
    const std::string name = key.name;
    const size_t dot = name.find('.');
    auto& place =
        dot == std::string::npos ? json[name] : json[name.substr(0, dot)][name.substr(dot + 1)];
    place = value;
  }
  return json.dump(2) + "\n";
}

std::string config_help() {
  Config defaults = parse_config({});
  std::ostringstream out;
  out << std::left;
  for (const Key& key : table(defaults)) {
    out << "  " << std::setw(19) << key.name << std::setw(33) << allowed(key) << std::setw(12);
    std::visit([&](const auto* field) { out << *field; }, key.field);
    out << " " << key.help << "\n";
  }
  out << "  " << std::setw(19) << "config" << std::setw(33) << "a file" << std::setw(12) << ""
      << " a JSON object with any of these keys; key=value words override it\n";
  return out.str();
}

}  // namespace qkv::examples
