// Points survive the way from process to process bit for bit; what is no point is refused; means
// and ranges are those of the right numbers.
#include "examples/studies/results.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

using namespace qkv::examples;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();

Point point(const char* line, double x, double y) { return {line, x, {{"y", y}}}; }

std::string refusal_of(const std::string& output) {
  try {
    static_cast<void>(parse_points("the job", output));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "taken";
}

}  // namespace

TEST_CASE("points read back exactly") {
  const Point first = {
      "a \"line\" of 1/\u221aD", 0.1, {{"b", 1.0 / 3}, {"a", 5e-324}, {"c", -0.0}}};
  const Point second = {"", -1e300, {{"nan", kNan}, {"inf", kInf}, {"-inf", -kInf}}};
  const std::vector<Point> back =
      parse_points("job", point_json(first) + "\n" + point_json(second) + "\n");
  REQUIRE(back.size() == 2);
  CHECK(back[0].line == first.line);
  CHECK(back[0].x == first.x);
  CHECK(back[0].values == first.values);
  CHECK(std::signbit(back[0].values[2].second));
  CHECK(back[1].x == second.x);
  CHECK(std::isnan(back[1].values[0].second));
  CHECK(back[1].values[1].second == kInf);
  CHECK(back[1].values[2].second == -kInf);
  CHECK(point_json({"bytes \xff", 1, {}}).find("bytes") != std::string::npos);
  CHECK(parse_points("job", "").empty());
}

TEST_CASE("a point may bring a map") {
  const ChartMap map = {"head 1", {"a", "b"}, {"c"}, {0.1, kNan}};
  const std::vector<Point> back = parse_points("job", point_json({"line", 2, {}, map}));
  REQUIRE(back.size() == 1);
  REQUIRE(back[0].map.has_value());
  CHECK(back[0].values.empty());
  CHECK(back[0].map->title == "head 1");
  CHECK(back[0].map->rows == map.rows);
  CHECK(back[0].map->columns == map.columns);
  CHECK(back[0].map->weights[0] == 0.1);
  CHECK(std::isnan(back[0].map->weights[1]));
  const Results results({{point("line", 2, 3)}, back});
  CHECK(results.maps().size() == 1);
  CHECK(results.at("line", 2, "y").count == 1);
  CHECK(results.has("y"));
  CHECK(!results.has("z"));
}

TEST_CASE("what is no point is refused, with the job and the line") {
  const std::string good = point_json(point("a", 1, 2)) + "\n";
  CHECK(refusal_of(good) == "taken");
  CHECK(refusal_of(good + "loss 0.5\x1b\n") ==
        "job 'the job' printed 'loss 0.5\\x1b', which is no point");
  for (const char* const bad :
       {"{}", "[]", "3", "{\"line\":\"a\"}", "{\"line\":1,\"x\":2}", "{\"line\":\"a\",\"x\":\"b\"}",
        "{\"line\":\"a\",\"x\":1,\"y\":[2]}", "{\"line\":\"a\",\"x\":1,\"y\":null}",
        "{\"line\":\"a\",\"x\":1,\"map\":{}}",
        "{\"line\":\"a\",\"x\":1,\"map\":{\"title\":\"t\",\"rows\":[\"r\"],\"columns\":[\"c\"],"
        "\"weights\":[1,2]}}",
        "{\"line\":\"a\",\"x\":1", "\n"}) {
    CHECK_MESSAGE(refusal_of(std::string(bad) + "\n") != "taken", bad);
  }
}

TEST_CASE("spread: mean, sample deviation, smallest and largest") {
  const Spread s = spread_of({1, 2, 6});
  CHECK(s.count == 3);
  CHECK(s.mean == 3);
  CHECK(std::abs(s.deviation - std::sqrt(7.0)) <= 1e-12);
  CHECK(s.low == 1);
  CHECK(s.high == 6);
  CHECK(spread_of({5}).deviation == 0);
  CHECK(spread_of({5}).low == 5);
  CHECK(std::isnan(spread_of({}).mean));
  CHECK(std::isnan(spread_of({1, kNan, 2}).mean));
  CHECK(std::isnan(spread_of({1, kNan, 2}).low));
  CHECK(spread_of({1, kNan, 2}).count == 3);
}

TEST_CASE("results gather what has the same line, x and measure, whichever job it comes from") {
  const Results results({{point("b", 8, 1), point("a", 2, 10), {"a", 4, {{"y", 20}, {"z", 7}}}},
                         {point("b", 8, 3), point("a", 4, 22)}});
  CHECK(results.lines() == std::vector<std::string>{"b", "a"});
  CHECK(results.xs() == std::vector<double>{2, 4, 8});
  CHECK(results.at("b", 8, "y").mean == 2);
  CHECK(results.at("b", 8, "y").count == 2);
  CHECK(results.at("a", 4, "y").low == 20);
  CHECK(results.at("a", 4, "z").count == 1);
  CHECK(results.at("b", 4, "y").count == 0);
  CHECK(results.at("c", 4, "y").count == 0);
}
