// A CHECK that fails shows what was compared, and one that holds costs one evaluation. The runner's
// own CHECK goes by its long name in this file, because lib/check.h defines the short one.
#define DOCTEST_CONFIG_NO_SHORT_MACRO_NAMES
#include <doctest/doctest.h>

#include "lib/check.h"

using qkv::lib::CheckError;

namespace {

template <class Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const CheckError& error) {
    return error.what();
  }
  return "nothing thrown";
}

bool ends_with(const std::string& text, const std::string& end) {
  return text.size() >= end.size() && text.substr(text.size() - end.size()) == end;
}

}  // namespace

DOCTEST_TEST_CASE("a failed comparison shows the expression and both values") {
  const int n = 3, m = 4;
  const std::string text = message_of([&] { CHECK(n == m); });
  DOCTEST_CHECK(ends_with(text, ": CHECK(n == m) failed: 3 == 4"));
  DOCTEST_CHECK(text.find("check_test.cpp:") != std::string::npos);
}

DOCTEST_TEST_CASE("every comparison is caught with its values") {
  const int n = 3, m = 4;
  DOCTEST_CHECK(ends_with(message_of([&] { CHECK(n != 3); }), "failed: 3 != 3"));
  DOCTEST_CHECK(ends_with(message_of([&] { CHECK(m < n); }), "failed: 4 < 3"));
  DOCTEST_CHECK(ends_with(message_of([&] { CHECK(m <= n); }), "failed: 4 <= 3"));
  DOCTEST_CHECK(ends_with(message_of([&] { CHECK(n > m); }), "failed: 3 > 4"));
  DOCTEST_CHECK(ends_with(message_of([&] { CHECK(n >= m); }), "failed: 3 >= 4"));
}

DOCTEST_TEST_CASE("sums and calls stand on either side of a comparison") {
  const std::string word = "abc";
  const std::string text = message_of([&] { CHECK(word.size() + 1 == word.size()); });
  DOCTEST_CHECK(ends_with(text, "CHECK(word.size() + 1 == word.size()) failed: 4 == 3"));
}

DOCTEST_TEST_CASE("a plain condition shows its value") {
  const bool ready = false;
  DOCTEST_CHECK(ends_with(message_of([&] { CHECK(ready); }), "CHECK(ready) failed: 0"));
}

DOCTEST_TEST_CASE("a comparison with NaN fails") {
  const double nan = std::stod("nan");
  DOCTEST_CHECK(ends_with(message_of([&] { CHECK(nan <= 1.0); }), "failed: nan <= 1"));
}

DOCTEST_TEST_CASE("what holds passes silently and is evaluated once") {
  int calls = 0;
  const auto count = [&] { return ++calls; };
  CHECK(count() == 1);
  CHECK(calls != 0);
  CHECK(calls > 0);
  CHECK(true);
  DOCTEST_CHECK(calls == 1);
}

DOCTEST_TEST_CASE("DCHECK is CHECK where it is switched on and not evaluated elsewhere") {
  int calls = 0;
  [[maybe_unused]] const auto count = [&] { return ++calls; };
#if defined(QKV_DCHECK)
  DOCTEST_CHECK(ends_with(message_of([&] { DCHECK(count() == 2); }), "failed: 1 == 2"));
  DOCTEST_CHECK(calls == 1);
#else
  DOCTEST_CHECK(message_of([&] { DCHECK(count() == 2); }) == "nothing thrown");
  DOCTEST_CHECK(calls == 0);
#endif
}

DOCTEST_TEST_CASE("a CheckError is a logic error and no user's mistake") {
  const CheckError error("text");
  DOCTEST_CHECK(dynamic_cast<const std::logic_error*>(&error) != nullptr);
  DOCTEST_CHECK(!std::is_base_of_v<std::invalid_argument, CheckError>);
}
