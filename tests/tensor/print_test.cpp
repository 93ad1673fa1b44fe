// Printing is stable text: alignment, zeros without sign, special values, long axes, every dtype.
#include <doctest/doctest.h>

#include <limits>
#include <locale>
#include <sstream>

#include "lib/text.h"
#include "tensor/tensor.h"
#include "tensor/views.h"

using namespace qkv::tensor;

namespace {

Tensor doubles(const std::vector<double>& values) {
  return Tensor::of(values, {static_cast<int64_t>(values.size())});
}

// A German decimal comma and dots between thousands.
struct CommaPoint : std::numpunct<char> {
  char do_decimal_point() const override { return ','; }
  char do_thousands_sep() const override { return '.'; }
  std::string do_grouping() const override { return "\3"; }
};

}  // namespace

TEST_CASE("a matrix prints in aligned columns with four decimals") {
  const Tensor x = Tensor::of<float>({1, -2.5f, 3.14159f, 100}, {2, 2});
  CHECK(to_string(x) ==
        "[[  1.0000,  -2.5000],\n"
        " [  3.1416, 100.0000]]");
  CHECK(to_string(x, 1) ==
        "[[  1.0,  -2.5],\n"
        " [  3.1, 100.0]]");
  CHECK(to_string(x, 0) ==
        "[[  1,  -2],\n"
        " [  3, 100]]");
  CHECK(qkv::lib::str(x) == to_string(x));
}

TEST_CASE("a single number prints without brackets") {
  CHECK(to_string(scalar(2.5)) == "2.5000");
  CHECK(to_string(scalar(7, Dtype::int64)) == "7");
}

TEST_CASE("blocks of three axes are set apart by a blank line") {
  CHECK(to_string(reshape(arange(8), {2, 2, 2})) ==
        "[[[0, 1],\n"
        "  [2, 3]],\n"
        "\n"
        " [[4, 5],\n"
        "  [6, 7]]]");
}

TEST_CASE("a number that rounds to zero has no sign") {
  CHECK(to_string(doubles({-0.0, 0.0, -0.00001, 0.00001})) == "[0.0000, 0.0000, 0.0000, 0.0000]");
  CHECK(to_string(doubles({-0.0001, -1e-300})) == "[-0.0001,  0.0000]");
  CHECK(to_string(doubles({-0.2}), 0) == "[0]");
}

TEST_CASE("infinities and NaN are words, whatever the sign of a NaN") {
  constexpr double inf = std::numeric_limits<double>::infinity();
  constexpr double nan = std::numeric_limits<double>::quiet_NaN();
  CHECK(to_string(doubles({1.5, inf, -inf, nan, -nan})) ==
        "[1.5000,    inf,   -inf,    nan,    nan]");
}

TEST_CASE("numbers from 1e8 on are written with an exponent") {
  CHECK(to_string(doubles({99999999, 1e8, -1.5e300})) ==
        "[99999999.0000,    1.0000e+08,  -1.5000e+300]");
}

TEST_CASE("whole numbers and truth values") {
  CHECK(to_string(Tensor::of<int64_t>({-5, 10, 0}, {3})) == "[-5, 10,  0]");
  CHECK(to_string(Tensor::of<int64_t>({std::numeric_limits<int64_t>::min()}, {1})) ==
        "[-9223372036854775808]");
  CHECK(to_string(Tensor::of<bool>({true, false}, {2})) == "[ true, false]");
}

TEST_CASE("empty tensors show their shape") {
  CHECK(to_string(zeros({0})) == "[] (0,)");
  CHECK(to_string(zeros({2, 0, 3})) == "[] (2, 0, 3)");
  CHECK(to_string(Tensor()) == "undefined");
}

TEST_CASE("axes longer than 12 are shortened and only shown elements count for the width") {
  CHECK(to_string(arange(12)) == "[ 0,  1,  2,  3,  4,  5,  6,  7,  8,  9, 10, 11]");
  CHECK(to_string(arange(13)) == "[ 0,  1,  2, ..., 10, 11, 12]");
  Tensor x = zeros({20}, Dtype::int64);
  slice(x, 0, 9, 10).fill_(123456);
  CHECK(to_string(x) == "[0, 0, 0, ..., 0, 0, 0]");
  CHECK(to_string(reshape(arange(28), {14, 2})) ==
        "[[ 0,  1],\n"
        " [ 2,  3],\n"
        " [ 4,  5],\n"
        " ...,\n"
        " [22, 23],\n"
        " [24, 25],\n"
        " [26, 27]]");
}

TEST_CASE("a view prints its own numbers") {
  const Tensor x = reshape(arange(12), {3, 4});
  CHECK(to_string(slice(transpose(x), 0, 1, 4, 2)) ==
        "[[ 1,  5,  9],\n"
        " [ 3,  7, 11]]");
  CHECK(to_string(expand(scalar(1), {2, 2})) ==
        "[[1.0000, 1.0000],\n"
        " [1.0000, 1.0000]]");
}

TEST_CASE("the locale does not change the text") {
  const std::locale before = std::locale::global(std::locale(std::locale(), new CommaPoint));
  const std::string fraction = to_string(scalar(12345.5)), whole = to_string(arange(1));
  std::locale::global(before);
  CHECK(fraction == "12345.5000");
  CHECK(whole == "[0]");
}
