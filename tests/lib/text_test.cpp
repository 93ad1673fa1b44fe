// str() writes its arguments one after the other, fail() throws them.
#include "lib/text.h"

#include <doctest/doctest.h>

#include "tests/xml.h"

using namespace qkv::lib;
using qkv::tests::xml_fault;

TEST_CASE("str puts its arguments together as operator<< writes them") {
  CHECK(str("a") == "a");
  CHECK(str("size ", 3, ", ", -2.5, ' ', std::string("x")) == "size 3, -2.5 x");
}

TEST_CASE("fail throws std::invalid_argument with the text") {
  CHECK_THROWS_WITH_AS(fail("slice: step ", 0, "; need step >= 1"), "slice: step 0; need step >= 1",
                       std::invalid_argument);
}

TEST_CASE("what an XML document may hold, and what not") {
  for (const char* const good :
       {"", "plain\ttext\n", "1/\u221aD", "\u00e9", "\U0001f600", "\ufffd"}) {
    CHECK_MESSAGE(is_xml_utf8(good), good);
  }
  for (const char* const bad : {"\x1b[31m", "\x01", "\xff", "\x80", "\xc0\xaf", "\xc3", "a\xe2\x88",
                                "\xe2\x28\xa1", "\xed\xa0\x80", "\xe0\x80\xaf", "\xef\xbf\xbf",
                                "\xf0\x80\x80\xaf", "\xf4\x90\x80\x80", "\xf8\x88\x80\x80\x80"}) {
    CHECK_MESSAGE(!is_xml_utf8(bad), escaped(bad));
    CHECK(xml_escaped(bad) == escaped(bad));
  }
  CHECK(!is_xml_utf8(std::string(1, '\0')));
  CHECK(xml_escaped("<\u221a a=\"b\" & 'c'>") == "&lt;\u221a a=&quot;b&quot; &amp; 'c'&gt;");
}

TEST_CASE("the checker of XML finds what is wrong") {
  CHECK(xml_fault("<a b=\"c>\"><d/>e &amp; f</a>") == "");
  for (const char* const bad : {"<a>", "<a></b>", "</a>", "<a b=\"<\"/>", "<a>&</a>", "<a>&x;</a>",
                                "<a>\x1b</a>", "<a>></a>", "<a"}) {
    CHECK_MESSAGE(xml_fault(bad) != "", bad);
  }
}

TEST_CASE("columns are counted in characters, not bytes") {
  CHECK(columns_of("1/\u221aD") == 4);
  CHECK(left("\u221aD", 4) == "\u221aD  ");
  CHECK(right("\u221aD", 4) == "  \u221aD");
  CHECK(right("too long", 4) == "too long");
}
