// From the page down to a mark: page -> panel -> axes, lines, legend.
#include "examples/studies/chart.h"

#include <array>
#include <cmath>
#include <cstdio>

#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::str;
using lib::xml_escaped;

// Where the parts of a panel stand, in pixels.
struct Layout {
  double width, height;              // of the panel
  double left, right, upper, lower;  // its frame
  double legend_x, legend_y;         // the first name of the legend
};
constexpr Layout kPanel = {860, 380, 84, 620, 44, 318, 638, 52};  // its legend beside it
constexpr Layout kSmall = {480, 270, 64, 470, 12, 210, 64, 276};  // its legend beneath
constexpr double kTop = 60, kLegendStep = 22;

std::string pixels(double x) {
  char text[32];
  std::snprintf(text, sizeof text, "%.1f", x);
  return text;
}

std::string straight(const char* kind, double x1, double y1, double x2, double y2) {
  return str("<path class=\"", kind, "\" d=\"M", pixels(x1), " ", pixels(y1), "L", pixels(x2), " ",
             pixels(y2), "\"/>\n");
}

// ---- lines --------------------------------------------------------------------------------------

// The shape of a mark around (0, 0), and the dashes of a line: one of each goes with a number.
constexpr std::array<const char*, 5> kMarks = {"M4 0A4 4 0 1 1 -4 0A4 4 0 1 1 4 0z",
                                               "M-3.6 -3.6H3.6V3.6H-3.6z", "M0 -5L5 0L0 5L-5 0z",
                                               "M0 -4.8L4.6 3.6H-4.6z", "M0 4.8L4.6 -3.6H-4.6z"};
constexpr std::array<const char*, 4> kDashes = {"none", "7 3", "2 3", "9 3 2 3"};

std::string mark(size_t number, double x, double y, const std::string& title) {
  return "<path d=\"" + std::string(kMarks[number % kMarks.size()]) + "\" transform=\"translate(" +
         pixels(x) + " " + pixels(y) + ")\"><title>" + xml_escaped(title) + "</title></path>\n";
}

std::string line_path(const std::string& d, size_t number) {
  return str("<path class=\"line\" d=\"", d, "\" stroke-dasharray=\"",
             kDashes[number % kDashes.size()], "\"/>\n");
}

std::string line_class(size_t number) { return str("l", number % light_theme().lines.size()); }

// The stretches of a line without a gap.
std::vector<std::vector<ChartPoint>> stretches(const ChartLine& line, const Ruler& x,
                                               const Ruler& y) {
  std::vector<std::vector<ChartPoint>> all(1);
  for (const ChartPoint& point : line.points) {
    if (x.has_place(point.x) && y.has_place(point.y)) {
      all.back().push_back(point);
    } else if (!all.back().empty()) {
      all.emplace_back();
    }
  }
  if (all.back().empty()) all.pop_back();
  return all;
}

// Where an end of the band has no place, the line itself takes it.
std::string band_path(const std::vector<ChartPoint>& points, const Ruler& x, const Ruler& y) {
  std::string there, back;
  for (const ChartPoint& p : points) {
    const double high = y.has_place(p.high) ? p.high : p.y;
    const double low = y.has_place(p.low) ? p.low : p.y;
    there += (there.empty() ? "M" : "L") + pixels(x.at(p.x)) + " " + pixels(y.at(high));
    back = "L" + pixels(x.at(p.x)) + " " + pixels(y.at(low)) + back;
  }
  return "<path class=\"band\" d=\"" + there + back + "z\"/>\n";
}

std::string line_svg(const ChartLine& line, size_t number, const Ruler& x, const Ruler& y) {
  std::string svg = "<g class=\"" + line_class(number) + "\">\n", marks;
  for (const std::vector<ChartPoint>& points : stretches(line, x, y)) {
    std::string d;
    for (const ChartPoint& p : points) {
      d += (d.empty() ? "M" : "L") + pixels(x.at(p.x)) + " " + pixels(y.at(p.y));
      marks += mark(number, x.at(p.x), y.at(p.y),
                    str(line.name, ", ", short_number(p.x), ": ", short_number(p.y), " (",
                        short_number(p.low), " to ", short_number(p.high), ")"));
    }
    svg += band_path(points, x, y) + line_path(d, number);
  }
  return svg + marks + "</g>\n";
}

// ---- a panel ------------------------------------------------------------------------------------

std::string axes_svg(const ChartPanel& panel, const Layout& at, const Ruler& x, const Ruler& y) {
  std::string svg;
  for (const Tick& tick : y.ticks()) {
    svg += straight("grid", at.left, y.at(tick.value), at.right, y.at(tick.value));
    svg += chart_text(at.left - 8, y.at(tick.value) + 4, "end", tick.label);
  }
  for (const Tick& tick : x.ticks()) {
    svg += straight("axis", x.at(tick.value), at.lower, x.at(tick.value), at.lower + 5);
    svg += chart_text(x.at(tick.value), at.lower + 20, "middle", tick.label);
  }
  svg += straight("axis", at.left, at.lower, at.right, at.lower);
  svg += straight("axis", at.left, at.upper, at.left, at.lower);
  svg += chart_text((at.left + at.right) / 2, at.lower + 42, "middle", panel.x.label);
  const double middle = (at.upper + at.lower) / 2;
  return svg + chart_text(20, middle, "middle", panel.y.label,
                          str(" transform=\"rotate(-90 20 ", pixels(middle), ")\""));
}

