// Text on the page: whatever it holds, it stays text; sources are cut at their sections.
#include "examples/book/html.h"

#include <doctest/doctest.h>

#include <string>

#include "tests/xml.h"

using namespace qkv::examples;
using qkv::tests::count;
using qkv::tests::xml_fault;

namespace {

const std::string kHebrew = "\u05d0\u05d1", kOverride = "\u202e";

// A document of it is well formed, and holds no elements but those named.
void check_harmless(const std::string& html) {
  CHECK(xml_fault("<p>" + html + "</p>") == "");
  CHECK(count(html, "<") == 2 * count(html, "</"));
  CHECK(count(html, "<script") + count(html, "<img") + count(html, "<b>") == 0);
}

// Without its marks, a source is what it was.
std::string unmarked(const std::string& html) {
  std::string text;
  bool tag = false;
  for (const char c : html) {
    tag = tag || c == '<';
    if (!tag) text += c;
    tag = tag && c != '>';
  }
  for (const auto& [entity, c] : {std::pair<std::string, std::string>{"&lt;", "<"},
                                  {"&gt;", ">"},
                                  {"&quot;", "\""},
                                  {"&amp;", "&"}}) {
    for (size_t at = 0; (at = text.find(entity, at)) != std::string::npos; at += 1) {
      text.replace(at, entity.size(), c);
    }
  }
  return text;
}

}  // namespace

TEST_CASE("html: hostile text is text") {
  for (const std::string& text :
       {std::string("</script><script>alert(1)</script>"), std::string("\"><img src=x onerror=y>"),
        std::string("a' b\" & <b>"), kHebrew, kOverride + "txt", std::string("\x01\xff"),
        std::string(5000, 'x'), std::string("`"), std::string("`</code><b>`")}) {
    check_harmless(html_sentence(text));
    check_harmless(html_label(text));
    check_harmless(html_cpp(text));
    check_harmless(html_cpp("// " + text + "\nint x;"));
    check_harmless(html_cpp("say(\"" + text));
  }
}

TEST_CASE("html: a sentence has code between backquotes, and escapes all else") {
  CHECK(html_sentence("run `./qkv book` & read") == "run <code>./qkv book</code> &amp; read");
  CHECK(html_sentence("one ` alone") == "one ` alone");
  CHECK(html_sentence("`a` and ` b") == "<code>a</code> and ` b");
  CHECK(html_sentence("a < b") == "a &lt; b");
}

TEST_CASE("html: what is written from right to left is isolated") {
  CHECK(html_sentence("say " + kHebrew + " here") == "say <bdi>" + kHebrew + "</bdi> here");
  CHECK(html_sentence("x" + kOverride + "y z") == "<bdi>x" + kOverride + "y</bdi> z");
  CHECK(html_label("cat") == "<bdi>cat</bdi>");
  CHECK(html_cpp("x // " + kOverride + "y\nz") ==
        "x <span class=\"c\"><bdi>// " + kOverride + "y</bdi></span>\nz");
}

TEST_CASE("html: comments, strings, keywords and directives of C++ are marked") {
  CHECK(html_cpp("int x = 1'000;  // one") ==
        "<span class=\"k\">int</span> x = 1'000;  <span class=\"c\">// one</span>");
  CHECK(html_cpp("f(\"a // \\\" b\", 'c')") ==
        "f(<span class=\"s\">&quot;a // \\&quot; b&quot;</span>, <span class=\"s\">'c'</span>)");
  CHECK(html_cpp("R\"(a \" b)\" c") == "<span class=\"s\">R&quot;(a &quot; b)&quot;</span> c");
  CHECK(html_cpp("#include <a>\nx") == "<span class=\"p\">#include &lt;a&gt;</span>\nx");
  CHECK(html_cpp("printed, int8") == "printed, int8");
}

TEST_CASE("html: marking changes no character") {
  for (const std::string source :
       {"a\n\n  b\n", "\"open\nint x;", "'", "R\"", "R\"(open", "\"\\", "//", "#", "x'y\n"}) {
    CHECK(unmarked(html_cpp(source)) == source);
  }
}

TEST_CASE("html: a source is cut before the comments with its section numbers") {
  auto pieces = source_pieces(
      {"// Head. 1. not\nint a;\n\n  // 1. One\none();\n// 4. no\n// 1. no\n// 3. Three\n\n",
       "// Room\n  // 2. Two\ntwo();\n"},
      {1, 2, 3});
  REQUIRE(pieces.size() == 4);
  CHECK(pieces[0] == "// Head. 1. not\nint a;\n\n\n// Room");
  CHECK(pieces[1] == "  // 1. One\none();\n// 4. no\n// 1. no");
  CHECK(pieces[2] == "  // 2. Two\ntwo();");
  CHECK(pieces[3] == "// 3. Three");
  CHECK(source_pieces({}, {1}).size() == 1);
  pieces = source_pieces(  // the head of a function goes with what it holds
      {"int a;\n\nvoid f(int b,\n       int c) {\n  // 1. One\n}\n\nvoid g() {\n  a;\n  if (b) {\n"
       "  // 2. Two\n"},
      {1, 2});
  CHECK(pieces[0] == "int a;");
  CHECK(pieces[1] ==
        "void f(int b,\n       int c) {\n  // 1. One\n}\n\nvoid g() {\n  a;\n  if (b) {");
  CHECK(pieces[2] == "  // 2. Two");
}
