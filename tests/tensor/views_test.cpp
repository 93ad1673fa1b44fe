// Views: which numbers they show, that they share storage, and when reshape has to copy.
#include "tensor/views.h"

#include <doctest/doctest.h>

#include <limits>
#include <stdexcept>

#include "tests/compare.h"

using namespace qkv::tensor;
using Numbers = std::vector<double>;
using qkv::tests::refusal;

namespace {

constexpr int64_t kHuge = std::numeric_limits<int64_t>::max();

// 0, 1, 2, ... in a shape.
Tensor counting(const Shape& shape) { return reshape(arange(shape.numel()), shape); }

}  // namespace

TEST_CASE("reshape of a row-major tensor shares its storage") {
  const Tensor x = counting({2, 3, 4});
  for (const Shape& shape :
       {Shape{24}, Shape{6, 4}, Shape{4, 3, 2}, Shape{1, 24, 1}, Shape{2, 12}}) {
    const Tensor y = reshape(x, shape);
    CHECK(y.shape() == shape);
    CHECK(y.shares_storage_with(x));
    CHECK(y.is_contiguous());
    CHECK(y.to_vector() == x.to_vector());
  }
}

TEST_CASE("reshape works out one size") {
  const Tensor x = counting({2, 3, 4});
  CHECK(reshape(x, {-1}).shape() == Shape{24});
  CHECK(reshape(x, {4, -1}).shape() == Shape{4, 6});
  CHECK(reshape(x, {2, -1, 12}).shape() == Shape{2, 1, 12});
  CHECK(reshape(scalar(1), {-1}).shape() == Shape{1});
  CHECK(reshape(zeros({0, 3}), {-1, 5}).shape() == Shape{0, 5});
}

//   x   (2, 3, 8), left half of each row:  (2, 3, 4), strides (24, 8, 1)
TEST_CASE("reshape of a strided tensor is free if every size lies inside a run") {
  const Tensor x = slice(counting({2, 3, 8}), 2, 0, 4);
  for (const Shape& shape : {Shape{6, 4}, Shape{2, 3, 2, 2}, Shape{3, 2, 4}, Shape{6, 1, 4, 1}}) {
    const Tensor y = reshape(x, shape);
    CHECK(y.shares_storage_with(x));
    CHECK(y.to_vector() == x.to_vector());
  }
  for (const Shape& shape : {Shape{24}, Shape{2, 12}, Shape{4, 6}, Shape{3, 8}}) {
    const Tensor y = reshape(x, shape);
    CHECK(y.shape() == shape);
    CHECK(!y.shares_storage_with(x));
    CHECK(y.is_contiguous());
    CHECK(y.to_vector() == x.to_vector());
  }
}

TEST_CASE("reshape of a transposed tensor copies unless only axes of size 1 change") {
  const Tensor x = transpose(counting({3, 4}));
  CHECK(!reshape(x, {12}).shares_storage_with(x));
  CHECK(reshape(x, {12}).to_vector() == Numbers{0, 4, 8, 1, 5, 9, 2, 6, 10, 3, 7, 11});
  CHECK(reshape(x, {4, 1, 3, 1}).shares_storage_with(x));
  CHECK(reshape(x, {2, 2, 3}).shares_storage_with(x));
  CHECK(reshape(x, {2, 2, 3}).to_vector() == x.to_vector());
}

TEST_CASE("reshape keeps repeated axes repeated") {
  const Tensor x = expand(counting({3, 1}), {3, 4});
  CHECK(reshape(x, {3, 2, 2}).shares_storage_with(x));
  CHECK(reshape(x, {3, 2, 2}).to_vector() == x.to_vector());
  CHECK(!reshape(x, {12}).shares_storage_with(x));
  CHECK(reshape(x, {12}).to_vector() == x.to_vector());
}

TEST_CASE("reshape starts at the offset of the view") {
  const Tensor x = slice(counting({5, 3}), 0, 2, 4);
  CHECK(reshape(x, {3, 2}).to_vector() == Numbers{6, 7, 8, 9, 10, 11});
  CHECK(reshape(transpose(x), {6}).to_vector() == Numbers{6, 9, 7, 10, 8, 11});
}

TEST_CASE("reshape of a single number and of nothing") {
  CHECK(reshape(scalar(5), {1, 1}).to_vector() == Numbers{5});
  CHECK(reshape(counting({1, 1}), {}).shape() == Shape{});
  CHECK(reshape(slice(counting({4, 6}), 1, 2, 3), {4}).to_vector() == Numbers{2, 8, 14, 20});
  CHECK(reshape(zeros({3, 0, 2}), {0, 7}).shape() == Shape{0, 7});
}

