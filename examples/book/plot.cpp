#include "examples/book/plot.h"

#include <cstdio>
#include <cstdlib>
#include <limits>

#include "examples/book/figures.h"
#include "examples/book/html.h"
#include "examples/studies/chart.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

// The number that a cell begins with; NaN, which has no place in a chart, if it begins otherwise.
double number_in(const std::string& cell) {
  char* end = nullptr;
  const double value = std::strtod(cell.c_str(), &end);
  return end == cell.c_str() ? std::numeric_limits<double>::quiet_NaN() : value;
}

Scale scale_of(const std::string& name) {
  return name == "log2" ? Scale::log2 : name == "log10" ? Scale::log10 : Scale::linear;
}

// Every byte that means something in an address or in an attribute, as %3C.
std::string percent_encoded(const std::string& text) {
  const std::string plain = " !()*+,-./0123456789:;=_~";
  std::string encoded;
  for (const char c : text) {
    const bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
    char hex[4];
    std::snprintf(hex, sizeof hex, "%%%02X", static_cast<unsigned>(static_cast<unsigned char>(c)));
    encoded += letter || plain.find(c) != std::string::npos ? std::string(1, c) : hex;
  }
  return encoded;
}

}  // namespace

std::string plot_figure(const Block& plot) {
  ChartPanel panel;
  panel.title = plot.text;
  const std::vector<std::string>& headings = plot.rows.at(0);
  panel.x = {headings.at(0), scale_of(plot.x_scale)};
  panel.y.scale = scale_of(plot.y_scale);
  for (size_t j = 1; j < headings.size(); ++j) {
    ChartLine line = {headings[j], {}};
    for (size_t i = 1; i < plot.rows.size(); ++i) {
      const auto& row = plot.rows[i];
      const double x = number_in(row.at(0)), y = number_in(j < row.size() ? row[j] : "");
      line.points.push_back({x, y, y, y});
    }
    panel.lines.push_back(line);
  }
  const std::string label = lib::xml_escaped(plot.text + ": the lines of the table beneath");
  return lib::str("<figure class=\"plot\"><figcaption>", html_sentence(plot.text),
                  "</figcaption>\n<div class=\"wide\" tabindex=\"0\" role=\"group\" aria-label=\"",
                  label, "\"><img alt=\"", label, "\" src=\"data:image/svg+xml,",
                  percent_encoded(small_chart_svg(label, panel)), "\"/></div>\n", rows_table(plot),
                  "</figure>\n");
}

}  // namespace qkv::examples
