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

constexpr double kWidth = 860, kHeight = 380, kTop = 60;               // of a panel, in pixels
constexpr double kLeft = 84, kRight = 620, kUpper = 44, kLower = 318;  // its frame

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

std::string axes_svg(const ChartPanel& panel, const Ruler& x, const Ruler& y) {
  std::string svg;
  for (const Tick& tick : y.ticks()) {
    svg += straight("grid", kLeft, y.at(tick.value), kRight, y.at(tick.value));
    svg += chart_text(kLeft - 8, y.at(tick.value) + 4, "end", tick.label);
  }
  for (const Tick& tick : x.ticks()) {
    svg += straight("axis", x.at(tick.value), kLower, x.at(tick.value), kLower + 5);
    svg += chart_text(x.at(tick.value), kLower + 20, "middle", tick.label);
  }
  svg += straight("axis", kLeft, kLower, kRight, kLower);
  svg += straight("axis", kLeft, kUpper, kLeft, kLower);
  svg += chart_text((kLeft + kRight) / 2, kLower + 42, "middle", panel.x.label);
  const double middle = (kUpper + kLower) / 2;
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

std::string legend_svg(const ChartPanel& panel) {
  constexpr size_t kLongest = 28;  // characters that fit
  std::string svg;
  double y = kUpper + 8;
  for (size_t i = 0; i < panel.lines.size(); ++i) {
    const std::string& name = panel.lines[i].name;
    svg += "<g class=\"" + line_class(i) + "\">" +
           line_path(str("M", pixels(kRight + 18), " ", pixels(y), "h34"), i) +
           mark(i, kRight + 35, y, name) + "</g>\n" +
           chart_text(kRight + 60, y + 4.5, "start", shortened(name, kLongest));
    y += 22;
  }
  return svg;
}

std::string panel_svg(const ChartPanel& panel, double top) {
  std::vector<double> xs = panel.x.includes, ys = panel.y.includes;
  for (const ChartLine& line : panel.lines) {
    for (const ChartPoint& p : line.points) {
      xs.push_back(p.x);
      ys.insert(ys.end(), {p.y, p.low, p.high});
    }
  }
  const Ruler x(panel.x.scale, xs, kLeft + 10, kRight - 10), y(panel.y.scale, ys, kLower, kUpper);
  std::string svg = str("<g transform=\"translate(0 ", pixels(top), ")\">\n");
  svg += chart_text(kLeft, 24, "start", panel.title, " class=\"panel\"");
  svg += axes_svg(panel, x, y);
  if (x.empty() || y.empty()) {
    svg += chart_text((kLeft + kRight) / 2, (kUpper + kLower) / 2, "middle", "no numbers to draw");
  }
  for (size_t i = 0; i < panel.lines.size(); ++i) svg += line_svg(panel.lines[i], i, x, y);
  return svg + legend_svg(panel) + "</g>\n";
}

std::string css(const ChartTheme& theme) {
  std::string text = str(".page{fill:", theme.page, "}text{fill:", theme.text,
                         "}.axis{stroke:", theme.axis, "}.grid{stroke:", theme.grid, "}\n");
  for (size_t i = 0; i < theme.lines.size(); ++i) {
    text += str(".l", i, "{stroke:", theme.lines[i], ";fill:", theme.lines[i], "}");
  }
  return text + "\n";
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
  const std::string width = pixels(kWidth);
  const double below_panels = kTop + kHeight * static_cast<double>(panels.size());
  const ChartMaps drawn = chart_maps(maps, kLeft, kWidth - 20, below_panels);
  const std::string height = pixels(drawn.bottom);
  std::string svg =
      "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" + height +
      "\" viewBox=\"0 0 " + width + " " + height +
      "\" role=\"img\" aria-labelledby=\"title description\">\n<title id=\"title\">" +
      xml_escaped(title) + "</title>\n<desc id=\"description\">" + xml_escaped(description) +
      "</desc>\n<style>\n"
      "text{font:13px system-ui,-apple-system,\"Segoe UI\",sans-serif}\n"
      "text.title{font-size:19px;font-weight:600}text.panel{font-weight:600}\n"
      ".line{fill:none;stroke-width:2}.band{stroke:none;fill-opacity:0.16}\n"
      ".l0.cells{stroke:none}text.small{font-size:10px}text.head{font-size:11px}\n" +
      css(light_theme()) + "@media(prefers-color-scheme:dark){\n" + css(dark_theme()) +
      "}\n</style>\n<rect class=\"page\" width=\"100%\" height=\"100%\"/>\n" +
      chart_text(kLeft, 38, "start", title, " class=\"title\"");
  double top = kTop;
  for (const ChartPanel& panel : panels) {
    svg += panel_svg(panel, top);
    top += kHeight;
  }
  return svg + drawn.svg + "</svg>\n";
}

}  // namespace qkv::examples