TEST_CASE("reshape ignores the strides of axes of size 1") {
  const Tensor x = counting({4, 6});  // and every second number of it:
  for (const Tensor& y :
       {x.view({4, 1, 3}, {6, 99, 2}, 0), x.view({1, 4, 3, 1}, {7, 6, 2, 99}, 0)}) {
    CHECK(reshape(y, {12}).strides() == Strides{2});
    CHECK(reshape(y, {12}).shares_storage_with(x));
    CHECK(reshape(y, {1, 2, 1, 6, 1}).shares_storage_with(x));
    CHECK(reshape(y, {1, 2, 1, 6, 1}).to_vector() ==
          Numbers{0, 2, 4, 6, 8, 10, 12, 14, 16, 18, 20, 22});
  }
}

TEST_CASE("reshape refuses what does not fit") {
  const Tensor x = zeros({2, 3});
  CHECK(refusal([&] {
          return reshape(x, {4, 2});
        }) == "reshape: cannot see (2, 3) as (4, 2); it has 6 elements, not 8");
  CHECK(refusal([&] {
          return reshape(x, {4, -1});
        }) == "reshape: cannot see (2, 3) as (4, -1); its 6 elements are not a multiple of 4");
  CHECK(refusal([&] {
          return reshape(x, {-1, -1});
        }) == "reshape: cannot see (2, 3) as (-1, -1); only one size may be -1");
  CHECK(refusal([&] {
          return reshape(x, {-2, 3});
        }) == "reshape: cannot see (2, 3) as (-2, 3); only one size may be -1");
  CHECK(refusal([&] {
          return reshape(zeros({0}), {0, -1});
        }) == "reshape: the -1 in (0, -1) is ambiguous next to a size of 0");
  CHECK(refusal([&] {
          return reshape(x, {kHuge, 2});
        }) == "shape: (9223372036854775807, 2) has more than 2^60 elements");
}

TEST_CASE("transpose exchanges two axes and nothing moves") {
  const Tensor x = counting({2, 3});
  CHECK(transpose(x).shape() == Shape{3, 2});
  CHECK(transpose(x).shares_storage_with(x));
  CHECK(transpose(x).to_vector() == Numbers{0, 3, 1, 4, 2, 5});
  CHECK(transpose(counting({2, 3, 4}), 0, 2).shape() == Shape{4, 3, 2});
  CHECK(transpose(counting({2, 3, 4}), 0, 2).at({3, 1, 1}) == 1 * 12 + 1 * 4 + 3);
  CHECK(transpose(x, 1, 1).to_vector() == x.to_vector());
  CHECK(refusal([&] { return transpose(counting({3})); }) ==
        "transpose: axis -2 is out of range for a tensor of rank 1; need -1 <= axis < 1");
}

TEST_CASE("permute reorders all axes") {
  const Tensor x = counting({2, 3, 4}), y = permute(x, {2, 0, 1});
  CHECK(y.shape() == Shape{4, 2, 3});
  CHECK(y.shares_storage_with(x));
  CHECK(y.at({3, 1, 2}) == x.at({1, 2, 3}));
  CHECK(permute(x, {-1, 0, -2}).to_vector() == y.to_vector());
  CHECK(permute(scalar(3), {}).item() == 3);
  CHECK(refusal([&] {
          return permute(x, {0, 1});
        }) == "permute: the order names 2 axes of (2, 3, 4); need all 3");
  CHECK(refusal([&] { return permute(x, {0, 1, -2}); }) == "permute: axis -2 is named twice");
  CHECK(refusal([&] {
          return permute(x, {0, 1, 3});
        }) == "permute: axis 3 is out of range for a tensor of rank 3; need -3 <= axis < 3");
}

TEST_CASE("slice takes begin, begin + step, ... before end") {
  const Tensor x = counting({7});
  CHECK(slice(x, 0, 1, 6, 2).to_vector() == Numbers{1, 3, 5});
  CHECK(slice(x, 0, 1, 5, 2).to_vector() == Numbers{1, 3});
  CHECK(slice(x, 0, 0, 7, 3).to_vector() == Numbers{0, 3, 6});
  CHECK(slice(x, 0, 2, 5).to_vector() == Numbers{2, 3, 4});
  CHECK(slice(x, 0, -3, -1).to_vector() == Numbers{4, 5});
  CHECK(slice(x, 0, 2, 7, kHuge).to_vector() == Numbers{2});
  CHECK(slice(slice(x, 0, 1, 7, 2), 0, 1, 3, 1).to_vector() == Numbers{3, 5});
  CHECK(slice(x, 0, 2, 5).shares_storage_with(x));
}

TEST_CASE("slice along an inner axis and down to nothing") {
  const Tensor x = counting({2, 5, 3});
  CHECK(slice(x, 1, 1, 5, 3).to_vector() == Numbers{3, 4, 5, 12, 13, 14, 18, 19, 20, 27, 28, 29});
  CHECK(slice(x, -1, 2, 3).to_vector() == Numbers{2, 5, 8, 11, 14, 17, 20, 23, 26, 29});
  for (const int64_t place : {0, 3, 5}) {
    CHECK(slice(x, 1, place, place).shape() == Shape{2, 0, 3});
    CHECK(slice(x, 1, place, place).to_vector().empty());
    CHECK(slice(x, 1, place, place).offset() == 0);  // never beyond the storage
  }
  CHECK(slice(zeros({0}), 0, 0, 0, 4).numel() == 0);
}

