// Charts: rulers whose ends are round, documents that are well formed whatever the text and the
// numbers are, colours that can be told from the page.
#include "examples/studies/chart.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <limits>

#include "tests/xml.h"

using namespace qkv::examples;
using qkv::tests::count;
using qkv::tests::xml_fault;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

std::vector<std::string> labels(Scale scale, const std::vector<double>& values) {
  std::vector<std::string> all;
  const Ruler ruler(scale, values, 0, 100);
  for (const Tick& tick : ruler.ticks()) all.push_back(tick.label);
  return all;
}
using Labels = std::vector<std::string>;

std::string chart_of(const std::vector<ChartPoint>& points, Scale y = Scale::linear) {
  return chart_svg("title", "description",
                   {{"panel", {"x", Scale::linear}, {"y", y}, {{"line", points}}}});
}

// Relative luminance and contrast of colours "#rrggbb", by WCAG 2.2.
double luminance(const std::string& color) {
  double sum = 0;
  const double weights[] = {0.2126, 0.7152, 0.0722};
  for (size_t i = 0; i < 3; ++i) {
    const double c = std::stoi(color.substr(1 + 2 * i, 2), nullptr, 16) / 255.0;
    sum += weights[i] * (c <= 0.04045 ? c / 12.92 : std::pow((c + 0.055) / 1.055, 2.4));
  }
  return sum;
}
double contrast(const std::string& a, const std::string& b) {
  const double first = luminance(a) + 0.05, second = luminance(b) + 0.05;
  return std::max(first / second, second / first);
}

}  // namespace

TEST_CASE("ruler: ticks are round numbers, and the ends are ticks") {
  CHECK(labels(Scale::linear, {0, 100}) == Labels{"0", "20", "40", "60", "80", "100"});
  CHECK(labels(Scale::linear, {3.7, -0.2}) ==
        Labels{"-0.5", "0", "0.5", "1", "1.5", "2", "2.5", "3", "3.5", "4"});
  CHECK(labels(Scale::log2, {4, 40}) == Labels{"4", "8", "16", "32", "64"});
  CHECK(labels(Scale::log10, {0.02, 3}) == Labels{"0.01", "0.1", "1", "10"});
  CHECK(labels(Scale::log10, {1e-17, 0.5}) ==
        Labels{"1e-18", "1e-16", "1e-14", "1e-12", "1e-10", "1e-8", "1e-6", "0.0001", "0.01", "1"});
  const Ruler ruler(Scale::log10, {1, 100}, 200, 0);  // upwards on a page
  CHECK(std::abs(ruler.at(10) - 100) <= 1e-9);
  CHECK(std::abs(ruler.at(100) - 0) <= 1e-9);
}

TEST_CASE("ruler: any numbers give 2 to 11 growing ticks around them") {
  for (const Scale scale : {Scale::linear, Scale::log2, Scale::log10}) {
    for (const std::vector<double>& values : std::vector<std::vector<double>>{{},
                                                                              {5},
                                                                              {0},
                                                                              {-3},
                                                                              {1e-300},
                                                                              {1e300, 1},
                                                                              {-1e300, 1e300},
                                                                              {7, 7 + 1e-14},
                                                                              {1, 1.001},
                                                                              {kNan, 2, kInf},
                                                                              {-kInf, kNan},
                                                                              {1e-12, -1e-12},
                                                                              {1023, 1024, 1}}) {
      CAPTURE(values.size());
      const Ruler ruler(scale, values, 0, 100);
      CHECK(ruler.ticks().size() >= 2);
      CHECK(ruler.ticks().size() <= 11);
      double before = -kInf;
      for (const Tick& tick : ruler.ticks()) {
        CHECK(tick.value > before);
        before = tick.value;
      }
      for (const double value : values) {
        if (!ruler.has_place(value)) continue;
        CHECK(!ruler.empty());
        CHECK(ruler.at(value) >= -1e-6);
        CHECK(ruler.at(value) <= 100 + 1e-6);
      }
    }
  }
  CHECK(Ruler(Scale::log2, {0, -1, kNan}, 0, 1).empty());
}

TEST_CASE("numbers for people are short") {
  CHECK(short_number(1e-7) == "1e-7");
  CHECK(short_number(1.5e10) == "1.5e10");
  CHECK(short_number(-2.25e-100) == "-2.25e-100");
  CHECK(short_number(99.98765) == "99.99");
  CHECK(short_number(-0.0) == "0");
  CHECK(short_number(1029.7, 3) == "1030");
  CHECK(short_number(-123456.7) == "-123457");
  CHECK(short_number(kNan) == "none");
}

TEST_CASE("a chart is one well-formed document with a title, a description, axes and a legend") {
  const ChartPanel panel = {
      "panel",
      {"length", Scale::log2},
      {"accuracy", Scale::linear},
      {{"one", {{4, 100, 99, 100}, {8, 50, 20, 80}}}, {"two", {{4, 10, 9, 11}, {8, 5, 2, 8}}}}};
  const std::string svg = chart_svg("The title", "What it says", {panel, panel});
  CHECK(xml_fault(svg) == "");
  CHECK(svg.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""));
  CHECK(count(svg, "<title id=\"title\">The title</title>") == 1);
  CHECK(count(svg, "<desc id=\"description\">What it says</desc>") == 1);
  CHECK(count(svg, "aria-labelledby=\"title description\"") == 1);
  CHECK(count(svg, "prefers-color-scheme:dark") == 1);
  for (const char* const text : {">length<", ">accuracy<", ">one</text>", ">two</text>"}) {
    CHECK_MESSAGE(count(svg, text) == 2, text);
  }
  CHECK(count(svg, "<title>one, 8: 50 (20 to 80)</title>") == 2);
  CHECK(count(svg, "class=\"band\"") == 4);
  CHECK(count(svg, "class=\"line\"") == 8);  // each once more in a legend
}

