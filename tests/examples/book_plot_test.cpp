// Charts of the book: the numbers of a table as lines, in an image that the page itself holds.
#include "examples/book/plot.h"

#include <doctest/doctest.h>

#include <cstdlib>

#include "tests/compare.h"
#include "tests/xml.h"

using namespace qkv::examples;
using qkv::tests::count;

namespace {

Block plot(const std::vector<std::vector<std::string>>& rows) {
  Block block;
  block.kind = "plot";
  block.text = "A < \"B\" & C";
  block.rows = rows;
  return block;
}

// The image as SVG again.
std::string image_of(const std::string& html) {
  const std::string before = "src=\"data:image/svg+xml,";
  size_t at = html.find(before) + before.size();
  std::string svg;
  for (; html[at] != '"'; ++at) {
    if (html[at] == '%') {
      svg += static_cast<char>(std::strtol(html.substr(at + 1, 2).c_str(), nullptr, 16));
      at += 2;
    } else {
      svg += html[at];
    }
  }
  return svg;
}

}  // namespace

TEST_CASE("book's plots: a line for every column but the first, a mark for every number") {
  const std::string html =
      plot_figure(plot({{"D", "as it is", "scaled"}, {"1", "1.5", "1"}, {"4 x", "-", "2 %"}}));
  CHECK(qkv::tests::xml_fault(html) == "");
  CHECK(count(html, "<td>") == 4);  // the table stands beneath it
  const std::string svg = image_of(html);
  CHECK(qkv::tests::xml_fault(svg) == "");
  CHECK(count(svg, "as it is, 1: 1.5 (") == 1);
  CHECK(count(svg, "scaled, ") == 2);
  CHECK(count(svg, "as it is, ") == 1);  // "-" is no number
}

TEST_CASE("book's plots: nothing that is said ends the image or its address") {
  const std::string evil = "</svg><script>\"'#%<&\u05d0";
  const std::string html = plot_figure(plot({{evil, evil}, {"1", "2"}, {"2", "3"}}));
  CHECK(qkv::tests::xml_fault(html) == "");
  CHECK(qkv::tests::xml_fault(image_of(html)) == "");
  CHECK(count(html, "<script") == 0);
}

TEST_CASE("book's plots: rows of different lengths, and a table without numbers") {
  CHECK(qkv::tests::xml_fault(plot_figure(plot({{"a", "b", "c"}, {"1"}, {"2", "3"}}))) == "");
  CHECK(qkv::tests::xml_fault(image_of(plot_figure(plot({{"a", "b"}, {"x", "y"}})))) == "");
  CHECK(qkv::tests::xml_fault(image_of(plot_figure(plot({{"a"}})))) == "");
}
