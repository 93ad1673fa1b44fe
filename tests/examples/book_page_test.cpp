// The page of the book, from chapters made up here: well formed whatever they say, complete, and
// without a reference to anything outside.
#include "examples/book/page.h"

#include <doctest/doctest.h>

#include <limits>
#include <nlohmann/json.hpp>

#include "examples/book/figures.h"
#include "tests/compare.h"
#include "tests/xml.h"

using namespace qkv::examples;
using qkv::tests::count;
using qkv::tests::refusal;
using qkv::tests::xml_fault;

namespace {

using Json = nlohmann::json;

const std::string kHead = "// Chapter 8. Q & K: by \"hand\".\n";
const std::string kSource = kHead + "int a;\n// 1. One\none();\n// 2. Two\ntwo();\n";

Json section(int number, const std::string& title) {
  return {{"block", "section"}, {"number", number}, {"title", title}};
}
Json say(const std::string& text) { return {{"block", "say"}, {"text", text}}; }
Json show(const std::string& name, const std::vector<int>& shape, const Json& numbers) {
  return {{"block", "show"}, {"name", name},       {"formula", "given"},
          {"shape", shape},  {"dtype", "float64"}, {"numbers", numbers}};
}
Json map(const std::string& title, const std::vector<std::string>& labels, const Json& numbers) {
  return {{"block", "map"},
          {"title", title},
          {"queries", labels},
          {"keys", labels},
          {"numbers", numbers}};
}

Chapter chapter(const std::vector<Json>& blocks) {
  std::string output;
  for (const Json& block : blocks) output += block.dump() + "\n";
  return read_chapter("examples/08_test.cpp", {kSource}, output);
}

std::string page(const std::vector<Json>& blocks) {
  return book_html({chapter(blocks)}, "<div id=\"seeds\"></div>", "p { color: red; }",
                   "if (1 < 2) run();");
}

// What stands between two texts, from the first of them on.
std::string between(const std::string& text, const std::string& from, const std::string& to) {
  const size_t begin = text.find(from);
  if (begin == std::string::npos) return "";
  const size_t end = text.find(to, begin + from.size());
  return text.substr(begin + from.size(), end - begin - from.size());
}

// The page without its first line, and without what is not XML: style and scripts.
std::string elements(std::string text) {
  text.erase(0, text.find('\n') + 1);
  for (const std::string name : {"style", "script"}) {
    size_t open = 0;
    while ((open = text.find("<" + name, open)) != std::string::npos) {
      const size_t begin = text.find('>', open) + 1;
      text.erase(begin, text.find("</" + name + ">", begin) - begin);
      open = begin;
    }
  }
  return text;
}

Json numbers_of(const std::string& text) {
  return Json::parse(between(text, "id=\"numbers\">", "</script>"));
}

const Json kHalves = {0.5, 0.5, 0.5, 0.5};

}  // namespace

TEST_CASE("book: a section for each section, its source beside it, and a place in the contents") {
  const std::string text = page({section(1, "First"), say("x"), section(2, "Second"), say("y")});
  CHECK(xml_fault(elements(text)) == "");
  CHECK(count(text, "<article ") == 1);
  CHECK(count(text, "<section ") == 2);
  CHECK(count(text, "<pre class=\"source\"") == 3);
  CHECK(between(text, "<h3 id=\"title-8-2\">", "</h3>") == "2. Second");
  const std::string second = between(text, "id=\"section-8-2\"", "</section>");
  CHECK(count(second, "<p>y</p>") == 1);
  CHECK(count(second, "two();") == 1);
  CHECK(count(text, "two();") == 1);
  CHECK(between(text, "<a href=\"#chapter-8\">", "</a>") == "Q &amp; K");
  CHECK(between(text, "<p class=\"subtitle\">", " <code>") == "by &quot;hand&quot;.");
}

TEST_CASE("book: hostile words stay words, everywhere") {
  const std::string script = "</script><script>alert(1)</script>", quote = "\"' onload='x",
                    hebrew = "\u05d0\u202e", longest(3000, 'w');
  for (const std::string& word : {script, quote, hebrew, longest}) {
    Json table = {{"block", "table"},
                  {"rows", Json::array({Json::array({word, "b"}), Json::array({"c", word})})}};
    Json text = {{"block", "draw"}, {"text", word}};
    Json attempt = {{"block", "try"}, {"text", word}};
    Json formula = {{"block", "formula"}, {"text", word}};
    Json number = {{"block", "number"}, {"name", word}, {"formula", word}, {"value", 1}};
    const std::string html =
        page({section(1, word), say(word), show(word, {1}, {1}), map(word, {word, "b"}, kHalves),
              table, text, attempt, formula, number});
    CHECK(xml_fault(elements(html)) == "");
    CHECK(count(html, "<script") == 2);  // the numbers, and page.js
    CHECK(count(html, "</script>") == 2);
    CHECK(count(elements(html), "\"' onload") == 0);  // no attribute ends within a word
    CHECK(numbers_of(html)["maps"]["map-8-1"]["queries"][0] == word);
  }
}

TEST_CASE("book: nothing is fetched") {
  const std::string text = page({section(1, "First"), map("m", {"a", "b"}, kHalves)});
  for (const std::string outside : {"http:", "https:", " src=", "url(", "@import", "//"}) {
    CHECK(count(elements(text), outside) == (outside == "//" ? 3 : 0));  // comments of its source
  }
  CHECK(count(text, "default-src 'none'") == 1);
  CHECK(refusal([] { (void)book_html({}, "", "</style>", ""); }).find("</") != std::string::npos);
  CHECK(refusal([] { (void)book_html({}, "", "", "'</script>'"); }).find("</") !=
        std::string::npos);
}

