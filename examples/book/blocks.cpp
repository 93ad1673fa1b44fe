#include "examples/book/blocks.h"

#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <nlohmann/json.hpp>
#include <sstream>

#include "lib/text.h"

namespace qkv::examples {
namespace {

using Json = nlohmann::json;

// JSON knows no infinity and no nan: chapters write them as words.
double number_of(const Json& json) {
  return json.is_string() ? std::strtod(json.get<std::string>().c_str(), nullptr)
                          : json.get<double>();
}

template <class T>
void read(const Json& json, const char* key, T& value) {
  if (json.contains(key)) value = json.at(key).get<T>();
}

Block read_block(const std::string& line) {
  const Json json = Json::parse(line);
  Block block;
  block.kind = json.at("block").get<std::string>();
  read(json, "text", block.text);
  read(json, "title", block.text);
  read(json, "number", block.number);
  read(json, "name", block.name);
  read(json, "formula", block.formula);
  read(json, "shape", block.shape);
  read(json, "dtype", block.dtype);
  read(json, "queries", block.queries);
  read(json, "keys", block.keys);
  read(json, "rows", block.rows);
  read(json, "x_scale", block.x_scale);
  read(json, "y_scale", block.y_scale);
  if (json.contains("numbers")) {
    for (const Json& number : json.at("numbers")) block.numbers.push_back(number_of(number));
  }
  if (json.contains("value")) block.numbers = {number_of(json.at("value"))};
  size_t count = 1;
  for (const int64_t size : block.shape) count *= static_cast<size_t>(size);
  if (block.kind == "map") count = block.queries.size() * block.keys.size();
  if ((block.kind == "map" || block.kind == "show") && block.numbers.size() != count) {
    throw std::invalid_argument(lib::str(block.numbers.size(), " numbers, not ", count));
  }
  const bool is_table = block.kind == "table" || block.kind == "plot";
  for (const auto& row : block.rows) {
    if (row.empty()) throw std::invalid_argument("a row without cells");
  }
  if (is_table && block.rows.empty()) throw std::invalid_argument("a table without rows");
  return block;
}

}  // namespace

Chapter read_chapter(const std::string& file, const std::vector<std::string>& sources,
                     const std::string& output) {
  Chapter chapter;
  chapter.file = file;
  chapter.sources = sources;
  std::istringstream source(sources.at(0));
  std::string head;
  std::getline(source, head);
  char title[200] = "";
  if (std::sscanf(head.c_str(), "// Chapter %d. %199[^\n]", &chapter.number, title) != 2) {
    lib::fail(file, ": the first line is not // Chapter N. Title: what it is about.");
  }
  chapter.title = title;
  if (const size_t colon = chapter.title.find(": "); colon != std::string::npos) {
    chapter.subtitle = chapter.title.substr(colon + 2);
    chapter.title.resize(colon);
  }
  for (std::string line; std::getline(source, line) && line.starts_with("//");) {
    if (line.size() > 2) chapter.opening += (chapter.opening.empty() ? "" : " ") + line.substr(3);
  }
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    try {
      chapter.blocks.push_back(read_block(line));
    } catch (const std::exception& error) {
      lib::fail(file, ": its program said '", lib::escaped(line.substr(0, 80)),
                "': ", error.what());
    }
  }
  if (chapter.blocks.empty()) lib::fail(file, ": its program said nothing");
  return chapter;
}

std::string number_text(double value, const std::string& dtype) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value < 0 ? "-inf" : "inf";
  if (dtype == "bool") return value != 0 ? "true" : "false";
  char text[64];
  const bool integer = dtype == "int64";
  std::snprintf(text, sizeof text, std::abs(value) < 1e8 || integer ? "%.*f" : "%.*e",
                integer ? 0 : 4, value);
  const std::string shown = text;
  return shown == "-0.0000" ? "0.0000" : shown;
}

}  // namespace qkv::examples
