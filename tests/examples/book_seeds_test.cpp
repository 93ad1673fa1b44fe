// The last part of the book: what it quotes from a section stands there, or there is no book.
#include "examples/book/seeds.h"

#include <doctest/doctest.h>

#include "tests/compare.h"
#include "tests/xml.h"

using namespace qkv::examples;
using qkv::tests::count;
using qkv::tests::refusal;

namespace {

// Two sections: 8.1 and 8.2.
std::vector<Chapter> chapters() {
  const std::string output =
      R"({"block": "section", "number": 1, "title": "The tokens"}
{"block": "say", "text": "Positive  numbers that add up to 1."}
{"block": "section", "number": 2, "title": "A < B"}
{"block": "formula", "text": "S_ij = Q_i . K_j"}
{"block": "table", "rows": [["row 1", "token 1"], ["the printout", ".48"]]}
)";
  return {read_chapter("examples/08_test.cpp", {"// Chapter 8. Test: a test.\n"}, output)};
}

std::string table(const std::string& row) {
  return "# Where <it> comes from\n\nTwo & documents.\n\n## First: \"one\"\n\n"
         "| seed | statement | chapter | what the book says | note |\n|---|---|---|---|---|\n" +
         row + "\n";
}

std::string refused(const std::string& row) {
  return refusal([&] { (void)seeds_html(table(row), chapters()); });
}

}  // namespace

TEST_CASE("book's seeds: a row is a row of a table, with links to its sections") {
  const std::string html =
      seeds_html(table("| first | Sums <are> 1. | 8.1, 8.2 | numbers that add up to 1 | so & so |"),
                 chapters());
  CHECK(qkv::tests::xml_fault(html) == "");
  CHECK(count(html, "<a href=\"#section-8-1\">8.1</a>, <a href=\"#section-8-2\">8.2</a>") == 1);
  CHECK(count(html, "<td>Sums &lt;are&gt; 1.</td>") == 1);
  CHECK(count(html, "<td>so &amp; so</td>") == 1);
  CHECK(count(html, "<tr>") == 2);
  CHECK(count(html, "<h2 id=\"title-seeds\">Where &lt;it&gt; comes from</h2>") == 1);
}

TEST_CASE("book's seeds: sentences, titles, formulas and tables can be quoted") {
  for (const std::string row :
       {"| s | t | 8.1 | The tokens | |", "| s | t | 8.2 | S_ij = Q_i . K_j | |",
        "| s | t | 8.2 | the printout .48 | |", "| s | t | 8.1,8.2 | Positive numbers | |"}) {
    CHECK(count(seeds_html(table(row), chapters()), "<tr>") == 2);
  }
}

TEST_CASE("book's seeds: what is not said is refused, and named") {
  CHECK(refused("| s | t | 8.1 | numbers that add up to 2 | |") ==
        "seeds: section 8.1 does not say 'numbers that add up to 2'");
  CHECK(refused("| s | t | 8.2 | Positive numbers | |").find("section 8.2 does not say") !=
        std::string::npos);
  CHECK(refused("| s | t | 8.3 | x | |") == "seeds: there is no section 8.3");
  CHECK(refused("| s | t | 8.1, 9 | The tokens | |") == "seeds: there is no section  9");
  CHECK(refused("| s | t | 8.1 | The tokens |").find("seeds: not five columns") == 0);
}