TEST_CASE("book: a map says its weights and the sums of its rows, and its script has the numbers") {
  const std::string text =
      page({section(1, "x"), map("who", {"a", "b"}, {0.25, 0.75, 0.125, 0.875})});
  CHECK(count(text, "<g class=\"row\"") == 2);
  CHECK(count(text, "<g class=\"cell\"") == 4);
  CHECK(count(text, "aria-label=\"query a, key b: 0.7500\"") == 1);
  CHECK(count(text, ">1.0000</text>") == 2);
  CHECK(count(text, "fill-opacity=\"1.000\"") == 1);  // the heaviest
  CHECK(count(text, "<td>0.1250</td>") == 1);
  CHECK(count(text, "role=\"button\"") == 0);  // nobody has said where they come from
  const Json map = numbers_of(text)["maps"]["map-8-1"];
  CHECK(map["numbers"] == Json({0.25, 0.75, 0.125, 0.875}));
  CHECK(!map.contains("q"));
}

TEST_CASE("book: a map of softmax over Q K^T is explained, any other is not") {
  const Json q = show("Q", {2, 1}, {1, 0}), k = show("K", {2, 1}, {1, 1});
  const Json explained =
      numbers_of(page({section(1, "x"), q, k, map("A", {"a", "b"}, kHalves)}))["maps"]["map-8-1"];
  CHECK(explained["q"] == Json({1.0, 0.0}));
  CHECK(explained["k"] == Json({1.0, 1.0}));
  CHECK(explained["d"] == 1);
  const Json other = map("A", {"a", "b"}, {0.5, 0.5, 0.6, 0.4});
  CHECK(!numbers_of(page({section(1, "x"), q, k, other}))["maps"]["map-8-1"].contains("q"));
  const Json wide = show("K", {2, 2}, {1, 1, 1, 1});
  CHECK(
      !numbers_of(page({q, wide, map("A", {"a", "b"}, kHalves)}))["maps"]["map-8-1"].contains("q"));
}

TEST_CASE("book: maps of training steps are one figure, which begins with the first") {
  const auto step = [](int n) { return map("step " + std::to_string(n), {"a", "b"}, kHalves); };
  const std::string text = page({section(1, "x"), step(0), section(2, "y"), step(5), say("between"),
                                 map("other", {"a", "b"}, kHalves), step(9)});
  CHECK(xml_fault(elements(text)) == "");
  CHECK(count(text, "<div class=\"steps\"") == 1);
  const std::string steps = between(text, "<div class=\"steps\"", "<p>between");
  CHECK(count(steps, "<figure") == 3);
  CHECK(count(text, "<figure") == 5);
  CHECK(numbers_of(text)["maps"].size() == 5);
}

TEST_CASE("book: the numbers of matrices are those that tensors print") {
  const std::string text = page({section(1, "x"), show("M", {2, 2}, {-0.00001, 1.5, "nan", "-inf"}),
                                 show("T", {2, 1, 2}, {1, 2, 3, 4}), show("s", {}, {2})});
  for (const std::string cell : {"0.0000", "1.5000", "nan", "-inf", "4.0000"}) {
    CHECK(count(text, "<td>" + cell + "</td>") == 1);
  }
  CHECK(count(text, "<tbody>") == 4);  // T is two matrices
  CHECK(count(text, "<span class=\"shape\">(2, 1, 2)</span>") == 1);
  CHECK(number_text(3, "int64") == "3");
  CHECK(number_text(0, "bool") == "false");
  CHECK(number_text(2.5e9) == "2.5000e+09");
  CHECK(number_text(-std::numeric_limits<double>::infinity()) == "-inf");
}

TEST_CASE("book: chapters 5 and 9 have a slider, shown without a script as it stands") {
  for (const auto& [number, kind] : {std::pair{5, "temperature"}, std::pair{9, "width"}}) {
    Chapter it = chapter({section(1, "x")});
    it.number = number;
    const std::string text = book_html({it}, "", "", "");
    CHECK(xml_fault(elements(text)) == "");
    CHECK(count(text, "<figure class=\"slider\"") == 1);
    CHECK(count(text, std::string("id=\"slider-") + kind + "\"") == 1);
    CHECK(numbers_of(text)["sliders"][kind].size() == 5);
  }
  CHECK(count(slider_figure("temperature", {0, 0, 0, 0}), "0.2500</span>") == 4);
}

TEST_CASE("book: what is no chapter is refused, with its file") {
  const auto refused = [](const std::string& source, const std::string& output) {
    return refusal([&] { (void)read_chapter("examples/08_x.cpp", {source}, output); });
  };
  CHECK(refused("int main() {}", "{\"block\":\"say\",\"text\":\"\"}").find("examples/08_x.cpp") ==
        0);
  CHECK(refused(kSource, "").find("examples/08_x.cpp: its program said nothing") == 0);
  CHECK(refused(kSource, "hello").find("its program said 'hello'") != std::string::npos);
  CHECK(refused(kSource, show("M", {2, 2}, {1}).dump()).find("1 numbers, not 4") !=
        std::string::npos);
  CHECK(refusal([] { (void)page({{{"block", "dance"}}}); }).find("dance") != std::string::npos);
}
