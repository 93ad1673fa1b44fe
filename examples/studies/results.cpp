// Points to JSON and back, and their statistics.
#include "examples/studies/results.h"

#include <algorithm>
#include <cmath>
#include <limits>
#include <nlohmann/json.hpp>
#include <sstream>
#include <stdexcept>

#include "lib/text.h"

namespace qkv::examples {
namespace {

using Json = nlohmann::ordered_json;

// JSON has no infinities: those are words, as in the metrics of a training run.
Json number_json(double value) {
  if (std::isnan(value)) return "nan";
  if (std::isinf(value)) return value > 0 ? "inf" : "-inf";
  return value;
}

double parse_number(const Json& json) {
  constexpr double kInf = std::numeric_limits<double>::infinity();
  if (json == "nan") return std::numeric_limits<double>::quiet_NaN();
  if (json == "inf") return kInf;
  if (json == "-inf") return -kInf;
  return json.get<double>();  // throws for anything but a number
}

ChartMap parse_map(const Json& json) {
  ChartMap map = {json.at("title").get<std::string>(),
                  json.at("rows").get<std::vector<std::string>>(),
                  json.at("columns").get<std::vector<std::string>>(),
                  {}};
  for (const Json& weight : json.at("weights")) map.weights.push_back(parse_number(weight));
  if (map.weights.size() != map.rows.size() * map.columns.size()) {
    throw std::runtime_error("a weight for each row and column is missing");
  }
  return map;
}

Json map_json(const ChartMap& map) {
  Json weights = Json::array();
  for (const double weight : map.weights) weights.push_back(number_json(weight));
  return {{"title", map.title}, {"rows", map.rows}, {"columns", map.columns}, {"weights", weights}};
}

Point parse_point(const std::string& text) {
  const Json json = Json::parse(text);
  Point point = {json.at("line").get<std::string>(), parse_number(json.at("x")), {}, {}};
  for (const auto& [key, value] : json.items()) {
    if (key == "map") {
      point.map = parse_map(value);
    } else if (key != "line" && key != "x") {
      point.values.emplace_back(key, parse_number(value));
    }
  }
  return point;
}

}  // namespace

std::string point_json(const Point& point) {
  Json json = {{"line", point.line}, {"x", number_json(point.x)}};
  for (const auto& [measure, value] : point.values) json[measure] = number_json(value);
  if (point.map) json["map"] = map_json(*point.map);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::vector<Point> parse_points(const std::string& job, const std::string& output) {
  std::vector<Point> points;
  std::istringstream lines(output);
  for (std::string line; std::getline(lines, line);) {
    try {
      points.push_back(parse_point(line));
    } catch (const std::exception&) {
      throw std::runtime_error(lib::str("job '", lib::escaped(job), "' printed '",
                                        lib::escaped(line.substr(0, 80)), "', which is no point"));
    }
  }
  return points;
}

Spread spread_of(const std::vector<double>& numbers) {
  constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
  const auto count = static_cast<int64_t>(numbers.size());
  const bool any_nan =
      std::any_of(numbers.begin(), numbers.end(), [](double x) { return std::isnan(x); });
  if (count == 0 || any_nan) return {count, kNan, kNan, kNan, kNan};
  const auto n = static_cast<double>(count);
  double sum = 0, squares = 0;
  for (const double x : numbers) sum += x;
  for (const double x : numbers) squares += (x - sum / n) * (x - sum / n);
  const auto [low, high] = std::minmax_element(numbers.begin(), numbers.end());
  return {count, sum / n, count > 1 ? std::sqrt(squares / (n - 1)) : 0, *low, *high};
}

double median_of(std::vector<double> numbers) {
  const auto middle = numbers.begin() + static_cast<std::ptrdiff_t>(numbers.size() / 2);
  std::nth_element(numbers.begin(), middle, numbers.end());
  return *middle;
}

Results::Results(const std::vector<std::vector<Point>>& jobs) {
  for (const std::vector<Point>& points : jobs) {
    for (const Point& point : points) {
      points_.push_back(point);
      if (std::find(lines_.begin(), lines_.end(), point.line) == lines_.end()) {
        lines_.push_back(point.line);
      }
      if (!std::isnan(point.x)) xs_.push_back(point.x);
    }
  }
  std::sort(xs_.begin(), xs_.end());
  xs_.erase(std::unique(xs_.begin(), xs_.end()), xs_.end());
}

std::vector<ChartMap> Results::maps() const {
  std::vector<ChartMap> maps;
  for (const Point& point : points_) {
    if (point.map) maps.push_back(*point.map);
  }
  return maps;
}

bool Results::has(const std::string& measure) const {
  return std::any_of(points_.begin(), points_.end(), [&](const Point& point) {
    return std::any_of(point.values.begin(), point.values.end(),
                       [&](const auto& value) { return value.first == measure; });
  });
}

bool Results::has(const std::string& measure, double x) const {
  return std::any_of(lines_.begin(), lines_.end(),
                     [&](const std::string& line) { return at(line, x, measure).count > 0; });
}

Spread Results::at(const std::string& line, double x, const std::string& measure) const {
  std::vector<double> numbers;
  for (const Point& point : points_) {
    if (point.line != line || point.x != x) continue;
    for (const auto& [name, value] : point.values) {
      if (name == measure) numbers.push_back(value);
    }
  }
  return spread_of(numbers);
}

}  // namespace qkv::examples
