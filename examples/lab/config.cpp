// Parsing, refusal, JSON output and help: loops over one table (config_table.h), so they cannot
// disagree.
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

#include "examples/lab/config_file.h"
#include "examples/lab/config_table.h"
#include "examples/lab/presets.h"
#include "examples/lab/progress.h"
#include "examples/lab/run_folder.h"
#include "examples/lab/suggestion.h"
#include "examples/lab/tasks.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::fail;
using lib::str;

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

// By its name, by the last part of it ("heads" is model.heads), or "model", the kind of model.
const Key& find_key(const std::vector<Key>& keys, const std::string& name) {
  Words known = {"config", "model"};
  const Key* by_last_part = nullptr;
  for (const Key& key : keys) {
    const std::string full = key.name;
    if (full == name || (name == "model" && full == "model.kind")) return key;
    if (full.substr(full.rfind('.') + 1) == name) by_last_part = &key;
    known.push_back(full);
  }
  if (by_last_part != nullptr) return *by_last_part;
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
    assignments.emplace_back(key.name, entry.value);
  }
  return assignments;
}

void check(const Config& c) {
  const ModelConfig& m = c.model;
  check_pair(c.task, m.kind);
  const auto divides = [&](const char* name, int64_t value, const char* of, int64_t number) {
    if (number % value != 0) {
      fail("config: ", of, "=", number, " is refused; ", of, " must be divisible by ", name, "=",
           value);
    }
  };
  if (m.kind != "seq2seq" && m.kind != "ngram") {
    divides("model.heads", m.heads, "model.width", m.width);
    if (m.kv_heads > 0) divides("model.kv_heads", m.kv_heads, "model.heads", m.heads);
  }
  if (c.min_length > c.length) {
    fail("config: min_length=", c.min_length,
         " is refused; min_length must be at most length=", c.length);
  }
  static_cast<void>(make_task(c));  // refuses sizes that do not fit, and too few examples to split
}

// A word for a key that this kind of model does not have would change nothing.
void check_words(const Config& c, const std::vector<Key>& keys,
                 const std::vector<Assignment>& words) {
  for (const Assignment& word : words) {
    const Key& key = find_key(keys, word.first);
    const Words& kinds = key.models;
    if (!kinds.empty() && std::find(kinds.begin(), kinds.end(), c.model.kind) == kinds.end()) {
      fail("config: ", key.name, "=", escaped(word.second.substr(0, 80)),
           " is refused; model=", c.model.kind, " does not use it, only ", join(kinds));
    }
  }
}

std::string last_of(const std::vector<Assignment>& all, const std::string& key) {
  std::string value;
  for (const auto& [name, text] : all) {
    if (name == key) value = text;
  }
  return value;
}

}  // namespace

Config parse_config(const std::vector<std::string>& words) {
  Config config;
  const std::vector<Key> keys = config_table(config);
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
  for (const auto& [name, text] : all) set(find_key(keys, name), text);  // checks all
  config = preset_values(config.preset, last_of(all, "task"), last_of(all, "model.kind"));
  for (const auto& [name, text] : all) set(find_key(keys, name), text);
  if (config.name.empty()) config.name = config.task;
  check_words(config, keys, from_words);
  check(config);
  return config;
}

std::string config_json(const Config& config) {
  Config copy = config;
  nlohmann::ordered_json json;
  for (const Key& key : config_table(copy)) {
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
  for (const Key& key : config_table(defaults)) {
    const std::string range = allowed(key);
    out << "  " << std::setw(21) << key.name << std::setw(33) << range;
    if (range.size() >= 33) out << "\n" << std::string(2 + 21 + 33, ' ');
    out << std::setw(12);
    std::visit([&](const auto* field) { out << *field; }, key.field);
    out << " " << key.help << "\n";
  }
  out << "  " << std::setw(21) << "config" << std::setw(33) << "a file" << std::setw(12) << ""
      << " a JSON object with any of these keys; key=value words override it\n";
  return out.str();
}

}  // namespace qkv::examples
