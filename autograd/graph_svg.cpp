// A layout as SVG: dark text on light boxes, whatever the page around it looks like.
#include <algorithm>
#include <cmath>

#include "autograd/graph_layout.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

using lib::xml_escaped;

std::string number(double x) { return std::to_string(std::lround(x)); }

std::string point(const PagePoint& p) { return number(p.x) + " " + number(p.y); }

// Sideways it bends, downwards it is straight.
std::string path_of(const Wire& wire) {
  std::string d = "M" + point(wire[0]);
  for (size_t i = 1; i < wire.size(); ++i) {
    const PagePoint a = wire[i - 1], b = wire[i];
    const double middle = (a.y + b.y) / 2;
    d += a.x == b.x ? "L" + point(b)
                    : "C" + point({a.x, middle}) + " " + point({b.x, middle}) + " " + point(b);
  }
  return d;
}

std::string box_svg(const Box& box, bool is_result) {
  const double left = box.centre.x - box.width / 2, top = box.centre.y - box.height / 2;
  std::string title = box.again ? "drawn again: " : "";
  for (const std::string& line : box.lines) title += (&line == &box.lines[0] ? "" : ", ") + line;
  std::string text = "<g><title>" + xml_escaped(title) + "</title><rect x=\"" + number(left) +
                     "\" y=\"" + number(top) + "\" width=\"" + number(box.width) + "\" height=\"" +
                     number(box.height) + "\" rx=\"5\" fill=\"" +
                     (box.node->is_leaf() ? "#e3edf9" : "#ffffff") + "\" stroke=\"#33475b\"" +
                     (is_result ? " stroke-width=\"2.5\"" : "") +
                     (box.again ? " stroke-dasharray=\"4 3\"" : "") + "/>";
  double y = box.centre.y - static_cast<double>(box.lines.size() - 1) * 8 + 4;  // 16 a line
  for (const std::string& line : box.lines) {
    text += "<text x=\"" + number(box.centre.x) + "\" y=\"" + number(y) + "\"" +
            (&line == &box.lines[0] ? " font-weight=\"bold\"" : "") + ">" + xml_escaped(line) +
            "</text>";
    y += 16;
  }
  return text + "</g>\n";
}

}  // namespace

std::string graph_svg(const Variable& result, const NodeNames& names) {
  if (!result.requires_grad()) {
    lib::fail("graph_svg: the result requires no gradient: it has no graph");
  }
  const Layout layout = lay_out(result, names);
  const auto drawn_once = std::count_if(layout.boxes.begin(), layout.boxes.end(),
                                        [](const Box& b) { return !b.again; });
  const std::string width = number(layout.width), height = number(layout.height);
  const std::string title = xml_escaped(
      lib::str("The graph behind '", lib::escaped(result.node()->op), "': ", drawn_once, " nodes"));
  std::string text = "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"" + width + "\" height=\"" +
                     height + "\" viewBox=\"0 0 " + width + " " + height +
                     "\" role=\"img\" aria-label=\"" + title + "\">\n<title>" + title +
                     "</title>\n"
                     "<defs><marker id=\"tip\" viewBox=\"0 0 8 8\" refX=\"8\" refY=\"4\" "
                     "markerWidth=\"6\" markerHeight=\"6\" orient=\"auto\">"
                     "<path d=\"M0 0L8 4L0 8z\" fill=\"#5b6b7b\"/></marker></defs>\n"
                     "<rect width=\"100%\" height=\"100%\" fill=\"#fbfcfd\"/>\n"
                     "<g fill=\"none\" stroke=\"#5b6b7b\" stroke-width=\"1.3\">\n";
  for (const Wire& wire : layout.wires) {
    text += "<path d=\"" + path_of(wire) + "\" marker-end=\"url(#tip)\"/>\n";
  }
  text +=
      "</g>\n<g font-family=\"ui-monospace, Menlo, Consolas, monospace\" font-size=\"12\" "
      "text-anchor=\"middle\" fill=\"#14202b\">\n";
  for (const Box& box : layout.boxes) text += box_svg(box, box.node == result.node().get());
  return text + "</g>\n</svg>\n";
}

}  // namespace qkv::autograd
