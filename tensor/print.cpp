// Printing, as numpy does it: brackets per axis, right-aligned columns, one width for all elements.
//
//   [[ 1.0000, -2.5000],        a blank line more for each axis before the last two
//    [    nan,  0.0000]]        a number that rounds to zero has no sign: -0.00001 prints 0.0000
//
// The text depends on the numbers alone, not on locale, strides or machine.
#include <algorithm>
#include <cmath>
#include <iomanip>
#include <locale>
#include <ostream>
#include <sstream>

#include "tensor/tensor.h"

namespace qkv::tensor {
namespace {

constexpr int64_t kLongAxis = 12;    // longer ones are shortened ...
constexpr int64_t kShownAtEnds = 3;  // ... to so many at either end
constexpr double kScientificFrom = 1e8;

std::string number(double x, int decimals) {
  if (std::isnan(x)) return "nan";  // whatever its sign bit
  if (std::isinf(x)) return x < 0 ? "-inf" : "inf";
  std::ostringstream out;
  out.imbue(std::locale::classic());
  out << (std::abs(x) < kScientificFrom ? std::fixed : std::scientific)
      << std::setprecision(decimals) << x;
  const std::string text = out.str();
  const bool is_zero = text.find_first_not_of("-0.") == std::string::npos;
  return is_zero && text[0] == '-' ? text.substr(1) : text;
}

std::string number(float x, int decimals) { return number(double{x}, decimals); }
std::string number(int64_t x, int) { return std::to_string(x); }
std::string number(bool x, int) { return x ? "true" : "false"; }

class Printer {
 public:
  Printer(const Tensor& t, int decimals) : t_(t), decimals_(decimals) {}

  // Written twice: the first time, with no width given, finds the widest element.
  std::string print() {
    write(0, 0);
    width_ = widest_;
    text_.clear();
    write(0, 0);
    return text_;
  }

 private:
  // The part of t below `axis` whose first element lies `at` elements from t's first.
  void write(int axis, int64_t at) {
    if (axis == t_.rank()) return write_element(at);
    const int64_t size = t_.shape()[axis];
    const bool is_long = size > kLongAxis;
    text_ += '[';
    for (int64_t i = 0; i < size; ++i) {
      if (i > 0) write_separator(axis);
      if (is_long && i == kShownAtEnds) {
        text_ += "...";
        i = size - kShownAtEnds - 1;
      } else {
        write(axis + 1, at + i * t_.strides()[axis]);
      }
    }
    text_ += ']';
  }

  void write_separator(int axis) {
    const int lines = t_.rank() - 1 - axis;
    text_ += lines == 0 ? ", " : ",";
    if (lines == 0) return;
    text_.append(static_cast<size_t>(lines), '\n');
    text_.append(static_cast<size_t>(axis) + 1, ' ');
  }

  void write_element(int64_t at) {
    const std::string element =
        dispatch(t_.dtype(), [&]<class T>(T) { return number(t_.data<T>()[at], decimals_); });
    widest_ = std::max(widest_, element.size());
    if (element.size() < width_) text_.append(width_ - element.size(), ' ');
    text_ += element;
  }

  const Tensor& t_;
  int decimals_;
  size_t width_ = 0, widest_ = 0;
  std::string text_;
};

}  // namespace

std::string to_string(const Tensor& t, int decimals) {
  if (!t.defined()) return "undefined";
  if (t.numel() == 0) return "[] " + t.shape().str();
  return Printer(t, decimals).print();
}

std::ostream& operator<<(std::ostream& out, const Tensor& t) { return out << to_string(t); }

}  // namespace qkv::tensor
