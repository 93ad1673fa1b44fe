// str() writes its arguments one after the other, fail() throws them.
#include "lib/text.h"

#include <doctest/doctest.h>

using qkv::lib::fail;
using qkv::lib::str;

TEST_CASE("str puts its arguments together as operator<< writes them") {
  CHECK(str("a") == "a");
  CHECK(str("size ", 3, ", ", -2.5, ' ', std::string("x")) == "size 3, -2.5 x");
}

TEST_CASE("fail throws std::invalid_argument with the text") {
  CHECK_THROWS_WITH_AS(fail("slice: step ", 0, "; need step >= 1"), "slice: step 0; need step >= 1",
                       std::invalid_argument);
}
