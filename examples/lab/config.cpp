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
#include <map>
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

bool is_integer(const Key& key) { return std::holds_alternative<int64_t*>(key.field); }
bool is_text(const Key& key) { return std::holds_alternative<std::string*>(key.field); }
bool is_switch(const Key& key) { return std::holds_alternative<bool*>(key.field); }

std::string allowed(const Key& key) {
  if (const Range* range = std::get_if<Range>(&key.allowed)) {
    if (!is_integer(key)) return str("a number from ", range->low, " to ", range->high);
    return str("an integer from ", static_cast<int64_t>(range->low), " to ",
               static_cast<int64_t>(range->high));
  }
  const Words& words = std::get<Words>(key.allowed);
  return words.empty() ? "the name of a folder" : "one of " + joined(words);
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
  if (const Words* words = std::get_if<Words>(&key.allowed)) {
    if (!words->empty() && !contains(*words, text)) refuse(key, text);
    if (is_switch(key)) {
      *std::get<bool*>(key.field) = text == "true";
      return;
    }
    if (words->empty()) check_run_name(text);
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
  std::map<std::string, std::string> seen;  // the key by its full name: as the file has it
  for (const ConfigEntry& entry : read_config_file(path)) {
    const Key& key = find_key(keys, entry.key);
    if (entry.is_text != is_text(key))
      refuse(key, entry.is_text ? '"' + entry.value + '"' : entry.value);
    const auto [before, is_first] = seen.emplace(key.name, entry.key);
    if (!is_first) {
      fail("config: file '", escaped(path), "': '", before->second, "' and '", entry.key,
           "' are the same key");
    }
    assignments.emplace_back(key.name, entry.value);
  }
  return assignments;
}

// ---- what does not fit together ----------------------------------------------------------------

struct Side {
  const char* key;
  int64_t value;
  const char* rule;  // "at most": how it must stand to the other side
};

// Of two keys that do not fit, the one to blame is the one that was typed.
[[noreturn]] void refuse_pair(const Side& a, const Side& b, const Words& typed) {
  const bool first = contains(typed, a.key) || !contains(typed, b.key);
  const Side &blamed = first ? a : b, &other = first ? b : a;
  fail("config: ", blamed.key, "=", blamed.value, " is refused; ", blamed.key, " must be ",
       blamed.rule, " ", other.key, "=", other.value,
       contains(typed, blamed.key) && !contains(typed, other.key) ? ", which it is if not given"
                                                                  : "");
}

void check_lengths(const Config& c, const Words& typed) {
  if (c.min_length > c.length) {
    refuse_pair({"min_length", c.min_length, "at most"}, {"length", c.length, "at least"}, typed);
  }
  if (c.test_length > 0 && c.test_length < c.length) {
    refuse_pair({"test_length", c.test_length, "0 or at least"}, {"length", c.length, "at most"},
                typed);
  }
}

void check_heads(const ModelConfig& m, const Words& typed) {
  if (m.width % m.heads != 0) {
    refuse_pair({"model.width", m.width, "divisible by"}, {"model.heads", m.heads, "a divisor of"},
                typed);
  }
  if (m.kv_heads > 0 && m.heads % m.kv_heads != 0) {
    refuse_pair({"model.heads", m.heads, "divisible by"},
                {"model.kv_heads", m.kv_heads, "a divisor of"}, typed);
  }
  if (m.sinks > 0 && m.window == 0) {
    fail("config: model.sinks=", m.sinks,
         " is refused; sinks are what stays in sight of a window, ",
         "so it needs model.window too");
  }
  if (m.variation != "none" && m.positions == "alibi") {
    fail("config: model.variation=", m.variation, " is refused; model.positions=alibi lowers the ",
         "scores of plain attention, and goes with no variation");
  }
}

void check(const Config& c, const Words& typed) {
  check_pair(c.task, c.model.kind);
  if (c.model.kind != "seq2seq" && c.model.kind != "ngram") check_heads(c.model, typed);
  if (c.optimizer == "sgd" && contains(typed, "beta2")) {
    fail("config: beta2=", c.beta2, " is refused; optimizer=sgd does not use it, only adam, adamw");
  }
  check_lengths(c, typed);
  static_cast<void>(make_task(c));  // refuses sizes that do not fit, and too few examples to split
}

// A word for a key that this kind of model, or this task, does not have would change nothing.
void check_words(const Config& c, const std::vector<Key>& keys,
                 const std::vector<Assignment>& words) {
  const auto require = [](const Words& those, const char* what, const std::string& it,
                          const Assignment& word) {
    if (those.empty() || contains(those, it)) return;
    fail("config: ", word.first, "=", escaped(word.second.substr(0, 80)), " is refused; ", what,
         "=", it, " does not use it, only ", joined(those));
  };
  for (const Assignment& word : words) {
    const Key& key = find_key(keys, word.first);
    require(key.models, "model", c.model.kind, word);
    require(key.tasks, "task", c.task, word);
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
  Words typed;
  for (const Assignment& word : from_words) typed.push_back(word.first);
  if (config.name.empty()) config.name = config.task;
  check_words(config, keys, from_words);
  check(config, typed);
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

namespace {

// " (seq2seq)": the models and the tasks that have a key, where not all of those have it that are
// trained by steps.
std::string owners(const Key& key) {
  const bool trained = key.models.size() + 1 == model_kinds().size();  // all but ngram
  const std::string models = trained ? "" : joined(key.models), tasks = joined(key.tasks);
  if (models.empty() && tasks.empty()) return "";
  return " (" + models + (models.empty() || tasks.empty() ? "" : "; ") + tasks + ")";
}

}  // namespace

std::string config_help() {
  Config defaults = parse_config({});
  std::ostringstream out;
  out << std::left;
  for (const Key& key : config_table(defaults)) {
    const std::string range = allowed(key);
    out << "  " << std::setw(21) << key.name << std::setw(33) << range;
    if (range.size() >= 33) out << "\n" << std::string(2 + 21 + 33, ' ');
    out << std::setw(12);
    std::visit([&](const auto* field) { out << std::boolalpha << *field; }, key.field);
    out << " " << key.help << owners(key) << "\n";
  }
  out << "  " << std::setw(21) << "config" << std::setw(33) << "a file" << std::setw(12) << ""
      << " a JSON object with any of these keys; key=value words override it\n";
  return out.str();
}

}  // namespace qkv::examples
