// Tensor: construction, the four element types, reading, copying in place, versions, shared
// storage. Views have tests of their own in views_test.cpp.
#include "tensor/tensor.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>
#include <stdexcept>

#include "lib/memory.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/tensor/disguises.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

constexpr Dtype kDtypes[] = {Dtype::float32, Dtype::float64, Dtype::int64, Dtype::boolean};

Tensor counting(const Shape& shape) { return reshape(arange(shape.numel()), shape); }

}  // namespace

TEST_CASE("a tensor that was not made is not defined") {
  const Tensor nothing;
  CHECK(!nothing.defined());
  CHECK(scalar(0).defined());
}

TEST_CASE("a fresh tensor is row-major, aligned, and has the shape and dtype asked for") {
  for (const Dtype dtype : kDtypes) {
    for (const Shape& shape : {Shape{}, Shape{1}, Shape{2, 3, 4}, Shape{1, 7, 1}, Shape{3, 0, 2}}) {
      const Tensor t = Tensor::empty(shape, dtype);
      CHECK(t.defined());
      CHECK(t.shape() == shape);
      CHECK(t.rank() == shape.rank());
      CHECK(t.numel() == shape.numel());
      CHECK(t.strides() == row_major_strides(shape));
      CHECK(t.offset() == 0);
      CHECK(t.dtype() == dtype);
      CHECK(t.is_contiguous());
    }
  }
  const Tensor t = Tensor::empty({9}, Dtype::float32);
  CHECK(reinterpret_cast<uintptr_t>(t.data<float>()) % qkv::lib::kAlignment == 0);
}

TEST_CASE("a tensor of a few numbers is one allocation, a larger one two") {
  const auto cost = [](int64_t n) {
    const int64_t before = qkv::lib::memory_stats().live_bytes;
    const Tensor t = Tensor::empty({n}, Dtype::float64);
    return qkv::lib::memory_stats().live_bytes - before;
  };
  CHECK(cost(4) == cost(0));
  CHECK(cost(5) == cost(0) + 64);
}

TEST_CASE("the numbers of a small tensor live as long as a view of them") {
  Tensor view;
  {
    const Tensor t = Tensor::of<double>({1, 2, 3}, {3});
    view = t.view({2}, {1}, 1);
    CHECK(view.shares_storage_with(t));
  }
  CHECK(view.to_vector() == std::vector<double>{2, 3});
}

TEST_CASE("an impossible shape is refused before anything is allocated") {
  const int64_t before = qkv::lib::memory_stats().live_bytes;
  CHECK(refusal([] {
          return Tensor::empty({2, -1}, Dtype::float32);
        }) == "shape: negative size in (2, -1)");
  CHECK(refusal([] {
          const int64_t big = int64_t{1} << 32;
          return Tensor::empty({big, big}, Dtype::float32);
        }) == "shape: (4294967296, 4294967296) has more than 2^60 elements");
  CHECK(qkv::lib::memory_stats().live_bytes == before);
}

TEST_CASE("of takes numbers in row-major order, in each of the four types") {
  CHECK(Tensor::of<float>({1, 2.5f, -3, 4}, {2, 2}).at({1, 0}) == -3);
  CHECK(Tensor::of<double>({0.1, 0.2}, {2}).to_vector() == Numbers{0.1, 0.2});
  const int64_t large = (int64_t{1} << 62) + 1;
  CHECK(Tensor::of<int64_t>({large}, {}).data<int64_t>()[0] == large);
  CHECK(Tensor::of<bool>({true, false, true}, {3}).to_vector() == Numbers{1, 0, 1});
  CHECK(Tensor::of<float>({}, {0, 4}).numel() == 0);
  CHECK(refusal([] {
          return Tensor::of<float>({1, 2, 3}, {2, 2});
        }) == "tensor: 3 values do not fill shape (2, 2), which has 4 elements");
}

TEST_CASE("a copy of a tensor is another handle to the same numbers, a clone is not") {
  Tensor a = counting({2, 3});
  const Tensor handle = a, clone = a.clone();
  a.mutable_data<int64_t>()[4] = 40;
  CHECK(handle.at({1, 1}) == 40);
  CHECK(handle.shares_storage_with(a));
  CHECK(clone.at({1, 1}) == 4);
  CHECK(!clone.shares_storage_with(a));
}

//   storage 0 1 2 3 4 5 seen as: the transpose, the second row, rows upside down, a repeated pair
TEST_CASE("a view shows elements at the offset plus each index times its stride") {
  const Tensor t = counting({2, 3});
  CHECK(t.view({3, 2}, {1, 3}, 0).to_vector() == Numbers{0, 3, 1, 4, 2, 5});
  CHECK(t.view({3}, {1}, 3).to_vector() == Numbers{3, 4, 5});
  CHECK(t.view({2, 2}, {-3, 1}, 4).to_vector() == Numbers{4, 5, 1, 2});
  CHECK(t.view({2, 2}, {0, 2}, 1).to_vector() == Numbers{1, 3, 1, 3});
  CHECK(t.view({3}, {1}, 3).shares_storage_with(t));
}

TEST_CASE("contiguous means row-major without gaps, whatever the strides of axes of size 1") {
  const Tensor t = counting({2, 3});
  CHECK(t.is_contiguous());
  CHECK(select(t, 0, 1).is_contiguous());
  CHECK(!transpose(t).is_contiguous());
  CHECK(!slice(t, 1, 0, 2).is_contiguous());
  CHECK(!expand(counting({1, 3}), {2, 3}).is_contiguous());
  CHECK(t.view({1, 3}, {99, 1}, 0).is_contiguous());
  CHECK(t.view({0, 3}, {7, 9}, 0).is_contiguous());
}

