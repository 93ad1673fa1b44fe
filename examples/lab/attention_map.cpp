// From numbers to shades: each weight becomes a level between 0 and 1, each level a cell.
#include "examples/lab/attention_map.h"

#include <algorithm>
#include <array>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <string_view>

#include "examples/lab/progress.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

constexpr std::string_view kShades = " .:-=+*#%@";
constexpr size_t kLongestLabel = 8;

using Labels = std::vector<std::string>;

// The lowest and the highest finite weight.
struct Span {
  double lowest = 0, highest = 0;
};

Span span_of(const std::vector<double>& weights) {
  Span span;
  bool first = true;
  for (const double w : weights) {
    if (!std::isfinite(w)) continue;
    span.lowest = first ? w : std::min(span.lowest, w);
    span.highest = first ? w : std::max(span.highest, w);
    first = false;
  }
  return span;
}

std::string four_decimals(double value) {
  char text[400];  // the largest double has 309 digits before the point
  std::snprintf(text, sizeof text, "%.4f", value);
  return text;
}

std::string right_aligned(const std::string& text, size_t width) {
  return std::string(width - std::min(width, text.size()), ' ') + text;
}

Labels safe_labels(const Labels& labels) {
  Labels safe;
  for (const std::string& label : labels) safe.push_back(escaped(label).substr(0, kLongestLabel));
  return safe;
}

size_t longest(const Labels& labels) {
  size_t size = 0;
  for (const std::string& label : labels) size = std::max(size, label.size());
  return size;
}

// Viridis at five points, straight lines between them: equal steps look equally large, also in grey
// and to colour-blind eyes (Smith and van der Walt, matplotlib 2015).
std::array<int, 3> viridis(double level) {
  constexpr double kPoints[5][3] = {
      {68, 1, 84}, {59, 82, 139}, {33, 145, 140}, {94, 201, 98}, {253, 231, 37}};
  const double place = level * 4;
  const int point = std::min(static_cast<int>(place), 3);
  std::array<int, 3> color = {};
  for (size_t k = 0; k < 3; ++k) {
    const double from = kPoints[point][k], to = kPoints[point + 1][k];
    color[k] = static_cast<int>(std::lround(from + (to - from) * (place - point)));
  }
  return color;
}

// `width` characters. REQUIRES: 0 <= level <= 1, or NaN, which gives '?'.
std::string cell(double level, size_t width, Colors colors) {
  if (std::isnan(level)) return std::string(width, '?');
  if (colors == Colors::none) {
    return std::string(width, kShades[static_cast<size_t>(std::lround(level * 9))]);
  }
  const std::string blank = std::string(width, ' ') + "\x1b[0m";
  if (colors == Colors::palette) {  // 232 is almost black, 255 almost white
    return lib::str("\x1b[48;5;", 232 + std::lround(level * 23), "m", blank);
  }
  const auto [red, green, blue] = viridis(level);
  return lib::str("\x1b[48;2;", red, ";", green, ";", blue, "m", blank);
}

void check_arguments(const tensor::Tensor& weights, const Labels& queries, const Labels& keys) {
  if (!weights.defined() || weights.rank() != 2 || weights.numel() == 0 ||
      !tensor::is_floating(weights.dtype())) {
    lib::fail("draw_attention_map: need a floating (Tq, Tk) matrix with at least one element, got ",
              weights.defined() ? weights.shape().str() : "no tensor");
  }
  if (static_cast<int64_t>(queries.size()) != weights.shape()[0] ||
      static_cast<int64_t>(keys.size()) != weights.shape()[1]) {
    lib::fail("draw_attention_map: weights are ", weights.shape(), ", but there are ",
              queries.size(), " query labels and ", keys.size(), " key labels");
  }
}

}  // namespace

Colors choose_colors(bool terminal, const char* no_color, const char* term, const char* colorterm) {
  const auto text = [](const char* value) { return std::string_view(value ? value : ""); };
  if (!terminal || !text(no_color).empty()) return Colors::none;
  if (text(term).empty() || text(term) == "dumb") return Colors::none;
  const bool truecolor = text(colorterm) == "truecolor" || text(colorterm) == "24bit";
  return truecolor ? Colors::truecolor : Colors::palette;
}

Colors supported_colors(int fd) {
  return choose_colors(is_terminal(fd), std::getenv("NO_COLOR"), std::getenv("TERM"),
                       std::getenv("COLORTERM"));
}

std::string draw_attention_map(const tensor::Tensor& weights, const Labels& queries,
                               const Labels& keys, Colors colors) {
  check_arguments(weights, queries, keys);
  const std::vector<double> values = weights.to_vector();
  const auto [lowest, highest] = span_of(values);
  const double bottom = std::min(lowest, 0.0), height = highest - bottom;

  const Labels rows = safe_labels(queries), columns = safe_labels(keys);
  const size_t width = std::max<size_t>(2, longest(columns));
  const size_t margin = std::max<size_t>(4, longest(rows));

  std::string text = right_aligned("keys", margin);
  for (const std::string& label : columns) text += " " + right_aligned(label, width);
  text += "   sum\n";
  for (size_t q = 0; q < rows.size(); ++q) {
    text += right_aligned(rows[q], margin);
    double sum = 0;
    for (size_t k = 0; k < columns.size(); ++k) {
      const double w = values[q * columns.size() + k];
      const double level = height > 0 ? std::clamp((w - bottom) / height, 0.0, 1.0) : 0;
      text += " " + cell(std::isfinite(w) ? level : std::nan(""), width, colors);
      sum += w;
    }
    text += "   " + four_decimals(sum) + "\n";
  }
  text += "rows are queries, columns are keys; weights from " + four_decimals(lowest) + " to " +
          four_decimals(highest) + "; scale " + four_decimals(bottom) + " ";
  for (int level = 0; level <= 9; ++level) text += cell(level / 9.0, 1, colors);
  return text + " " + four_decimals(bottom + height) + "\n";
}

}  // namespace qkv::examples
