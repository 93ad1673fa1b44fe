// for_each_row: every element of every operand is visited once, in row-major order, in rows as long
// as the strides allow.
#include "tensor/strided.h"

#include <doctest/doctest.h>

#include <vector>

using namespace qkv::tensor;

namespace {

struct Visit {
  int rows = 0;
  std::vector<int64_t> first, second;  // where the two operands are read, in order
};

Visit visit(const Shape& shape, const Strides& a, const Strides& b) {
  Visit v;
  for_each_row<2>(shape, {a, b}, [&](int64_t n, PerOperand<2> at, PerOperand<2> step) {
    v.rows += 1;
    for (int64_t i = 0; i < n; ++i) {
      v.first.push_back(at[0] + i * step[0]);
      v.second.push_back(at[1] + i * step[1]);
    }
  });
  return v;
}

// Where the elements of a shape lie, in row-major order, by the formula: Σ index * stride.
std::vector<int64_t> places(const Shape& shape, const Strides& strides) {
  std::vector<int64_t> list;
  for (int64_t flat = 0; flat < shape.numel(); ++flat) {
    int64_t rest = flat, place = 0;
    for (int k = 1; k <= shape.rank(); ++k) {
      place += rest % shape.from_end(k) * strides.from_end(k);
      rest /= shape.from_end(k);
    }
    list.push_back(place);
  }
  return list;
}

}  // namespace

TEST_CASE("every element is visited once and in row-major order, whatever the strides") {
  struct Case {
    Shape shape;
    Strides a, b;
  };
  for (const Case& c :
       {Case{{}, {}, {}}, Case{{5}, {1}, {-2}}, Case{{2, 3}, {3, 1}, {0, 1}},
        Case{{2, 3}, {1, 2}, {3, 1}}, Case{{1, 1, 1}, {7, 7, 7}, {0, 0, 0}},
        Case{{2, 3, 4}, {12, 4, 1}, {0, 4, 1}}, Case{{2, 3, 4}, {1, 2, 6}, {5, 0, 9}},
        Case{{3, 1, 5, 1}, {5, 99, 1, 99}, {1, 0, 3, 0}},
        Case{{2, 2, 2, 2, 2, 2, 2, 2},
             {128, 64, 32, 16, 8, 4, 2, 1},
             {1, 2, 4, 8, 16, 32, 64, 128}}}) {
    INFO("shape ", c.shape.str());
    const Visit v = visit(c.shape, c.a, c.b);
    CHECK(v.first == places(c.shape, c.a));
    CHECK(v.second == places(c.shape, c.b));
  }
}

TEST_CASE("axes that lie behind one another for all operands make one row") {
  CHECK(visit({2, 3, 4}, {12, 4, 1}, {12, 4, 1}).rows == 1);
  CHECK(visit({2, 1, 4}, {4, 0, 1}, {4, 77, 1}).rows == 1);
  CHECK(visit({2, 3, 4}, {12, 4, 1}, {0, 0, 0}).rows == 1);  // one number, repeated
  CHECK(visit({2, 3, 4}, {12, 4, 1}, {0, 4, 1}).rows == 2);
  CHECK(visit({2, 3, 4}, {12, 4, 1}, {12, 4, 2}).rows == 6);
  CHECK(visit({}, {}, {}).rows == 1);
}

TEST_CASE("an empty shape has no rows") {
  CHECK(visit({0}, {1}, {1}).rows == 0);
  CHECK(visit({3, 0, 2}, {2, 2, 1}, {0, 0, 0}).rows == 0);
}

TEST_CASE("a broadcast axis gets stride 0") {
  CHECK(broadcast_strides({3, 4}, {4, 1}, {2, 3, 4}) == Strides{0, 4, 1});
  CHECK(broadcast_strides({3, 1}, {1, 1}, {3, 5}) == Strides{1, 0});
  CHECK(broadcast_strides({}, {}, {2, 3}) == Strides{0, 0});
  CHECK(broadcast_strides({1}, {1}, {0}) == Strides{0});
  CHECK(broadcast_strides({2, 3}, {1, 2}, {2, 3}) == Strides{1, 2});
}