// At most so many characters of it, the last one "…" if there are more.
std::string shortened(std::string text, size_t most) {
  if (!lib::is_xml_utf8(text)) text = lib::escaped(text);
  if (lib::columns_of(text) <= most) return text;
  while (lib::columns_of(text) >= most) text.pop_back();
  return text + "…";
}

std::string legend_svg(const ChartPanel& panel, const Layout& at) {
  constexpr size_t kLongest = 28;  // characters that fit
  std::string svg;
  double y = at.legend_y;
  for (size_t i = 0; i < panel.lines.size(); ++i) {
    const std::string& name = panel.lines[i].name;
    svg += "<g class=\"" + line_class(i) + "\">" +
           line_path(str("M", pixels(at.legend_x), " ", pixels(y), "h34"), i) +
           mark(i, at.legend_x + 17, y, name) + "</g>\n" +
           chart_text(at.legend_x + 42, y + 4.5, "start", shortened(name, kLongest));
    y += kLegendStep;
  }
  return svg;
}

std::string panel_svg(const ChartPanel& panel, const Layout& at, double top) {
  std::vector<double> xs = panel.x.includes, ys = panel.y.includes;
  for (const ChartLine& line : panel.lines) {
    for (const ChartPoint& p : line.points) {
      xs.push_back(p.x);
      ys.insert(ys.end(), {p.y, p.low, p.high});
    }
  }
  const Ruler x(panel.x.scale, xs, at.left + 10, at.right - 10),
      y(panel.y.scale, ys, at.lower, at.upper);
  std::string svg = str("<g transform=\"translate(0 ", pixels(top), ")\">\n");
  svg += chart_text(at.left, 24, "start", panel.title, " class=\"panel\"");
  svg += axes_svg(panel, at, x, y);
  if (x.empty() || y.empty()) {
    svg += chart_text((at.left + at.right) / 2, (at.upper + at.lower) / 2, "middle",
                      "no numbers to draw");
  }
  for (size_t i = 0; i < panel.lines.size(); ++i) svg += line_svg(panel.lines[i], i, x, y);
  return svg + legend_svg(panel, at) + "</g>\n";
}

std::string css(const ChartTheme& theme) {
  std::string text = str(".page{fill:", theme.page, "}text{fill:", theme.text,
                         "}.axis{stroke:", theme.axis, "}.grid{stroke:", theme.grid, "}\n");
  for (size_t i = 0; i < theme.lines.size(); ++i) {
    text += str(".l", i, "{stroke:", theme.lines[i], ";fill:", theme.lines[i], "}");
  }
  return text + "\n";
}

// What comes before the first panel.
std::string opening(double width, double height, const std::string& title,
                    const std::string& description) {
  const std::string w = pixels(width), h = pixels(height);
  return "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + w + "\" height=\"" + h +
         "\" viewBox=\"0 0 " + w + " " + h +
         "\" role=\"img\" aria-labelledby=\"title description\">\n<title id=\"title\">" +
         xml_escaped(title) + "</title>\n<desc id=\"description\">" + xml_escaped(description) +
         "</desc>\n<style>\n"
         "text{font:13px system-ui,-apple-system,\"Segoe UI\",sans-serif}\n"
         "text.title{font-size:19px;font-weight:600}text.panel{font-weight:600}\n"
         ".line{fill:none;stroke-width:2}.band{stroke:none;fill-opacity:0.16}\n"
         ".l0.cells{stroke:none}text.small{font-size:10px}text.head{font-size:11px}\n" +
         css(light_theme()) + "@media(prefers-color-scheme:dark){\n" + css(dark_theme()) +
         "}\n</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n";
}

}  // namespace

std::string chart_text(double x, double y, const std::string& anchor, const std::string& text,
                       const std::string& more) {
  return "<text x=\"" + pixels(x) + "\" y=\"" + pixels(y) + "\" text-anchor=\"" + anchor + "\"" +
         more + ">" + xml_escaped(text) + "</text>\n";
}

const ChartTheme& light_theme() {
  static const ChartTheme theme = {
      "#ffffff",
      "#1b2530",
      "#5b6b7b",
      "#dde3e9",
      {"#1f5fbf", "#b3400f", "#1b7a3d", "#8a3fb0", "#7a5a00", "#b0256a", "#0b6f75", "#4a4f55"}};
  return theme;
}

const ChartTheme& dark_theme() {
  static const ChartTheme theme = {
      "#12171d",
      "#e6ebf0",
      "#93a1af",
      "#2c3641",
      {"#7db3ff", "#ff9a6b", "#6fd08c", "#d3a4f0", "#e0c060", "#ff8fbf", "#5fd0d4", "#c8cdd3"}};
  return theme;
}

std::string chart_svg(const std::string& title, const std::string& description,
                      const std::vector<ChartPanel>& panels, const std::vector<ChartMap>& maps) {
  double top = kTop + kPanel.height * static_cast<double>(panels.size());
  const ChartMaps drawn = chart_maps(maps, kPanel.left, kPanel.width - 20, top);
  std::string svg = opening(kPanel.width, drawn.bottom, title, description) +
                    chart_text(kPanel.left, 38, "start", title, " class=\"title\"");
  top = kTop;
  for (const ChartPanel& panel : panels) {
    svg += panel_svg(panel, kPanel, top);
    top += kPanel.height;
  }
  return svg + drawn.svg + "</svg>\n";
}

std::string small_chart_svg(const std::string& description, const ChartPanel& panel) {
  const double legend = kLegendStep * static_cast<double>(panel.lines.size());
  return opening(kSmall.width, kSmall.height + legend, panel.title, description) +
         panel_svg({"", panel.x, panel.y, panel.lines}, kSmall, 0) + "</svg>\n";
}

}  // namespace qkv::examples
