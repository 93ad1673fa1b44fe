// Picking and placing by position: values, strided operands, adjoint pairs, order, and refusals.
#include "tensor/index.h"

#include <doctest/doctest.h>

#include <stdexcept>

#include "tensor/views.h"
#include "tests/compare.h"

using namespace qkv::tensor;
using Numbers = std::vector<double>;
using qkv::tests::refusal;

namespace {

Tensor ids_of(const std::vector<int64_t>& ids, const Shape& shape) {
  return Tensor::of(ids, shape);
}

// 0, 1, 2, ... in a shape.
Tensor counting(const Shape& shape, Dtype dtype = Dtype::float64) {
  return reshape(arange(shape.numel(), dtype), shape);
}

// Σ a_i b_i over all elements, in small whole numbers: exact.
double inner_product(const Tensor& a, const Tensor& b) {
  const Numbers x = a.to_vector(), y = b.to_vector();
  REQUIRE(a.shape() == b.shape());
  double sum = 0;
  for (size_t i = 0; i < x.size(); ++i) sum += x[i] * y[i];
  return sum;
}

}  // namespace

// ---- concat and stack ---------------------------------------------------------------------------

TEST_CASE("concat puts tensors side by side along an axis") {
  const Tensor a = counting({2, 3}), b = counting({2, 1}), c = counting({4, 3});
  CHECK(concat({a, b, a}, 1).shape() == Shape{2, 7});
  CHECK(concat({a, b, a}, 1).to_vector() == Numbers{0, 1, 2, 0, 0, 1, 2, 3, 4, 5, 1, 3, 4, 5});
  CHECK(concat({a, b}, -1).to_vector() == Numbers{0, 1, 2, 0, 3, 4, 5, 1});
  CHECK(concat({a, c}, 0).shape() == Shape{6, 3});
  CHECK(concat({a, c}, 0).to_vector() ==
        Numbers{0, 1, 2, 3, 4, 5, 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11});
}

TEST_CASE("concat takes strided parts, empty parts and every dtype") {
  const Tensor a = transpose(counting({3, 2})), none = zeros({2, 0}, Dtype::float64);
  CHECK(concat({a, none, expand(counting({1}), {2, 2})}, 1).to_vector() ==
        Numbers{0, 2, 4, 0, 0, 1, 3, 5, 0, 0});
  CHECK(concat({none, none}, 1).shape() == Shape{2, 0});
  for (const Dtype dtype : {Dtype::float32, Dtype::float64, Dtype::int64, Dtype::boolean}) {
    const Tensor x = concat({zeros({1}, dtype), ones({2}, dtype)}, 0);
    CHECK(x.dtype() == dtype);
    CHECK(x.to_vector() == Numbers{0, 1, 1});
  }
  const Tensor x = counting({3});
  CHECK(!concat({x}, 0).shares_storage_with(x));
}

TEST_CASE("concat refuses what does not fit") {
  const Tensor a = zeros({2, 3});
  CHECK(refusal([&] { return concat({}, 0); }) ==
        "concat: nothing to put together; need at least one tensor");
  CHECK(refusal([&] {
          return concat({a, zeros({3, 3})}, 1);
        }) == "concat: shapes differ beside axis 1: (2, 3) and (3, 3)");
  CHECK(refusal([&] {
          return concat({a, zeros({2, 3, 1})}, 1);
        }) == "concat: shapes differ beside axis 1: (2, 3) and (2, 3, 1)");
  CHECK(refusal([&] {
          return concat({a, zeros({2, 3}, Dtype::int64)}, 0);
        }) == "concat: dtypes differ: float32 and int64");
  CHECK(refusal([&] { return concat({a}, 2); }) ==
        "concat: axis 2 is out of range for a tensor of rank 2; need -2 <= axis < 2");
  const Tensor wide = expand(scalar(0), {int64_t{1} << 60});
  CHECK(refusal([&] { return concat(std::vector<Tensor>(9, wide), 0); }) ==
        "shape: (2305843009213693952,) has more than 2^60 elements");
}

TEST_CASE("stack makes an axis") {
  const Tensor a = counting({2, 3}), b = transpose(counting({3, 2}));
  for (const int axis : {0, 1, 2, -1, -3}) {
    const Tensor x = stack({a, b, a}, axis);
    CHECK(x.shape()[axis < 0 ? axis + 3 : axis] == 3);
    CHECK(select(x, axis, 0).to_vector() == a.to_vector());
    CHECK(select(x, axis, 1).to_vector() == b.to_vector());
    CHECK(select(x, axis, 2).to_vector() == a.to_vector());
  }
  CHECK(stack({scalar(1), scalar(2)}, 0).to_vector() == Numbers{1, 2});
  CHECK(refusal([&] { return stack({}, 0); }) ==
        "stack: nothing to put together; need at least one tensor");
  CHECK(refusal([&] {
          return stack({a, zeros({2, 3})}, 0);
        }) == "stack: tensors differ: (2, 3) float64 and (2, 3) float32");
}

