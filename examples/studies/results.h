// What a study finds. Its jobs print points; those of the same line and place, from different
// seeds, are gathered to a mean and a range.
//
//   job seed=1   {"line":"LSTM","x":16,"norm":0.0031}      one JSON object on a line
//   job seed=2   {"line":"LSTM","x":16,"norm":0.0029}      -> norm of LSTM at 16: 0.003, from
//                                                             0.0029 to 0.0031
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "examples/studies/chart.h"

namespace qkv::examples {

struct Point {
  std::string line;  // of the chart: a model, or a way to do something
  double x = 0;      // a length, a width, ...
  std::vector<std::pair<std::string, double>> values;  // measures by name; may be NaN, infinite
  std::optional<ChartMap> map = {};                    // where the model looks
};

// One JSON object without a newline. Numbers read back as the same doubles.
[[nodiscard]] std::string point_json(const Point& point);

// What a job has printed. Throws std::runtime_error naming the job and the first line that is no
// point.
[[nodiscard]] std::vector<Point> parse_points(const std::string& job, const std::string& output);

// The same measure, at the same place, with different seeds.
struct Spread {
  int64_t count = 0;
  double mean = 0, deviation = 0;  // of the sample: divided by count - 1; 0 of a single number
  double low = 0, high = 0;        // the smallest and the largest
};

// Everything but the count is NaN if one of the numbers is NaN, or if there is none.
[[nodiscard]] Spread spread_of(const std::vector<double>& numbers);

// The number in the middle of the sorted ones; of an even number of them the upper of the two.
// REQUIRES: there is one.
[[nodiscard]] double median_of(std::vector<double> numbers);

class Results {
 public:
  explicit Results(const std::vector<std::vector<Point>>& jobs);

  [[nodiscard]] const std::vector<std::string>& lines() const { return lines_; }  // as they came
  [[nodiscard]] const std::vector<double>& xs() const { return xs_; }             // growing
  [[nodiscard]] std::vector<ChartMap> maps() const;                               // as they came
  [[nodiscard]] bool has(const std::string& measure) const;                       // anywhere
  [[nodiscard]] bool has(const std::string& measure, double x) const;             // on any line
  [[nodiscard]] Spread at(const std::string& line, double x, const std::string& measure) const;

 private:
  std::vector<Point> points_;
  std::vector<std::string> lines_;
  std::vector<double> xs_;
};

}  // namespace qkv::examples