TEST_CASE("contiguous copies only when it has to") {
  const Tensor t = counting({2, 3}), turned = transpose(t);
  CHECK(t.contiguous().shares_storage_with(t));
  CHECK(!turned.contiguous().shares_storage_with(t));
  CHECK(turned.contiguous().is_contiguous());
  CHECK(turned.contiguous().to_vector() == Numbers{0, 3, 1, 4, 2, 5});
  for (const Tensor& disguised : disguises(counting({3, 4, 5}))) {
    CHECK(disguised.contiguous().to_vector() == counting({3, 4, 5}).to_vector());
    CHECK(disguised.clone().is_contiguous());
  }
}

TEST_CASE("one number can be read by item and at, and mistakes are told") {
  CHECK(scalar(2.5).item() == 2.5);
  CHECK(full({1, 1}, 3, Dtype::int64).item() == 3);
  CHECK(transpose(counting({2, 3})).at({2, 1}) == 5);
  CHECK(scalar(7).at({}) == 7);
  const Tensor t = counting({2, 3});
  CHECK(refusal([&] { return t.item(); }) ==
        "item: needs exactly one element, the shape is (2, 3)");
  CHECK(refusal([&] { return zeros({0}).item(); }) ==
        "item: needs exactly one element, the shape is (0,)");
  CHECK(refusal([&] { return t.at({1}); }) == "at: index (1,) has 1 entries, the shape is (2, 3)");
  CHECK(refusal([&] { return t.at({1, 3}); }) == "at: index (1, 3) lies outside shape (2, 3)");
  CHECK(refusal([&] { return t.at({-1, 0}); }) == "at: index (-1, 0) lies outside shape (2, 3)");
}

TEST_CASE("data of another type is our own mistake") {
  Tensor t = zeros({2});
  CHECK_THROWS_AS(static_cast<void>(t.data<double>()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(t.mutable_data<int64_t>()), std::logic_error);
  CHECK_THROWS_AS(static_cast<void>(Tensor().data<float>()), std::logic_error);
}

TEST_CASE("to converts every type to every other, and returns the same tensor if nothing changes") {
  const Numbers numbers = {0, 1, 1, 0};
  for (const Dtype from : kDtypes) {
    const Tensor t = Tensor::of<double>(numbers, {2, 2}).to(from);
    for (const Dtype to : kDtypes) {
      const Tensor converted = t.to(to);
      CHECK(converted.dtype() == to);
      CHECK(converted.to_vector() == numbers);
      CHECK(converted.shares_storage_with(t) == (from == to));
    }
  }
  const Tensor x = Tensor::of<double>({0.1, -2.75, 3}, {3});
  CHECK(x.to(Dtype::float32).to_vector() == Numbers{0.1f, -2.75, 3});
  CHECK(x.to(Dtype::int64).to_vector() == Numbers{0, -2, 3});
  CHECK(x.to(Dtype::boolean).to_vector() == Numbers{1, 1, 1});
  CHECK(transpose(counting({2, 3})).to(Dtype::float32).to_vector() == Numbers{0, 3, 1, 4, 2, 5});
}

TEST_CASE("copy_ writes through any view, broadcasts and converts") {
  for (Tensor target : disguises(zeros({2, 3}))) {
    target.copy_(counting({2, 3}));
    CHECK(target.to_vector() == Numbers{0, 1, 2, 3, 4, 5});
    target.copy_(counting({3}));
    CHECK(target.to_vector() == Numbers{0, 1, 2, 0, 1, 2});
    target.copy_(transpose(counting({1, 2})));
    CHECK(target.to_vector() == Numbers{0, 0, 0, 1, 1, 1});
    target.fill_(2.5);
    CHECK(target.to_vector() == Numbers(6, 2.5));
  }
  Tensor large = zeros({3, 4});
  slice(large, 1, 1, 3).fill_(1);
  CHECK(large.to_vector() == Numbers{0, 1, 1, 0, 0, 1, 1, 0, 0, 1, 1, 0});
  Tensor t = zeros({2, 3});
  CHECK(refusal([&] {
          t.copy_(zeros({4, 2, 3}));
        }) == "copy_: source (4, 2, 3) does not broadcast to (2, 3)");
  CHECK(
      refusal([&] { t.copy_(zeros({2})); }).starts_with("copy_: shapes do not broadcast: (2, 3)"));
}

TEST_CASE("every write counts, through whichever handle, and reading does not") {
  Tensor t = zeros({2, 3});
  Tensor row = select(t, 0, 1);
  const uint64_t before = t.version();
  static_cast<void>(t.data<float>()), static_cast<void>(t.to_vector()),
      static_cast<void>(t.clone());
  CHECK(t.version() == before);
  row.fill_(1);
  CHECK(t.version() > before);
  const uint64_t after_fill = t.version();
  static_cast<void>(t.mutable_data<float>());
  CHECK(row.version() > after_fill);
}

TEST_CASE("storage lives as long as its last handle") {
  const int64_t before = qkv::lib::memory_stats().live_bytes;
  {
    Tensor row;
    {
      const Tensor t = zeros({1000, 1000});
      row = select(t, 0, 999);
      CHECK(qkv::lib::memory_stats().live_bytes >= before + 4'000'000);
    }
    CHECK(row.to_vector() == Numbers(1000, 0));
    CHECK(qkv::lib::memory_stats().live_bytes >= before + 4'000'000);
  }
  CHECK(qkv::lib::memory_stats().live_bytes == before);
}
