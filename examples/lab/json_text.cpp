// The parser tells each event to a guard, which follows the path and may refuse to go on.
#include "examples/lab/json_text.h"

#include <algorithm>
#include <set>
#include <stdexcept>
#include <vector>

#include "examples/lab/progress.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::fail;
using lib::str;
using Event = Json::parse_event_t;

// One open object or array, and where in it the next value stands.
struct Level {
  bool is_array;
  int64_t index = 0;
  std::string key = {};
  std::set<std::string> keys = {};
};

class Guard {
 public:
  Guard(const std::string& where, const JsonRule& rule) : where_(where), rule_(rule) {}

  void follow(Event event, const Json& parsed) {
    switch (event) {
      case Event::object_start:
      case Event::array_start:
        open(event == Event::array_start);
        break;
      case Event::object_end:
      case Event::array_end:
        levels_.pop_back();
        next();
        break;
      case Event::key:
        enter(parsed.get_ref<const std::string&>());
        break;
      case Event::value:
        next();
    }
  }

  // "cases[3].inputs"
  [[nodiscard]] std::string path() const {
    std::string text;
    for (const Level& level : levels_) {
      if (level.is_array) text += str("[", level.index, "]");
      if (!level.is_array && !level.key.empty()) {
        text += (text.empty() ? "" : ".") + escaped(level.key);
      }
    }
    return text;
  }

 private:
  void open(bool is_array) {
    const bool deep = static_cast<int>(levels_.size()) >= rule_.depth;
    if (deep || (is_array && !rule_.arrays)) fail(where_, place(), rule_.sentence);
    levels_.push_back({.is_array = is_array});
  }

  void enter(const std::string& key) {
    Level& object = levels_.back();
    object.key.clear();
    if (!object.keys.insert(key).second) {
      fail(where_, place(), "key '", escaped(key), "' appears twice");
    }
    object.key = key;
  }

  void next() {
    if (!levels_.empty()) levels_.back().index += 1;
  }

  [[nodiscard]] std::string place() const {
    const std::string text = path();
    return text.empty() ? "" : text + ": ";
  }

  const std::string& where_;
  const JsonRule& rule_;
  std::vector<Level> levels_;
};

// "line 3, column 14" of byte number `byte`, all counted from 1; the end is one byte further.
std::string line_and_column(const std::string& text, size_t byte) {
  const std::string before = text.substr(0, byte == 0 ? 0 : byte - 1);
  const size_t line_start = before.rfind('\n') + 1;  // npos + 1 is 0
  return str("line ", std::count(before.begin(), before.end(), '\n') + 1, ", column ",
             before.size() - line_start + 1);
}

}  // namespace

Json parse_json(const std::string& where, const std::string& text, const JsonRule& rule) {
  if (text.find('\0') != std::string::npos) fail(where, "holds a zero byte; JSON is text");
  if (text.starts_with("\xEF\xBB\xBF")) fail(where, "begins with a byte order mark; remove it");
  Guard guard(where, rule);
  try {
    return Json::parse(text, [&](int, Event event, Json& parsed) {
      guard.follow(event, parsed);
      return true;
    });
  } catch (const Json::exception& error) {
    const auto* place = dynamic_cast<const Json::parse_error*>(&error);
    const std::string path = guard.path();
    fail(where, "is not valid JSON", place ? " at " + line_and_column(text, place->byte) : "",
         path.empty() ? "" : ", in " + path);
  }
}

}  // namespace qkv::examples
