// The attention map: orientation, row sums, shades, colours, and text that cannot harm a terminal.
#include "examples/lab/attention_map.h"

#include <doctest/doctest.h>

#include <cmath>
#include <stdexcept>

#include "tensor/views.h"

using namespace qkv::examples;
using qkv::tensor::Tensor;

namespace {

Tensor matrix(const std::vector<double>& values, const qkv::tensor::Shape& shape) {
  return Tensor::of(values, shape);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

TEST_CASE("attention map: rows are queries with their sums and columns are keys") {
  const Tensor weights = matrix({0, 0.25, 0.75, 1, 0, 0}, {2, 3});
  CHECK(draw_attention_map(weights, {"a", "b"}, {"x", "y", "z"}, Colors::none) ==
        "keys  x  y  z   sum\n"
        "   a    :: ##   1.0000\n"
        "   b @@         1.0000\n"
        "rows are queries, columns are keys; weights from 0.0000 to 1.0000; "
        "scale 0.0000  .:-=+*#%@ 1.0000\n");
}

TEST_CASE("attention map: a transposed view is drawn as what it shows") {
  const Tensor weights = matrix({0, 1, 0.5, 0.5}, {2, 2});
  CHECK(draw_attention_map(qkv::tensor::transpose(weights), {"a", "b"}, {"x", "y"}, Colors::none) ==
        draw_attention_map(matrix({0, 0.5, 1, 0.5}, {2, 2}), {"a", "b"}, {"x", "y"}, Colors::none));
}

TEST_CASE("attention map: the scale reaches from zero to the largest weight") {
  const std::string uniform = draw_attention_map(matrix({0.25, 0.25, 0.25, 0.25}, {1, 4}), {"q"},
                                                 {"1", "2", "3", "4"}, Colors::none);
  CHECK(has(uniform, "   q @@ @@ @@ @@   1.0000\n"));
  CHECK(has(uniform, "weights from 0.2500 to 0.2500; scale 0.0000"));
  const std::string signs =
      draw_attention_map(matrix({-1, 1}, {1, 2}), {"q"}, {"1", "2"}, Colors::none);
  CHECK(has(signs, "   q    @@   0.0000\n"));
  const std::string nothing =
      draw_attention_map(matrix({0, 0}, {1, 2}), {"q"}, {"1", "2"}, Colors::none);
  CHECK(has(nothing, "   q         0.0000\n"));
}

TEST_CASE("attention map: numbers that are not finite are question marks in every style") {
  const Tensor weights = matrix({NAN, 0.5, INFINITY}, {1, 3});
  for (const Colors colors : {Colors::none, Colors::palette, Colors::truecolor}) {
    const std::string map = draw_attention_map(weights, {"q"}, {"1", "2", "3"}, colors);
    CHECK(has(map, "   q ?? "));
    CHECK(has(map, " ??   nan\n"));
    CHECK(has(map, "weights from 0.5000 to 0.5000"));
  }
}

TEST_CASE("attention map: colours are 256 greys or 24 bits, reset after every cell") {
  const Tensor weights = matrix({0, 1}, {1, 2});
  const std::string grey = draw_attention_map(weights, {"q"}, {"1", "2"}, Colors::palette);
  CHECK(has(grey, "   q \x1b[48;5;232m  \x1b[0m \x1b[48;5;255m  \x1b[0m   1.0000\n"));
  const std::string full = draw_attention_map(weights, {"q"}, {"1", "2"}, Colors::truecolor);
  CHECK(has(full, "   q \x1b[48;2;68;1;84m  \x1b[0m \x1b[48;2;253;231;37m  \x1b[0m   1.0000\n"));
}

TEST_CASE("attention map: hostile labels are escaped and long ones cut, columns stay aligned") {
  const std::string map = draw_attention_map(matrix({1, 0}, {1, 2}), {"\x1b[2J"},
                                             {"a\nb", "much too long"}, Colors::none);
  CHECK(map.find('\x1b') == std::string::npos);
  CHECK(has(map, "   keys   a\\x0ab much too   sum\n"));
  CHECK(has(map, "\\x1b[2J @@@@@@@@            1.0000\n"));
}

TEST_CASE("attention map: colour needs a terminal, a TERM, and no NO_COLOR") {
  CHECK(choose_colors(true, nullptr, "xterm", nullptr) == Colors::palette);
  CHECK(choose_colors(true, "", "xterm", "truecolor") == Colors::truecolor);
  CHECK(choose_colors(true, nullptr, "xterm-256color", "24bit") == Colors::truecolor);
  CHECK(choose_colors(true, "1", "xterm", "truecolor") == Colors::none);
  CHECK(choose_colors(true, "0", "xterm", "truecolor") == Colors::none);
  CHECK(choose_colors(false, nullptr, "xterm", "truecolor") == Colors::none);
  CHECK(choose_colors(true, nullptr, "dumb", "truecolor") == Colors::none);
  CHECK(choose_colors(true, nullptr, nullptr, "truecolor") == Colors::none);
}

TEST_CASE("attention map: what is no matrix, or is labelled wrongly, is refused") {
  const auto draw = [](const Tensor& weights, size_t rows, size_t columns) {
    return draw_attention_map(weights, std::vector<std::string>(rows, "q"),
                              std::vector<std::string>(columns, "k"), Colors::none);
  };
  const Tensor weights = matrix({1, 0}, {1, 2});
  CHECK_THROWS_WITH_AS(static_cast<void>(draw(weights, 2, 1)),
                       "draw_attention_map: weights are (1, 2), but there are 2 query labels and 1 "
                       "key labels",
                       std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(draw(Tensor(), 0, 0)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(draw(matrix({1, 0}, {2}), 1, 2)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(draw(matrix({}, {0, 3}), 0, 3)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(draw(weights.to(qkv::tensor::Dtype::int64), 1, 2)),
                  std::invalid_argument);
}