TEST_CASE("slice refuses a window that is outside or backwards") {
  const Tensor x = counting({2, 5});
  CHECK(refusal([&] { return slice(x, 1, 2, 6); }) ==
        "slice: begin 2, end 6 along axis 1 of (2, 5); "
        "need 0 <= begin <= end <= 5 (negative ones count from the end)");
  CHECK_THROWS_AS(static_cast<void>(slice(x, 1, 3, 2)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(slice(x, 1, -6, 2)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(slice(x, 1, 0, -6)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(slice(x, 1, -kHuge - 1, kHuge)), std::invalid_argument);
  CHECK(refusal([&] { return slice(x, 1, 0, 5, 0); }) == "slice: step 0; need step >= 1");
  CHECK(refusal([&] { return slice(x, 2, 0, 1); }) ==
        "slice: axis 2 is out of range for a tensor of rank 2; need -2 <= axis < 2");
}

TEST_CASE("select removes the axis") {
  const Tensor x = counting({2, 3, 4});
  CHECK(select(x, 0, 1).shape() == Shape{3, 4});
  CHECK(select(x, 1, 2).to_vector() == Numbers{8, 9, 10, 11, 20, 21, 22, 23});
  CHECK(select(x, -1, 3).to_vector() == Numbers{3, 7, 11, 15, 19, 23});
  CHECK(select(x, 0, -1).to_vector() == select(x, 0, 1).to_vector());
  CHECK(select(counting({3}), 0, 2).item() == 2);
  CHECK(select(x, 0, 0).shares_storage_with(x));
  CHECK(refusal([&] { return select(x, 1, 3); }) ==
        "select: index 3 along axis 1 of (2, 3, 4); need -3 <= index < 3");
  CHECK_THROWS_AS(static_cast<void>(select(x, 1, -4)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(select(zeros({0, 2}), 0, 0)), std::invalid_argument);
}

TEST_CASE("expand repeats axes of size 1 without storage") {
  const Tensor x = counting({3, 1}), y = expand(x, {2, 3, 2});
  CHECK(y.to_vector() == Numbers{0, 0, 1, 1, 2, 2, 0, 0, 1, 1, 2, 2});
  CHECK(y.strides() == Strides{0, 1, 0});
  CHECK(y.shares_storage_with(x));
  CHECK(expand(scalar(4), {5}).to_vector() == Numbers{4, 4, 4, 4, 4});
  CHECK(expand(x, {3, 0}).numel() == 0);
  CHECK(expand(transpose(counting({2, 3})), {2, 3, 2}).to_vector() ==
        Numbers{0, 3, 1, 4, 2, 5, 0, 3, 1, 4, 2, 5});
}

TEST_CASE("expand refuses to shrink or to change a size other than 1") {
  CHECK(refusal([&] {
          return expand(zeros({2, 3}), {2, 1});
        }) ==
        "expand: (2, 3) does not broadcast to (2, 1); "
        "only axes of size 1 are repeated, and none removed");
  CHECK_THROWS_AS(static_cast<void>(expand(zeros({2, 3}), {3})), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(expand(zeros({2}), {4})), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(expand(zeros({1}), {-1})), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(expand(zeros({1}), {kHuge, kHuge})), std::invalid_argument);
}

TEST_CASE("unsqueeze and squeeze undo one another") {
  const Tensor x = transpose(counting({2, 3}));
  for (const int axis : {0, 1, 2, -1, -2, -3}) {
    const Tensor y = unsqueeze(x, axis);
    CHECK(y.rank() == 3);
    CHECK(y.shape()[axis < 0 ? axis + 3 : axis] == 1);
    CHECK(y.to_vector() == x.to_vector());
    CHECK(squeeze(y, axis).shape() == x.shape());
    CHECK(squeeze(y, axis).shares_storage_with(x));
  }
  CHECK(unsqueeze(scalar(1), 0).shape() == Shape{1});
  CHECK(unsqueeze(counting({3}), 0).is_contiguous());
  CHECK(refusal([&] { return squeeze(x, 1); }) == "squeeze: axis 1 of (3, 2) has size 2; need 1");
  CHECK(refusal([&] { return unsqueeze(x, 3); }) ==
        "unsqueeze: axis 3 is out of range for a tensor of rank 3; need -3 <= axis < 3");
  CHECK(refusal([&] {
          return unsqueeze(zeros({1, 1, 1, 1, 1, 1, 1, 1}), 0);
        }) == "shape: 9 axes; a tensor has at most 8");
}

TEST_CASE("a write through a view is seen by all and counted once per storage") {
  const Tensor x = zeros({2, 3});
  Tensor column = select(x, 1, 1);
  const uint64_t before = x.version();
  column.fill_(7);
  CHECK(x.to_vector() == Numbers{0, 7, 0, 0, 7, 0});
  CHECK(x.version() > before);
}
