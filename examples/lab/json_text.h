// JSON from a file that anybody may have written: parsed with more care than the library takes. It
// keeps the last of two equal keys, takes a zero byte for the end of the text, and nests until the
// stack is full; here each of these is refused, and the place is named as a path:
//
//   cases[3].inputs.query
#pragma once

#include <nlohmann/json.hpp>
#include <string>

namespace qkv::examples {

using Json = nlohmann::ordered_json;  // objects keep the order of the text

struct JsonRule {
  int depth = 8;       // objects and arrays inside one another, at most
  bool arrays = true;  // are there any?
  std::string
      sentence;  // what to say to a text that is nested deeper, or has arrays if it must not
};

// Throws std::invalid_argument whose message begins with `where`, then says the place and the rule.
[[nodiscard]] Json parse_json(const std::string& where, const std::string& text,
                              const JsonRule& rule);

}  // namespace qkv::examples
