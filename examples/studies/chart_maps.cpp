// The maps of a chart, from left to right and then in rows.
#include <algorithm>
#include <cmath>
#include <cstdio>

#include "examples/studies/chart.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

constexpr double kCell = 15, kGap = 26;     // pixels
constexpr double kLabels = 44, kHead = 40;  // left of the squares, and above them

double width(const ChartMap& map) {
  return kLabels + kCell * static_cast<double>(map.columns.size());
}
double height(const ChartMap& map) { return kHead + kCell * static_cast<double>(map.rows.size()); }

std::string map_svg(const ChartMap& map, double left, double top) {
  double heaviest = 0;
  for (const double weight : map.weights) {
    if (std::isfinite(weight)) heaviest = std::max(heaviest, weight);
  }
  std::string svg = chart_text(left + kLabels, top + 14, "start", map.title, " class=\"head\""),
              cells;
  for (size_t j = 0; j < map.columns.size(); ++j) {
    const double x = left + kLabels + kCell * (static_cast<double>(j) + 0.5);
    svg += chart_text(x, top + kHead - 5, "middle", map.columns[j], " class=\"small\"");
  }
  for (size_t i = 0; i < map.rows.size(); ++i) {
    const double y = top + kHead + kCell * static_cast<double>(i);
    svg += chart_text(left + kLabels - 6, y + 11, "end", map.rows[i], " class=\"small\"");
    for (size_t j = 0; j < map.columns.size(); ++j) {
      const double weight = map.weights[i * map.columns.size() + j];
      const double share = heaviest > 0 && weight > 0 ? std::min(1.0, weight / heaviest) : 0;
      char place[160];
      std::snprintf(place, sizeof place,
                    "<rect x=\"%.1f\" y=\"%.1f\" width=\"%.1f\" height=\"%.1f\" "
                    "fill-opacity=\"%.3f\"><title>",
                    left + kLabels + kCell * static_cast<double>(j), y, kCell - 1, kCell - 1,
                    share);
      cells += place +
               lib::xml_escaped(lib::str(map.rows[i], " looks at ", map.columns[j], ": ",
                                         short_number(weight, 3))) +
               "</title></rect>\n";
    }
  }
  return svg + "<g class=\"l0 cells\">\n" + cells + "</g>\n";
}

}  // namespace

ChartMaps chart_maps(const std::vector<ChartMap>& maps, double left, double right, double top) {
  ChartMaps drawn = {"", top};
  double x = left, y = top;
  for (const ChartMap& map : maps) {
    if (x > left && x + width(map) > right) {  // a row is full
      x = left;
      y = drawn.bottom;
    }
    drawn.svg += map_svg(map, x, y);
    x += width(map) + kGap;
    drawn.bottom = std::max(drawn.bottom, y + height(map) + kGap);
  }
  return drawn;
}

}  // namespace qkv::examples
