// explain: the gradients of one node are those of the engine, part by part, nothing is left behind,
// and every operation has a rule whose formulas stand in the caption above its source.
#include "autograd/explain.h"

#include <doctest/doctest.h>

#include <filesystem>
#include <fstream>
#include <set>
#include <sstream>

#include "autograd/engine.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "autograd/rules.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

Variable vector(std::vector<double> values) {
  const auto n = static_cast<int64_t>(values.size());
  return parameter(Tensor::of(values, {n}));
}
Numbers numbers(const Variable& x) { return x.value().to_vector(); }

// With runs of white space as one space, and the slashes of comments gone.
std::string collapsed(const std::string& text) {
  std::string all;
  for (const char c : text) {
    const bool space = c == ' ' || c == '\n' || c == '/';
    if (!space || all.empty() || all.back() != ' ') all += space ? ' ' : c;
  }
  return all;
}

std::string captions() {
  std::string text;
  for (const auto& entry : std::filesystem::directory_iterator(QKV_SOURCE_DIR "/autograd")) {
    if (entry.path().extension() != ".cpp" || entry.path().filename() == "rules.cpp") continue;
    std::ifstream file(entry.path());
    for (std::string line; std::getline(file, line);) {
      if (line.starts_with("//")) text += line + "\n";
    }
  }
  return collapsed(text);
}

}  // namespace

TEST_CASE("explain prints the rule and the gradients that arrive and leave") {
  const Variable x = vector({1, 2});
  const Variable y = exp(x);
  CHECK(explain(y + y * 2.0, y).str() ==
        "exp   (2,) float64\n"
        "  forward    y = exp(x)\n"
        "  backward   dx = dy y\n"
        "  saved      1 tensor, 16 B\n"
        "  dy         [3.0000, 3.0000], the sum of\n"
        "    [2.0000, 2.0000] from operand 0 of 'scale'\n"
        "    [1.0000, 1.0000] from operand 0 of 'add'\n"
        "  sends\n"
        "    [ 8.1548, 22.1672] to leaf (2,)\n");
}

TEST_CASE("explain of the output shows the cotangent and both operands") {
  const Variable a = vector({1, 2}), b = parameter(tensor::full({2, 1}, 3, Dtype::float64));
  const Explanation e = explain(a * b);
  REQUIRE(e.arrives.size() == 1);
  CHECK(e.arrives[0].op == "cotangent");
  CHECK(numbers(e.sends[0]) == Numbers{6, 6});
  CHECK(numbers(e.sends[1]) == Numbers{3, 3});
  CHECK(e.inputs == std::vector<std::string>{"leaf (2,)", "leaf (2, 1)"});
  CHECK(e.str().find("    [[3.0000],\n     [3.0000]] to leaf (2, 1)\n") != std::string::npos);
  const Variable cotangent = Tensor::of<double>({1, 0, 0, 0}, {2, 2});
  CHECK(numbers(explain(a * b, a * b, cotangent).dy) == Numbers{0, 0, 0, 0});  // another product
  const Variable y = a * b;
  CHECK(numbers(explain(y, y, cotangent).sends[0]) == Numbers{3, 0});
}

TEST_CASE("the parts that arrive add up to the gradient and each arrow counts") {
  const Variable x = vector({3});
  const Explanation e = explain(x * x * x, x);  // 9 from the last product, 9 and 9 from the first
  REQUIRE(e.arrives.size() == 3);
  double total = 0;
  for (const Part& part : e.arrives) total += part.gradient.item();
  CHECK(total == 27);
  CHECK(e.dy.item() == 27);
  CHECK(e.sends.empty());
  CHECK(e.str().find("sends") == std::string::npos);
}

TEST_CASE("a constant is sent nothing and a node off the way gets zero") {
  const Variable x = vector({3}), c = tensor::full({1}, 2, Dtype::float64);
  const Explanation e = explain(x * c);
  CHECK_FALSE(e.sends[1].defined());
  CHECK(e.str().find("    nothing to a constant\n") != std::string::npos);
  const Variable other = exp(x);
  CHECK(explain(x * c, other)
            .str()
            .find("  dy         [0.0000], no user is on the way to the output\n") !=
        std::string::npos);
}

TEST_CASE("explain leaves leaves and the graph as they were") {
  const Variable x = vector({3});
  const Variable y = exp(x * x);
  const int64_t nodes = live_nodes();
  CHECK(explain(y, x).dy.item() > 0);
  CHECK_FALSE(x.has_grad());
  CHECK(recording());
  CHECK(live_nodes() == nodes);
  backward(y);
  CHECK(x.has_grad());
}

TEST_CASE("explain refuses what it cannot explain") {
  const Variable x = vector({3}), c = tensor::ones({1}, Dtype::float64);
  CHECK(refusal([&] { return explain(x * c, c); }) ==
        "explain: a Variable of shape (1,) requires no gradient");
  CHECK(refusal([&] { return explain(c); }) ==
        "explain: a Variable of shape (1,) requires no gradient");
  const Variable y = exp(x);
  backward(y);
  CHECK(refusal([&] { return explain(y); }) ==
        "backward: the graph behind 'exp' was freed by an earlier backward; pass retain_graph "
        "there to go through it twice");
  Variable w = vector({3});
  const Variable product = w * w;
  w.mutable_value().fill_(1);
  CHECK(refusal([&] {
          return explain(product);
        }).starts_with("mul: a tensor of shape (1,) that was saved"));
}

TEST_CASE("an operation without a rule is explained by its gradients") {
  const Variable x = vector({3});
  const Variable y = record("\x1b[31mmine", {x}, x.value().clone(),
                            [](const Variable& dy) -> Grads { return {dy * 2.0}; });
  CHECK(explain(y).str() ==
        "\\x1b[31mmine   (1,) float64\n"
        "  saved      0 tensors, 0 B\n"
        "  dy         [1.0000], the sum of\n"
        "    [1.0000] from the cotangent\n"
        "  sends\n"
        "    [2.0000] to leaf (1,)\n");
}

TEST_CASE("every operation has one rule and its formulas stand in a caption") {
  const std::string text = captions();
  std::set<std::string> table, seen;
  for (const OpCase& row : op_table()) table.insert(row.op);
  for (const std::string& op : table) CHECK_MESSAGE(rule_of(op) != nullptr, op);
  CHECK(rule_of("no such operation") == nullptr);
  for (const Rule& rule : rules()) {
    CHECK_MESSAGE(seen.insert(rule.op).second, rule.op);
    if (!table.contains(rule.op)) continue;
    CHECK_MESSAGE(text.find(collapsed(rule.forward)) != std::string::npos, rule.op);
    CHECK_FALSE(rule.backward.empty());
    for (const std::string& line : rule.backward) {
      CHECK_MESSAGE(text.find(collapsed(line)) != std::string::npos, rule.op, ": ", line);
    }
  }
}
