// Formulas in plain letters, as MathML.
#include "examples/book/math.h"

#include <doctest/doctest.h>

#include <string>
#include <utility>
#include <vector>

#include "tests/xml.h"

using qkv::examples::math_ml;

namespace {

// Without the plain formula, the looks of brackets, and rows that only group.
std::string inside(const std::string& formula) {
  std::string all = math_ml(formula);
  CHECK(qkv::tests::xml_fault(all) == "");
  all = all.substr(all.find('>') + 1);
  all.resize(all.find("</math>"));
  for (const std::string part : {"<mrow>", "</mrow>", " stretchy=\"false\""}) {
    for (size_t at = all.find(part); at != std::string::npos; at = all.find(part)) {
      all.erase(at, part.size());
    }
  }
  return all;
}

using Pairs = std::vector<std::pair<std::string, std::string>>;
void check(const Pairs& formulas) {
  for (const auto& [plain, set] : formulas) CHECK(inside(plain) == set);
}

}  // namespace

TEST_CASE("math: letters, gradients, indices and Greek letters are identifiers") {
  check({{"x", "<mi>x</mi>"},
         {"dA", "<mi>d</mi><mi>A</mi>"},
         {"Wq", "<msub><mi>W</mi><mi>q</mi></msub>"},
         {"dWq", "<mi>d</mi><msub><mi>W</mi><mi>q</mi></msub>"},
         {"W1", "<msub><mi>W</mi><mn>1</mn></msub>"},
         {"eps", "<mi>ε</mi>"},
         {"delta_ij", "<msub><mi>δ</mi><mi>i</mi><mi>j</mi></msub>"}});
}

TEST_CASE("math: subscripts and superscripts, with and without parentheses") {
  check({{"x_i", "<msub><mi>x</mi><mi>i</mi></msub>"},
         {"A^T", "<msup><mi>A</mi><mi mathvariant=\"normal\">T</mi></msup>"},
         {"x_i^2", "<msubsup><mi>x</mi><mi>i</mi><mn>2</mn></msubsup>"},
         {"h_(t-1)", "<msub><mi>h</mi><mi>t</mi><mo>−</mo><mn>1</mn></msub>"},
         {"0.5^(8 - t)", "<msup><mn>0.5</mn><mn>8</mn><mo>−</mo><mi>t</mi></msup>"},
         {"2^(a / b)", "<msup><mn>2</mn><mi>a</mi><mo>/</mo><mi>b</mi></msup>"},
         {"f(x)_i", "<mi>f</mi><msub><mo>(</mo><mi>x</mi><mo>)</mo><mi>i</mi></msub>"},
         {"mean(x)^2", "<mi>mean</mi><msup><mo>(</mo><mi>x</mi><mo>)</mo><mn>2</mn></msup>"},
         {"m'", "<msup><mi>m</mi><mo>′</mo></msup>"},
         {"A_right", "<msub><mi>A</mi><mi>right</mi></msub>"}});
}

TEST_CASE("math: a fraction has every factor before the line, and one behind it") {
  check({{"a b / c d", "<mfrac><mi>a</mi><mi>b</mi><mi>c</mi></mfrac><mi>d</mi>"},
         {"a + b / 2", "<mi>a</mi><mo>+</mo><mfrac><mi>b</mi><mn>2</mn></mfrac>"},
         {"q . k / 2", "<mfrac><mi>q</mi><mo>⋅</mo><mi>k</mi><mn>2</mn></mfrac>"},
         {"dL/da * b",
          "<mfrac><mi>d</mi><mi>L</mi><mi>d</mi><mi>a</mi></mfrac><mo>·</mo>"
          "<mi>b</mi>"},
         {"1 / sqrt(D)", "<mfrac><mn>1</mn><msqrt><mi>D</mi></msqrt></mfrac>"},
         {"a / sum_j f(b) - c",
          "<mfrac><mi>a</mi><munder><mo largeop=\"true\">∑</mo><mi>j</mi></munder><mi>f</mi>"
          "<mo>(</mo><mi>b</mi><mo>)</mo></mfrac><mo>−</mo><mi>c</mi>"}});
}

TEST_CASE("math: what is divided twice stands over a product") {
  check({{"6 / 8 / 6", "<mfrac><mn>6</mn><mn>8</mn><mo>·</mo><mn>6</mn></mfrac>"},
         {"a / (b + c) / d",
          "<mfrac><mi>a</mi><mo>(</mo><mi>b</mi><mo>+</mo><mi>c</mi><mo>)</mo><mo>·</mo><mi>d</mi>"
          "</mfrac>"}});
}

TEST_CASE("math: a fraction needs no parentheses around its parts, nor the words before it") {
  check({{"(a + b) / (c d)", "<mfrac><mi>a</mi><mo>+</mo><mi>b</mi><mi>c</mi><mi>d</mi></mfrac>"},
         {"(a)(b) / c",
          "<mfrac><mo>(</mo><mi>a</mi><mo>)</mo><mo>(</mo><mi>b</mi><mo>)</mo><mi>c</mi></mfrac>"},
         {"at the end o / l", "<mi>at the end\u00a0</mi><mfrac><mi>o</mi><mi>l</mi></mfrac>"}});
}

TEST_CASE("math: the two parts of a fraction are two elements") {
  const std::string fraction = math_ml("a b / c");
  CHECK(fraction.find("<mfrac><mrow><mi>a</mi><mi>b</mi></mrow><mrow><mi>c</mi></mrow></mfrac>") !=
        std::string::npos);
}

