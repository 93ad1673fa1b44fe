// Printing and asserting for the chapters.
//
// Everything that a chapter says is a block: shown at once as text, or given on as JSON.
#include "examples/chapter.h"

#include <cmath>
#include <cstdio>
#include <iostream>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "examples/lab/attention_map.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using Json = nlohmann::ordered_json;

bool as_blocks = false;

void put(const Json& block, const std::string& text) {
  if (as_blocks) {
    std::cout << block.dump(-1, ' ', false, Json::error_handler_t::replace) << "\n";
  } else {
    std::cout << text << "\n";
  }
}

// Words filled into lines of up to 96 columns.
std::string filled(const std::string& text) {
  constexpr size_t kColumns = 96;
  std::istringstream words(text);
  std::string lines, line;
  for (std::string word; words >> word;) {
    if (!line.empty() && lib::columns_of(line) + 1 + lib::columns_of(word) > kColumns) {
      lines += line + "\n";
      line.clear();
    }
    line += (line.empty() ? "" : " ") + word;
  }
  return lines + line + "\n";
}

// JSON knows no infinity and no nan: they are words.
Json json_number(double number) {
  if (std::isfinite(number)) return number;
  return std::isnan(number) ? "nan" : number < 0 ? "-inf" : "inf";
}

Json numbers_of(const tensor::Tensor& value) {
  Json numbers = Json::array();
  for (const double number : value.to_vector()) numbers.push_back(json_number(number));
  return numbers;
}

Json shape_of(const tensor::Tensor& value) {
  Json sizes = Json::array();
  for (int axis = 0; axis < value.rank(); ++axis) sizes.push_back(value.shape()[axis]);
  return sizes;
}

}  // namespace

void section(int number, const std::string& title) {
  const std::string heading = lib::str(number, ". ", title);
  put({{"block", "section"}, {"number", number}, {"title", title}},
      "\n" + heading + "\n" + std::string(lib::columns_of(heading), '-') + "\n");
}

void say(const std::string& text) { put({{"block", "say"}, {"text", text}}, filled(text)); }

void formula(const std::string& text) {
  put({{"block", "formula"}, {"text", text}}, "    " + text + "\n");
}

void draw(const std::string& picture) {
  put({{"block", "draw"}, {"text", picture}}, picture + (picture.ends_with('\n') ? "" : "\n"));
}

void show(const std::string& name, const std::string& formula, const tensor::Tensor& value) {
  std::ostringstream text;
  text << name << " = " << formula << "   " << value.shape() << "\n" << value << "\n";
  put({{"block", "show"},
       {"name", name},
       {"formula", formula},
       {"shape", shape_of(value)},
       {"dtype", dtype_name(value.dtype())},
       {"numbers", numbers_of(value)}},
      text.str());
}

void show(const std::string& name, const std::string& formula, double value) {
  put({{"block", "number"}, {"name", name}, {"formula", formula}, {"value", json_number(value)}},
      name + " = " + formula + " = " + fixed(value) + "\n");
}

void map(const std::string& title, const tensor::Tensor& weights,
         const std::vector<std::string>& queries, const std::vector<std::string>& keys) {
  put({{"block", "map"},
       {"title", title},
       {"queries", queries},
       {"keys", keys},
       {"numbers", numbers_of(weights)}},
      title + "\n" + draw_attention_map(weights, queries, keys, Colors::none));
}

namespace {

// The columns aligned, two spaces apart.
std::string aligned(const std::vector<std::vector<std::string>>& rows) {
  std::vector<size_t> widths;
  for (const auto& row : rows) {
    widths.resize(std::max(widths.size(), row.size()));
    for (size_t i = 0; i < row.size(); ++i) {
      widths[i] = std::max(widths[i], lib::columns_of(row[i]));
    }
  }
  std::string text;
  for (const auto& row : rows) {
    std::string line;
    for (size_t i = 0; i < row.size(); ++i) line += "  " + lib::left(row[i], widths[i]);
    text += line.substr(0, line.find_last_not_of(' ') + 1) + "\n";
  }
  return text;
}

}  // namespace

void table(const std::vector<std::vector<std::string>>& rows) {
  put({{"block", "table"}, {"rows", rows}}, aligned(rows));
}

void plot(const Plot& how, const std::vector<std::vector<std::string>>& rows,
          const std::string& picture) {
  put({{"block", "plot"},
       {"title", how.title},
       {"x_scale", how.x_scale},
       {"y_scale", how.y_scale},
       {"rows", rows}},
      picture.empty() ? aligned(rows) : picture);
}

std::string fixed(double value, int decimals) {
  char text[64];
  std::snprintf(text, sizeof text, "%.*f", decimals, value);
  return text;
}

std::string scientific(double value) {
  char text[64];
  std::snprintf(text, sizeof text, "%.1e", value);
  return text;
}

void try_this(const std::string& text) {
  put({{"block", "try"}, {"text", text}}, filled("Try this: " + text));
}

void expect(const std::string& name, const tensor::Tensor& value,
            const std::vector<double>& expected) {
  const std::vector<double> found = value.to_vector();
  if (found.size() != expected.size()) {
    throw std::runtime_error(
        lib::str(name, ": ", found.size(), " numbers, expected ", expected.size()));
  }
  for (size_t i = 0; i < found.size(); ++i) {
    expect(lib::str(name, ", number ", i), found[i], expected[i]);
  }
}

void expect(const std::string& name, double value, double expected) {
  if (!(std::abs(value - expected) <= 0.5001e-4)) {
    throw std::runtime_error(lib::str(name, " is ", value, ", the text says ", expected));
  }
}

void expect(const std::string& claim, bool holds) {
  if (!holds) throw std::runtime_error(lib::str("it is not true that ", claim));
}

int run_chapter(int argc, char** argv, void (*chapter)()) {
  as_blocks = argc > 1 && std::string(argv[1]) == "--blocks";
  try {
    chapter();
    return 0;
  } catch (const std::exception& error) {
    std::cerr << "chapter: " << error.what() << "\n";
    return 1;
  }
}

}  // namespace qkv::examples
