// A configuration file: a JSON object of numbers and words, nested once for those of model and
// decoding. Its keys come out dotted, {"model": {"width": 64}} as "model.width"; what they mean is
// config.cpp's.
#pragma once

#include <string>
#include <vector>

namespace qkv::examples {

struct ConfigEntry {
  std::string key;
  std::string value;  // as text: a word without its quotes, a number as JSON writes it
  bool is_text;       // was it a JSON string?
};

// Throws std::invalid_argument naming the file if it cannot be read, is longer than 1 MiB, is not a
// JSON object, nests deeper, holds arrays, or has a key twice.
[[nodiscard]] std::vector<ConfigEntry> read_config_file(const std::string& path);

}  // namespace qkv::examples
