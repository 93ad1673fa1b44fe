// Charts as SVG: lines over a common x axis, each with a band for its spread.
//
//   title
//   1 |  o--o--o        o attention        A page is one panel below the other. Its colours follow
//     |        \        x none             the reader's light or dark setting; every line also has
//   0 |         x--     ________           dashes and marks of its own, and every mark says its
//      4   8   16       length             numbers when pointed at.
#pragma once

#include "examples/studies/ruler.h"

namespace qkv::examples {

struct ChartPoint {
  double x, y;
  double low, high;  // the ends of the band here
};

struct ChartLine {
  std::string name;
  std::vector<ChartPoint> points;  // in increasing x
};

struct ChartAxis {
  std::string label;
  Scale scale = Scale::linear;
  std::vector<double> includes = {};  // besides the points': {0, 100} of a share in percent
};

struct ChartPanel {
  std::string title;
  ChartAxis x, y;
  std::vector<ChartLine> lines;
};

// Rows by columns of squares, the fuller the heavier; the fullest is the heaviest of this map.
struct ChartMap {
  std::string title;
  std::vector<std::string> rows, columns;  // their labels
  std::vector<double> weights;             // row by row. REQUIRES: rows · columns of them
};

// A whole SVG document: the panels, and below them the maps, as many side by side as fit. Title and
// description are what a screen reader says. Any text may be given: it is escaped. A point without
// a place (NaN; 0 on a logarithmic axis) leaves a gap in its line.
[[nodiscard]] std::string chart_svg(const std::string& title, const std::string& description,
                                    const std::vector<ChartPanel>& panels,
                                    const std::vector<ChartMap>& maps = {});

// One panel alone, narrow enough for a column of text, its legend beneath. Its title is not drawn,
// only said.
[[nodiscard]] std::string small_chart_svg(const std::string& description, const ChartPanel& panel);

// ---- between chart.cpp and chart_maps.cpp -------------------------------------------------------

[[nodiscard]] std::string chart_text(double x, double y, const std::string& anchor,
                                     const std::string& text, const std::string& more = "");

// The maps as SVG elements from y = top down to the height that is returned.
struct ChartMaps {
  std::string svg;
  double bottom;
};
[[nodiscard]] ChartMaps chart_maps(const std::vector<ChartMap>& maps, double left, double right,
                                   double top);

// The colours, as "#rrggbb". Text contrasts with the page by 4.5 to 1 or more, lines by 3 to 1
// (WCAG 2.2, AA).
struct ChartTheme {
  const char* page;
  const char* text;
  const char* axis;
  const char* grid;
  std::vector<const char*> lines;  // a ninth line has the first one's colour, with other dashes
};
[[nodiscard]] const ChartTheme& light_theme();
[[nodiscard]] const ChartTheme& dark_theme();

}  // namespace qkv::examples
