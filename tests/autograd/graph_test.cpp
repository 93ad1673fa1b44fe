// Pictures of graphs: every node and every use is there, hostile names do no harm, boxes do not
// touch, and the same graph gives the same text.
#include "autograd/graph.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/graph_layout.h"
#include "autograd/ops.h"
#include "nn/transformer.h"
#include "tests/compare.h"
#include "tests/xml.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::count;
using qkv::tests::refusal;
using qkv::tests::xml_fault;

namespace {

Variable leaf(const Shape& shape) { return parameter(tensor::ones(shape, Dtype::float64)); }

bool overlap(const Box& a, const Box& b) {
  return std::fabs(a.centre.x - b.centre.x) < (a.width + b.width) / 2 &&
         std::fabs(a.centre.y - b.centre.y) < (a.height + b.height) / 2;
}

// A graph of a model: attention, residuals, norms, parameters used once.
Variable model_loss(nn::EncoderClassifier& model) {
  lib::Generator generator(2);
  const Tensor tokens = tensor::integers({2, 3}, 0, 5, generator);
  return cross_entropy(model.forward(tokens).output, tokens);
}

const nn::TransformerConfig kSmall = {.vocab = 5, .width = 4, .heads = 2, .feed_forward = 6};
const std::string kHostile = "a\"><script>&\\\n\x1b[31m\xff'</svg>";

}  // namespace

TEST_CASE("the nodes behind a result come once each and behind their inputs") {
  const Variable x = leaf({2}), w = leaf({2});
  const Variable y = x * w;
  const Variable z = exp(y) + y * x;
  const auto nodes = nodes_behind(z);
  REQUIRE(nodes.size() == 6);
  CHECK(nodes.front() == x.node());
  CHECK(nodes[2] == y.node());
  CHECK(nodes.back() == z.node());
  CHECK(nodes_behind(tensor::ones({2})).empty());
  CHECK(nodes_behind(Variable()).empty());
}

TEST_CASE("dot text says operation and shape and bytes and every use") {
  const Variable x = leaf({2, 3});
  const Variable y = exp(x * x);
  CHECK(graph_dot(y, {{"input", x}}) ==
        "digraph tape {\n"
        "  node [shape=box, fontname=\"monospace\", style=filled, fillcolor=\"#ffffff\"];\n"
        "  n0 [label=\"input\\n(2, 3) float64\", fillcolor=\"#e3edf9\"];\n"
        "  n1 [label=\"mul\\n(2, 3) float64\\nsaved 48 B\"];\n"
        "  n0 -> n1;\n"
        "  n0 -> n1;\n"
        "  n2 [label=\"exp\\n(2, 3) float64\\nsaved 48 B\"];\n"
        "  n1 -> n2;\n"
        "}\n");
  backward(sum(y));
  CHECK(count(graph_dot(y), "freed") == 2);
}

TEST_CASE("a picture of a constant is refused") {
  const Variable c = tensor::ones({2});
  CHECK(refusal([&] { return graph_dot(c); }) ==
        "graph_dot: the result requires no gradient: it has no graph");
  CHECK(refusal([&] { return graph_svg(c); }) ==
        "graph_svg: the result requires no gradient: it has no graph");
}

TEST_CASE("hostile names stay inside their quotes") {
  const Variable x = leaf({2});
  const Variable y = record(kHostile.c_str(), {x}, x.value().clone(),
                            [](const Variable& dy) -> Grads { return {dy}; });
  const std::string dot = graph_dot(y, {{kHostile, x}});
  CHECK(count(dot, "[label=\"a\\\"><script>&\\\\\\\\\\\\x0a\\\\x1b[31m\\\\xff'</svg>\\n") == 2);
  const std::string svg = graph_svg(y, {{kHostile, x}});
  CHECK(xml_fault(svg) == "");
  CHECK(count(svg, "<script") == 0);
  CHECK(count(svg, "&lt;script&gt;") >= 4);
  const std::string long_name(500, 'x');
  CHECK(count(graph_svg(y, {{long_name, x}}), std::string(41, 'x')) == 0);
}