TEST_CASE("hostile text in a chart is only text") {
  const std::string hostile = "a\"><script>&\x1b\xff'</text></svg>";
  const std::string svg =
      chart_svg(hostile, hostile, {{hostile, {hostile}, {hostile}, {{hostile, {{1, 2, 2, 2}}}}}});
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<script") == 0);
  CHECK(count(svg, "</svg>") == 1);
  const std::string long_name =
      "\u221a" + std::string(20, 'x') + "\u221a\u221a\u221a\u221a\u221a\u221a\u221a\u221a";
  const std::string cut = chart_svg("", "", {{"", {}, {}, {{long_name, {}}}}});
  CHECK(xml_fault(cut) == "");
  CHECK(count(cut, ">" + long_name.substr(0, 3 + 20 + 18) + "\u2026</text>") == 1);
}

TEST_CASE("an axis includes what it is told to, besides the points") {
  const std::vector<ChartLine> lines = {{"line", {{1, 99, 99, 99}}}};
  const ChartAxis percent = {"y", Scale::linear, {0, 100}};
  CHECK(count(chart_svg("", "", {{"", {}, percent, lines}}), ">0</text>") == 1);
  CHECK(count(chart_svg("", "", {{"", {}, {"y"}, lines}}), ">0</text>") == 0);
}

TEST_CASE("maps stand below the panels, side by side while they fit, every cell with its weight") {
  const ChartMap map = {"a <map>", {"q1", "q&"}, {"k1", "k2", "k3"}, {0.5, 0.25, 0, 1, kNan, -1}};
  const std::string svg = chart_svg("", "", {}, std::vector<ChartMap>(9, map));
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<title>q1 looks at k2: 0.25</title>") == 9);
  CHECK(count(svg, "<title>q&amp; looks at k2: none</title>") == 9);
  CHECK(count(svg, "fill-opacity=\"0.500\"") == 9);  // of the heaviest, 1
  CHECK(count(svg, "fill-opacity=\"1.000\"") == 9);
  CHECK(count(svg, "fill-opacity=\"0.000\"") == 3 * 9);
  CHECK(count(svg, ">a &lt;map&gt;</text>") == 9);
  CHECK(count(svg, "nan") == 0);
  const std::string one = chart_svg("", "", {}, {map}),
                    six = chart_svg("", "", {}, {map, map, map, map, map, map});
  const auto height = [](const std::string& text) {
    return std::stod(text.substr(text.find("height=") + 8));
  };
  CHECK(height(six) == height(one));
  CHECK(height(svg) > height(one));
  CHECK(xml_fault(chart_svg("", "", {}, {{"empty", {}, {}, {}}})) == "");
}

TEST_CASE("points without a place leave gaps, and a chart may have one point or none") {
  CHECK(count(chart_of({{1, 2, 1, 3}}), "<title>line, 1: 2 (1 to 3)</title>") == 1);
  for (const Scale scale : {Scale::linear, Scale::log10}) {
    const std::string gap = chart_of(
        {{1, 2, 1, 3}, {2, 3, 3, 3}, {3, kNan, 0, 1}, {4, kInf, 0, 1}, {5, 1, 1, 1}}, scale);
    CHECK(xml_fault(gap) == "");
    CHECK(count(gap, "class=\"band\"") == 2);
    CHECK(count(gap, "nan") + count(gap, "inf") == 0);
    CHECK(count(gap, "no numbers to draw") == 0);
  }
  const std::string half = chart_of({{1, 0.5, 0, 1}, {2, -1, -1, -1}}, Scale::log10);
  CHECK(count(half, "class=\"band\"") == 1);
  CHECK(count(half, "nan") + count(half, "inf") == 0);
  for (const std::vector<ChartPoint>& none :
       {std::vector<ChartPoint>{}, std::vector<ChartPoint>{{1, kNan, kNan, kNan}}}) {
    const std::string empty = chart_of(none);
    CHECK(xml_fault(empty) == "");
    CHECK(count(empty, "no numbers to draw") == 1);
  }
  CHECK(xml_fault(chart_svg("", "", {})) == "");
}

TEST_CASE("text and lines of a chart can be told from the page, in both themes") {
  for (const ChartTheme* theme : {&light_theme(), &dark_theme()}) {
    CHECK(contrast(theme->text, theme->page) >= 4.5);
    CHECK(contrast(theme->axis, theme->page) >= 3);
    CHECK(theme->lines.size() == light_theme().lines.size());
    for (const char* line : theme->lines) CHECK_MESSAGE(contrast(line, theme->page) >= 3, line);
  }
  CHECK(std::abs(contrast("#000000", "#ffffff") - 21) <= 1e-9);
  CHECK(std::abs(contrast("#777777", "#ffffff") - 4.48) <= 0.01);
}