// ---- rows of a table ----------------------------------------------------------------------------

TEST_CASE("embedding picks rows by number") {
  const Tensor table = counting({4, 2});
  CHECK(embedding(table, ids_of({3, 0, 3, 1}, {2, 2})).shape() == Shape{2, 2, 2});
  CHECK(embedding(table, ids_of({3, 0, 3, 1}, {2, 2})).to_vector() ==
        Numbers{6, 7, 0, 1, 6, 7, 2, 3});
  CHECK(embedding(table, ids_of({2}, {})).to_vector() == Numbers{4, 5});
  CHECK(embedding(counting({3}), ids_of({2, 1}, {2})).to_vector() == Numbers{2, 1});
  CHECK(embedding(table, ids_of({}, {0, 5})).shape() == Shape{0, 5, 2});
  CHECK(embedding(zeros({0, 2}), ids_of({}, {0})).shape() == Shape{0, 2});
}

TEST_CASE("embedding reads strided tables and strided ids") {
  const Tensor table = transpose(counting({2, 4}));  // rows (0, 4), (1, 5), (2, 6), (3, 7)
  const Tensor ids = transpose(ids_of({0, 1, 2, 3}, {2, 2}));
  CHECK(embedding(table, ids).to_vector() == Numbers{0, 4, 2, 6, 1, 5, 3, 7});
}

TEST_CASE("embedding names the first id outside the table") {
  const Tensor table = zeros({4, 2});
  CHECK(refusal([&] {
          return embedding(table, ids_of({0, 3, 4, -1}, {2, 2}));
        }) == "embedding: id 4 at element 2 of ids (2, 2) is outside [0, 4)");
  CHECK(refusal([&] { return embedding(table, ids_of({-1}, {})); }) ==
        "embedding: id -1 at element 0 of ids () is outside [0, 4)");
  CHECK(refusal([&] {
          return embedding(zeros({0, 2}), ids_of({0}, {1}));
        }) == "embedding: id 0 at element 0 of ids (1,) is outside [0, 0)");
  CHECK(refusal([&] { return embedding(table, zeros({2})); }) ==
        "embedding: ids are int64, got float32");
  CHECK(refusal([&] { return embedding(scalar(1), ids_of({0}, {1})); }) ==
        "embedding: the table has rank 0; need (rows, ...)");
}

TEST_CASE("scatter_add_rows adds every row at its id") {
  const Tensor values = counting({4, 2});  // rows (0, 1), (2, 3), (4, 5), (6, 7)
  const Tensor x = scatter_add_rows(values, ids_of({2, 0, 2, 2}, {4}), 3);
  CHECK(x.shape() == Shape{3, 2});
  CHECK(x.to_vector() == Numbers{2, 3, 0, 0, 0 + 4 + 6, 1 + 5 + 7});
  CHECK(scatter_add_rows(transpose(counting({2, 4})), ids_of({1, 1, 1, 1}, {4}), 2).to_vector() ==
        Numbers{0, 0, 0 + 1 + 2 + 3, 4 + 5 + 6 + 7});
  CHECK(scatter_add_rows(counting({2, 2}), ids_of({1, 0, 0, 1}, {2, 2}), 2).to_vector() ==
        Numbers{1 + 2, 0 + 3});
  CHECK(scatter_add_rows(zeros({0, 2}), ids_of({}, {0}), 3).to_vector() == Numbers(6));
  CHECK(scatter_add_rows(counting({3}, Dtype::int64), ids_of({0, 0, 0}, {3}), 1).item() == 3);
}

// In float32, (1 + 2^24) - 2^24 is 0 and (2^24 - 2^24) + 1 is 1: the order shows in the result.
TEST_CASE("scatter_add_rows and scatter_add sum in the order of the ids") {
  const float big = 16777216;
  const Tensor one_first = Tensor::of<float>({1, big, -big}, {3});
  const Tensor one_last = Tensor::of<float>({big, -big, 1}, {3});
  const Tensor ids = ids_of({0, 0, 0}, {3});
  CHECK(scatter_add_rows(one_first, ids, 1).item() == 0);
  CHECK(scatter_add_rows(one_last, ids, 1).item() == 1);
  CHECK(scatter_add(one_first, 0, ids, 1).item() == 0);
  CHECK(scatter_add(one_last, 0, ids, 1).item() == 1);
}

