// Reading JSON from a file that anybody may have written.
#include "examples/lab/config_file.h"

#include <nlohmann/json.hpp>
#include <set>
#include <stdexcept>

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

// The library keeps the last of two equal keys, and overflows the stack on deep nesting when it
// copies; so both are refused while the text is being read. A zero byte it takes for the end.
nlohmann::ordered_json parse_json(const std::string& where, const std::string& text) {
  using Json = nlohmann::ordered_json;
  if (text.find('\0') != std::string::npos) fail(where, "holds a zero byte; JSON is text");
  if (text.starts_with("\xEF\xBB\xBF")) fail(where, "begins with a byte order mark; remove it");
  std::vector<std::set<std::string>> open_objects;
  const auto guard = [&](int depth, Json::parse_event_t event, Json& parsed) {
    using Event = Json::parse_event_t;
    if (event == Event::array_start || (event == Event::object_start && depth > 1)) {
      fail(where, "must hold numbers and words, in objects at most 2 deep, and no arrays");
    }
    if (event == Event::object_start) open_objects.emplace_back();
    if (event == Event::object_end) open_objects.pop_back();
    if (event == Event::key && !open_objects.back().insert(parsed.get<std::string>()).second) {
      fail(where, "key '", escaped(parsed.get<std::string>()), "' appears twice");
    }
    return true;
  };
  try {
    Json json = Json::parse(text, guard);
    if (!json.is_object()) fail(where, "must hold a JSON object, like {\"steps\": 100}");
    return json;
  } catch (const Json::exception& error) {
    const auto* place = dynamic_cast<const Json::parse_error*>(&error);
    fail(where, "is not valid JSON", place ? str(" at byte ", place->byte) : "");
  }
}

}  // namespace

std::vector<ConfigEntry> read_config_file(const std::string& path) {
  const std::string where = str("config: file '", escaped(path), "': ");
  std::vector<ConfigEntry> entries;
  std::set<std::string> seen;
  const auto add = [&](const std::string& key, const nlohmann::ordered_json& value) {
    if (!seen.insert(key).second) fail(where, "key '", key, "' appears twice");
    const bool is_text = value.is_string();
    entries.push_back({key, is_text ? value.get<std::string>() : value.dump(), is_text});
  };
  const nlohmann::ordered_json json = parse_json(where, file_text(path));
  for (const auto& [key, value] : json.items()) {
    if (value.is_object() && key == "model") {
      for (const auto& [inner, number] : value.items()) add(key + "." + inner, number);
    } else {
      add(key, value);
    }
  }
  return entries;
}

}  // namespace qkv::examples
