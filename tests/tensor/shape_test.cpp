// Shapes: construction, counting without overflow, strides, broadcasting, axes, and the messages.
#include "tensor/shape.h"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>
#include <vector>

#include "lib/text.h"

using namespace qkv::tensor;

namespace {
constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();
}  // namespace

TEST_CASE("a shape knows its axes from both ends") {
  const Shape shape{2, 3, 4};
  CHECK(shape.rank() == 3);
  CHECK(shape[0] == 2);
  CHECK(shape.from_end(1) == 4);
  CHECK(shape.from_end(3) == 2);
  CHECK(std::vector<int64_t>(shape.begin(), shape.end()) == std::vector<int64_t>{2, 3, 4});
}

TEST_CASE("the number of elements") {
  CHECK(Shape{}.numel() == 1);
  CHECK(Shape{7}.numel() == 7);
  CHECK(Shape{2, 3, 4}.numel() == 24);
  CHECK(Shape{2, 0, 4}.numel() == 0);
  CHECK(Shape{int64_t{1} << 30, int64_t{1} << 30}.numel() == int64_t{1} << 60);
}

TEST_CASE("a product that is too large is refused and never overflows") {
  CHECK_THROWS_WITH_AS(static_cast<void>(Shape{int64_t{1} << 32, int64_t{1} << 32}.numel()),
                       "shape: (4294967296, 4294967296) has more than 2^60 elements",
                       std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(Shape{(int64_t{1} << 60) + 1}.numel()), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(Shape{kHuge, kHuge, kHuge}.numel()), std::invalid_argument);
  for (const Shape& shape : {Shape{0, kHuge, 2}, Shape{kHuge, 2, 0}, Shape{kHuge, 0, 2}}) {
    CHECK_THROWS_WITH_AS(
        static_cast<void>(shape.numel()),
        qkv::lib::str("shape: ", shape, " has more than 2^60 elements, its zeros left out").c_str(),
        std::invalid_argument);
  }
}

TEST_CASE("a negative size is refused, also next to a zero") {
  CHECK_THROWS_WITH_AS(static_cast<void>(Shape{2, -1}.numel()), "shape: negative size in (2, -1)",
                       std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(Shape{0, -1}.numel()), std::invalid_argument);
}

TEST_CASE("there are at most 8 axes") {
  Shape shape{1, 2, 3, 4, 5, 6, 7, 8};
  CHECK(shape.rank() == kMaxRank);
  CHECK_THROWS_WITH_AS((Shape{1, 2, 3, 4, 5, 6, 7, 8, 9}), "shape: 9 axes; a tensor has at most 8",
                       std::invalid_argument);
  CHECK_THROWS_WITH_AS(shape.push_back(9), "shape: 9 axes; a tensor has at most 8",
                       std::invalid_argument);
  CHECK_THROWS_AS(shape.insert(0, 9), std::invalid_argument);
}

TEST_CASE("axes are inserted and erased in place") {
  Shape shape{2, 3};
  shape.push_back(5);
  CHECK(shape == Shape{2, 3, 5});
  shape.insert(0, 7);
  CHECK(shape == Shape{7, 2, 3, 5});
  shape.insert(2, 1);
  CHECK(shape == Shape{7, 2, 1, 3, 5});
  shape.erase(0);
  CHECK(shape == Shape{2, 1, 3, 5});
  shape.erase(3);
  CHECK(shape == Shape{2, 1, 3});
}

#if defined(QKV_DCHECK)
TEST_CASE("an axis outside is no place to insert or erase") {
  Shape shape{2, 3};
  for (const int axis : {-1, 3}) CHECK_THROWS_AS(shape.insert(axis, 1), std::logic_error);
  for (const int axis : {-1, 2}) CHECK_THROWS_AS(shape.erase(axis), std::logic_error);
  CHECK(shape == Shape{2, 3});
}
#endif

TEST_CASE("shapes are equal if all sizes are") {
  CHECK(Shape{2, 3} == Shape{2, 3});
  CHECK(Shape{2, 3} != Shape{3, 2});
  CHECK(Shape{2} != Shape{2, 1});
  CHECK(Shape{} != Shape{1});
  Shape erased{2, 3, 4};
  erased.erase(2);
  CHECK(erased == Shape{2, 3});
}

TEST_CASE("a shape prints as a tuple") {
  CHECK(Shape{}.str() == "()");
  CHECK(Shape{3}.str() == "(3,)");
  CHECK(Shape{2, 3}.str() == "(2, 3)");
}

TEST_CASE("row-major strides") {
  CHECK(row_major_strides({}) == Strides{});
  CHECK(row_major_strides({2, 3, 4}) == Strides{12, 4, 1});
  CHECK(row_major_strides({5, 1, 7}) == Strides{7, 7, 1});
  CHECK(row_major_strides({2, 0, 4}) == Strides{4, 4, 1});
}

TEST_CASE("broadcasting aligns at the last axis") {
  CHECK(broadcast_shapes("add", {8, 1, 6}, {7, 1}) == Shape{8, 7, 6});
  CHECK(broadcast_shapes("add", {7, 1}, {8, 1, 6}) == Shape{8, 7, 6});
  CHECK(broadcast_shapes("add", {}, {2, 3}) == Shape{2, 3});
  CHECK(broadcast_shapes("add", {}, {}) == Shape{});
  CHECK(broadcast_shapes("add", {3, 1}, {0}) == Shape{3, 0});
  CHECK(broadcast_shapes("add", {1}, {1, 1}) == Shape{1, 1});
}

TEST_CASE("shapes that do not broadcast are refused with the axis that does not fit") {
  CHECK_THROWS_WITH_AS(static_cast<void>(broadcast_shapes("add", {2, 3, 5}, {4, 5})),
                       "add: shapes do not broadcast: (2, 3, 5) and (4, 5); counted from the end, "
                       "axis 2 has sizes 3 and 4, which must be equal or one of them 1",
                       std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(broadcast_shapes("add", {0}, {2})), std::invalid_argument);
}

TEST_CASE("a negative axis counts from the end") {
  CHECK(normalize_axis("sum", 0, 3) == 0);
  CHECK(normalize_axis("sum", 2, 3) == 2);
  CHECK(normalize_axis("sum", -1, 3) == 2);
  CHECK(normalize_axis("sum", -3, 3) == 0);
  for (const int axis : {3, -4, 100}) {
    CHECK_THROWS_WITH_AS(static_cast<void>(normalize_axis("sum", axis, 3)),
                         qkv::lib::str("sum: axis ", axis, " is out of range for a tensor of rank ",
                                       "3; need -3 <= axis < 3")
                             .c_str(),
                         std::invalid_argument);
  }
  CHECK_THROWS_AS(static_cast<void>(normalize_axis("sum", 0, 0)), std::invalid_argument);
}