TEST_CASE("math: functions, sums, brackets and bars") {
  check({{"exp(x)", "<mi>exp</mi><mo>(</mo><mi>x</mi><mo>)</mo>"},
         {"max_j x", "<munder><mi>max</mi><mi>j</mi></munder><mi>x</mi>"},
         {"|u|^2", "<msup><mo>|</mo><mi>u</mi><mo>|</mo><mn>2</mn></msup>"},
         {"[q; k]", "<mo>[</mo><mi>q</mi><mo>;</mo><mi>k</mi><mo>]</mo>"},
         {"P(w | h)", "<mi>P</mi><mo>(</mo><mi>w</mi><mo>∣</mo><mi>h</mi><mo>)</mo>"},
         {"P(ran | dog)", "<mi>P</mi><mo>(</mo><mi>ran</mi><mo>∣</mo><mi>dog</mi><mo>)</mo>"},
         {"one_hot(z)", "<mi>one_hot</mi><mo>(</mo><mi>z</mi><mo>)</mo>"},
         {"masked_softmax(z)", "<mi>masked_softmax</mi><mo>(</mo><mi>z</mi><mo>)</mo>"}});
}

TEST_CASE("math: brackets grow around a fraction only") {
  CHECK(math_ml("f(x / 2)").find("<mo>(</mo>") != std::string::npos);
  CHECK(math_ml("f(x_j)").find("<mo stretchy=\"false\">(</mo>") != std::string::npos);
}

TEST_CASE("math: signs") {
  check({{"a <= b", "<mi>a</mi><mo>≤</mo><mi>b</mi>"},
         {"a < b", "<mi>a</mi><mo>&lt;</mo><mi>b</mi>"},
         {"c <- 1", "<mi>c</mi><mo>←</mo><mn>1</mn>"},
         {"a, ..., b", "<mi>a</mi><mo>,</mo><mo>…</mo><mo>,</mo><mi>b</mi>"},
         {"x ~ y", "<mi>x</mi><mo>∼</mo><mi>y</mi>"},
         {"x.y", "<mi>x</mi><mtext>.</mtext><mi>y</mi>"}});
}

TEST_CASE("math: a minus that subtracts has space on both sides, a negative number has none") {
  const std::string negative = "<mo form=\"prefix\">−</mo>";
  check({{"a - b", "<mi>a</mi><mo>−</mo><mi>b</mi>"},
         {"a-b", "<mi>a</mi><mo>−</mo><mi>b</mi>"},
         {"a = -1", "<mi>a</mi><mo>=</mo>" + negative + "<mn>1</mn>"},
         {"(-b)", "<mo>(</mo>" + negative + "<mi>b</mi><mo>)</mo>"},
         {"replaced by -1", "<mi>replaced by\u00a0</mi>" + negative + "<mn>1</mn>"}});
}

TEST_CASE("math: functions and gradients stand apart from their neighbours") {
  const std::string gap = "<mspace width=\"0.17em\"/>";
  check({{"o tanh(c)", "<mi>o</mi>" + gap + "<mi>tanh</mi><mo>(</mo><mi>c</mi><mo>)</mo>"},
         {"2 dp", "<mn>2</mn>" + gap + "<mi>d</mi><mi>p</mi>"},
         {"dO O", "<mi>d</mi><mi>O</mi>" + gap + "<mi>O</mi>"}});
}

TEST_CASE("math: words stay words, with spaces where they meet letters") {
  check({{"the input", "<mi>the input</mi>"},
         {"A summed over keys", "<mi>A</mi><mi>\u00a0summed over keys</mi>"},
         {"average of dA weighted by A",
          "<mi>average of\u00a0</mi><mi>d</mi><mi>A</mi><mi>\u00a0weighted by\u00a0"
          "</mi><mi>A</mi>"},
         {"bits = 1", "<mi>bits</mi><mo>=</mo><mn>1</mn>"},
         {"X, with a view", "<mi>X</mi><mo>,</mo><mi>\u00a0with a view</mi>"},
         {"k, a row", "<mi>k</mi><mo>,</mo><mi>\u00a0a row</mi>"},
         {"a summed", "<mi>a</mi><mi>\u00a0summed</mi>"},
         {"rows of LSTM", "<mi>rows of LSTM</mi>"},
         {"chapter 8's output", "<mi>chapter\u00a0</mi><mn>8</mn><mi>'s output</mi>"}});
}

TEST_CASE("math: numbers beside one another do not become one") {
  check({{"V 1", "<mi>V</mi><mspace width=\"0.5em\"/><mn>1</mn>"},
         {"2 3", "<mn>2</mn><mspace width=\"0.5em\"/><mn>3</mn>"},
         {"1e8 + 1e-6", "<mn>1e8</mn><mo>+</mo><mn>1e-6</mn>"},
         {"2  3", "<mn>2</mn><mspace width=\"2em\"/><mn>3</mn>"}});
}

TEST_CASE("math: what cannot be read is shown as it stands") {
  for (const std::string formula : {"f(a", "a)", "[a)", "x_", "|a", "^", "sqrt(2", "a_+"}) {
    CHECK(inside(formula) == "<mtext>" + formula + "</mtext>");
  }
  CHECK(inside(std::string(200, '(')) == "<mtext>" + std::string(200, '(') + "</mtext>");
  CHECK(inside("") == "");
  CHECK(inside("λ{") == "<mtext>λ</mtext><mtext>{</mtext>");
}

TEST_CASE("math: the plain formula is its name, and nothing leaves its element") {
  CHECK(math_ml("a < b").starts_with("<math alttext=\"a &lt; b\">"));
  for (const std::string formula : {"\"><script>", "</math>", "a\"b & c", "x_\"", "\xff\xfe"}) {
    CHECK(qkv::tests::xml_fault(math_ml(formula)) == "");
    CHECK(math_ml(formula).find("<script") == std::string::npos);
  }
}