TEST_CASE("scatter_add_rows refuses what does not fit") {
  const Tensor ids = ids_of({0, 1}, {2});
  CHECK(refusal([&] {
          return scatter_add_rows(zeros({3, 2}), ids, 4);
        }) == "scatter_add_rows: values (3, 2) do not begin with the shape of ids (2,)");
  CHECK(refusal([&] { return scatter_add_rows(scalar(1), ids, 4); }) ==
        "scatter_add_rows: values () do not begin with the shape of ids (2,)");
  CHECK(refusal([&] {
          return scatter_add_rows(zeros({2, 2}), ids, 1);
        }) == "scatter_add_rows: id 1 at element 1 of ids (2,) is outside [0, 1)");
  CHECK(refusal([&] { return scatter_add_rows(zeros({2}, Dtype::boolean), ids, 2); }) ==
        "scatter_add_rows: needs numbers to add, got bool");
}

// ---- one element per position -------------------------------------------------------------------

TEST_CASE("gather picks along an axis") {
  const Tensor x = counting({2, 3});
  CHECK(gather(x, 1, ids_of({2, 0}, {2, 1})).to_vector() == Numbers{2, 3});
  CHECK(gather(x, -1, ids_of({2, 0, 0, 1, 1, 1, 2, 0}, {2, 4})).to_vector() ==
        Numbers{2, 0, 0, 1, 4, 4, 5, 3});
  CHECK(gather(x, 0, ids_of({1, 0, 1}, {1, 3})).to_vector() == Numbers{3, 1, 5});
  CHECK(gather(x, 1, ids_of({}, {2, 0})).shape() == Shape{2, 0});
  CHECK(gather(transpose(x), 0, transpose(ids_of({2, 0}, {2, 1}))).to_vector() == Numbers{2, 3});
}

TEST_CASE("gather agrees with its definition along the middle of three axes") {
  const Tensor x = counting({2, 5, 3});
  const Tensor index = ids_of({4, 0, 2, 1, 1, 3, 0, 4, 4, 2, 3, 0}, {2, 2, 3});
  const Tensor y = gather(x, 1, index);
  for (int64_t i = 0; i < 2; ++i) {
    for (int64_t j = 0; j < 2; ++j) {
      for (int64_t k = 0; k < 3; ++k) {
        CHECK(y.at({i, j, k}) == x.at({i, static_cast<int64_t>(index.at({i, j, k})), k}));
      }
    }
  }
}

TEST_CASE("gather and scatter_add refuse what does not fit") {
  const Tensor x = zeros({2, 3}), index = ids_of({0, 3}, {2, 1});
  CHECK(refusal([&] { return gather(x, 1, index); }) ==
        "gather: id 3 at element 1 of ids (2, 1) is outside [0, 3)");
  CHECK(refusal([&] { return gather(x, 0, index); }) ==
        "gather: index (2, 1) does not fit (2, 3); sizes may differ along axis 0 only");
  CHECK(refusal([&] {
          return gather(x, 1, ids_of({0, 1}, {2}));
        }) == "gather: index (2,) does not fit (2, 3); sizes may differ along axis 1 only");
  CHECK(refusal([&] { return scatter_add(x, 1, index, 4); }) ==
        "scatter_add: values (2, 3) and index (2, 1) differ in shape");
  CHECK(refusal([&] {
          return scatter_add(zeros({2, 1}), 1, index, 3);
        }) == "scatter_add: id 3 at element 1 of ids (2, 1) is outside [0, 3)");
  CHECK(refusal([&] {
          return scatter_add(zeros({2, 1}, Dtype::boolean), 1, index, 4);
        }) == "scatter_add: needs numbers to add, got bool");
}

TEST_CASE("scatter_add adds along an axis") {
  const Tensor values = counting({2, 3}), index = ids_of({1, 1, 0, 3, 0, 3}, {2, 3});
  CHECK(scatter_add(values, 1, index, 4).to_vector() == Numbers{2, 1, 0, 0, 4, 0, 0, 8});
  CHECK(scatter_add(values, 0, index, 4).to_vector() ==
        Numbers{0, 4, 2, 0, 1, 0, 0, 0, 0, 3, 0, 5});
}

// ---- adjoints -----------------------------------------------------------------------------------

// An adjoint Aᵀ is what satisfies <A x, y> = <x, Aᵀ y> for all x and y.
TEST_CASE("scatters and slice_adjoint are the adjoints of what they name") {
  const Tensor x = counting({5, 4});
  const Tensor ids = ids_of({3, 0, 3, 4, 1, 3}, {2, 3}), y = counting({2, 3, 4});
  CHECK(inner_product(embedding(x, ids), y) == inner_product(x, scatter_add_rows(y, ids, 5)));
  const Tensor index = ids_of({0, 2, 3, 1, 1, 1, 3, 0, 2, 2}, {5, 2}), z = counting({5, 2});
  CHECK(inner_product(gather(x, 1, index), z) == inner_product(x, scatter_add(z, 1, index, 4)));
  for (const int64_t step : {1, 2, 3}) {
    const Tensor part = slice(x, 0, 1, 5, step), w = counting(part.shape());
    CHECK(inner_product(part, w) == inner_product(x, slice_adjoint(w, x.shape(), 0, 1, step)));
  }
}

