// A ruler along an axis of a chart: which ticks it has, and where a value stands.
//
//   linear   |----|----|----|     0   20   40   60         steps of 1, 2 or 5 times a power of ten
//   log2     |----|----|----|     4    8   16   32         powers of two
//   log10    |----|----|----|  1e-6 1e-4 0.01    1         powers of ten
#pragma once

#include <string>
#include <vector>

namespace qkv::examples {

enum class Scale { linear, log2, log10 };

struct Tick {
  double value;
  std::string label;
};

class Ruler {
 public:
  // Long enough for every value that has a place: a finite one, positive on a logarithmic scale.
  // Its ends are ticks. Values stand from `begin` to `end`, in pixels.
  Ruler(Scale scale, const std::vector<double>& values, double begin, double end);

  [[nodiscard]] bool empty() const { return empty_; }  // no value has a place
  [[nodiscard]] bool has_place(double value) const;
  [[nodiscard]] double at(double value) const;  // REQUIRES: has_place(value)
  [[nodiscard]] const std::vector<Tick>& ticks() const { return ticks_; }  // 2 to 11, growing

 private:
  [[nodiscard]] double position(double value) const;  // the value, or its logarithm
  void choose_ticks(double low, double high);

  Scale scale_;
  double begin_, end_;
  bool empty_;
  double low_ = 0, high_ = 1;  // positions of the ends
  std::vector<Tick> ticks_;
};

// A number for people: at most `digits` that count, but whole below a million; 1e-07 is written
// 1e-7, NaN "none".
[[nodiscard]] std::string short_number(double value, int digits = 4);

}  // namespace qkv::examples
