// Reading JSON from a file that anybody may have written.
#include "examples/lab/config_file.h"

#include <set>
#include <stdexcept>

#include "examples/lab/json_text.h"
#include "examples/lab/progress.h"
#include "lib/file.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::fail;
using lib::str;

std::string file_text(const std::string& path) {
  try {
    return lib::read_file(path, 1 << 20);
  } catch (const std::runtime_error& error) {
    fail("config: ", error.what());
  }
}

Json config_object(const std::string& where, const std::string& text) {
  const JsonRule rule = {
      .depth = 2,
      .arrays = false,
      .sentence = "must hold numbers and words, in objects at most 2 deep, and no arrays"};
  Json json = parse_json(where, text, rule);
  if (!json.is_object()) fail(where, "must hold a JSON object, like {\"steps\": 100}");
  return json;
}

}  // namespace

std::vector<ConfigEntry> read_config_file(const std::string& path) {
  const std::string where = str("config: file '", escaped(path), "': ");
  std::vector<ConfigEntry> entries;
  std::set<std::string> seen;
  const auto add = [&](const std::string& key, const Json& value) {
    if (!seen.insert(key).second) fail(where, "key '", key, "' appears twice");
    const bool is_text = value.is_string();
    entries.push_back({key, is_text ? value.get<std::string>() : value.dump(), is_text});
  };
  const Json json = config_object(where, file_text(path));
  for (const auto& [key, value] : json.items()) {
    if (value.is_object() && (key == "model" || key == "decoding")) {
      for (const auto& [inner, number] : value.items()) add(key + "." + inner, number);
    } else {
      add(key, value);
    }
  }
  return entries;
}

}  // namespace qkv::examples