TEST_CASE("slice_adjoint places its numbers and leaves zeros between them") {
  CHECK(slice_adjoint(counting({2, 2}), {2, 5}, 1, 1, 2).to_vector() ==
        Numbers{0, 0, 0, 1, 0, 0, 2, 0, 3, 0});
  CHECK(slice_adjoint(counting({1}), {4}, 0, -1, 9).to_vector() == Numbers{0, 0, 0, 0});
  CHECK(slice_adjoint(ones({1}), {4}, 0, -1, 9).to_vector() == Numbers{0, 0, 0, 1});
  CHECK(slice_adjoint(zeros({0}), {3}, 0, 3, 1).to_vector() == Numbers{0, 0, 0});
  CHECK(slice_adjoint(transpose(counting({3, 2})), {2, 3}, 1, 0, 1).to_vector() ==
        Numbers{0, 2, 4, 1, 3, 5});
}

TEST_CASE("slice_adjoint refuses what no slice gives") {
  CHECK(refusal([&] { return slice_adjoint(ones({3}), {5}, 0, 1, 2); }) ==
        "slice_adjoint: (3,) at begin 1, step 2 exceeds axis 0 of (5,)");
  CHECK(refusal([&] { return slice_adjoint(ones({1}), {5}, 0, 5, 1); }) ==
        "slice_adjoint: (1,) at begin 5, step 1 exceeds axis 0 of (5,)");
  CHECK(refusal([&] {
          return slice_adjoint(ones({2, 3}), {5, 4}, 0, 0, 1);
        }) == "slice_adjoint: (2, 3) is no slice of (5, 4) along axis 0");
  CHECK_THROWS_AS(static_cast<void>(slice_adjoint(ones({2}), {5}, 0, 0, 0)), std::invalid_argument);
  CHECK_THROWS_AS(static_cast<void>(slice_adjoint(ones({2}), {5}, 0, -6, 1)),
                  std::invalid_argument);
}

TEST_CASE("index_select picks slices along an axis, and index_add puts them back") {
  const Tensor x = counting({2, 3, 2}), index = ids_of({2, 0, 2}, {3});
  CHECK(index_select(x, 1, index).to_vector() == Numbers{4, 5, 0, 1, 4, 5, 10, 11, 6, 7, 10, 11});
  CHECK(index_select(x, -1, ids_of({1}, {1})).to_vector() == Numbers{1, 3, 5, 7, 9, 11});
  CHECK(index_select(transpose(x, 0, 2), 1, ids_of({2}, {1})).to_vector() == Numbers{4, 10, 5, 11});
  CHECK(index_select(x, 0, ids_of({}, {0})).shape() == Shape{0, 3, 2});
  const Tensor y = counting({2, 3, 2});
  CHECK(index_add(y, 1, index, 4).to_vector() ==
        Numbers{2, 3, 0, 0, 4, 6, 0, 0, 8, 9, 0, 0, 16, 18, 0, 0});
  CHECK(inner_product(index_select(x, 1, index), y) == inner_product(x, index_add(y, 1, index, 3)));
  CHECK(
      refusal([&] { return index_select(x, 1, ids_of({3}, {1})); }).starts_with("index_select: "));
  CHECK(refusal([&] {
          return index_select(x, 1, ids_of({1}, {1, 1}));
        }) == "index_select: the index is (1, 1); need a list, (n)");
  CHECK(refusal([&] { return index_add(x, 0, index, 5); }) ==
        "index_add: 3 indices for (2, 3, 2) along axis 0");
}

TEST_CASE("one_hot marks each id") {
  const Tensor x = one_hot(ids_of({2, 0}, {2}), 3);
  CHECK(x.dtype() == Dtype::float32);
  CHECK(x.shape() == Shape{2, 3});
  CHECK(x.to_vector() == Numbers{0, 0, 1, 1, 0, 0});
  CHECK(one_hot(ids_of({1}, {}), 2, Dtype::boolean).to_vector() == Numbers{0, 1});
  CHECK(one_hot(ids_of({}, {0}), 4, Dtype::int64).shape() == Shape{0, 4});
  CHECK(refusal([&] {
          return one_hot(ids_of({0, 3}, {2}), 3);
        }) == "one_hot: id 3 at element 1 of ids (2,) is outside [0, 3)");
}