TEST_CASE("svg shows every node and every use once and is one well-formed document") {
  const Variable x = leaf({2}), w = leaf({2});
  const Variable y = exp(x * w);
  const std::string svg = graph_svg(y * y, {{"x", x}});
  CHECK(xml_fault(svg) == "");
  CHECK(svg.starts_with("<svg xmlns="));
  CHECK(count(svg, "viewBox=\"0 0 ") == 2);  // of the picture and of the arrow's tip
  CHECK(count(svg, "<title>The graph behind 'mul': 5 nodes</title>") == 1);
  CHECK(count(svg, "<title>") == 1 + 5);
  CHECK(count(svg, "marker-end") == 5);
  CHECK(count(svg, ">x</text>") == 1);
  CHECK(count(svg, ">saved 16 B</text>") == 2);  // exp and its square
  CHECK(count(svg, ">saved 32 B</text>") == 1);  // x and w
  CHECK(graph_svg(x).find("1 nodes") != std::string::npos);
}

TEST_CASE("a leaf that is used in several layers is drawn in front of each") {
  const Variable w = leaf({2});
  Variable y = leaf({2});
  for (int i = 0; i < 3; ++i) y = y * w;
  const Layout layout = lay_out(y, {});
  int drawn = 0, again = 0;
  for (const Box& box : layout.boxes) {
    if (box.node == w.node().get()) drawn += 1, again += box.again ? 1 : 0;
  }
  CHECK(drawn == 3);
  CHECK(again == 2);
  CHECK(layout.wires.size() == 6);
  for (const Wire& wire : layout.wires) CHECK(wire.size() == 2);  // none skips a layer
}

TEST_CASE("boxes of a model do not touch and lie in the picture, and arrows point down") {
  lib::Generator generator(1);
  nn::EncoderClassifier model(kSmall, generator);
  const Variable loss = model_loss(model);
  const Layout layout = lay_out(loss, {});
  CHECK(layout.boxes.size() >= nodes_behind(loss).size());
  for (const Box& a : layout.boxes) {
    CHECK(a.centre.x - a.width / 2 >= 0);
    CHECK(a.centre.x + a.width / 2 <= layout.width);
    CHECK(a.centre.y + a.height / 2 <= layout.height);
    for (const Box& b : layout.boxes) CHECK((&a == &b || !overlap(a, b)));
  }
  for (const Wire& wire : layout.wires) {
    for (size_t i = 1; i < wire.size(); ++i) CHECK(wire[i - 1].y < wire[i].y);
    for (const PagePoint& p : wire) CHECK((p.x >= 0 && p.x <= layout.width));
  }
}

TEST_CASE("bends of long arrows pass beside boxes, not through them") {
  lib::Generator generator(1);
  nn::EncoderClassifier model(kSmall, generator);
  const Layout layout = lay_out(model_loss(model), {});
  int bends = 0;
  for (const Wire& wire : layout.wires) {
    for (size_t i = 1; i + 2 < wire.size(); i += 2) {
      bends += 1;
      const double x = wire[i].x, y = (wire[i].y + wire[i + 1].y) / 2;
      for (const Box& box : layout.boxes) {
        CHECK((std::fabs(box.centre.x - x) > box.width / 2 ||
               std::fabs(box.centre.y - y) > box.height / 2));
      }
    }
  }
  CHECK(bends > 4);  // residual connections
}

TEST_CASE("equal graphs have equal pictures") {
  std::string dot[2], svg[2];
  for (int i = 0; i < 2; ++i) {
    lib::Generator generator(1);
    nn::EncoderClassifier model(kSmall, generator);
    const Variable loss = model_loss(model);
    dot[i] = graph_dot(loss), svg[i] = graph_svg(loss);
  }
  CHECK(dot[0] == dot[1]);
  CHECK(svg[0] == svg[1]);
  CHECK(xml_fault(svg[0]) == "");
}

TEST_CASE("long graphs and wide ones are drawn") {
  const Variable x = leaf({1});
  Variable y = x;
  for (int i = 0; i < 3000; ++i) y = i % 100 == 99 ? y * x : -y;
  CHECK(count(graph_svg(y), "<rect") == 1 + 3000 + 31);  // x stands at the top and 30 times more
  std::vector<Variable> parts;
  for (int i = 0; i < 300; ++i) parts.push_back(exp(leaf({1})));
  CHECK(count(graph_svg(concat(parts, 0)), "<rect") == 1 + 601);
  Variable late = exp(x);  // used again 200 layers later: a straight arrow
  y = late;
  for (int i = 0; i < 200; ++i) y = -y;
  const Layout layout = lay_out(y + late, {});
  CHECK(layout.wires.back().size() == 2);
}
