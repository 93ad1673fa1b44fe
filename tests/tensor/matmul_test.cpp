// Products of tensors: batches that broadcast, operands of any strides, empty ones, and messages.
// The arithmetic itself is tested in tests/lib/matmul_test.cpp.
#include "tensor/matmul.h"

#include <doctest/doctest.h>

#include <limits>

#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/tensor/disguises.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

Tensor small_integers(const Shape& shape, Dtype dtype) {
  Numbers x;
  for (int64_t i = 0; i < shape.numel(); ++i) x.push_back(static_cast<double>(i * 7 % 13 - 6));
  return Tensor::of(x, shape).to(dtype);
}

Shape with_matrix(Shape batch, int64_t rows, int64_t cols) {
  batch.push_back(rows);
  batch.push_back(cols);
  return batch;
}

// The definition over broadcast batches: integers, so exact.
Numbers product(const Tensor& A, const Tensor& B, const Shape& batch) {
  const int64_t M = A.shape().from_end(2), K = A.shape().from_end(1), N = B.shape().from_end(1);
  const Shape of_a = with_matrix(batch, M, K), of_b = with_matrix(batch, K, N);
  const Numbers a = A.to_vector(), b = B.to_vector();
  Numbers c;
  for (int64_t z = 0; z < batch.numel(); ++z) {
    for (int64_t i = 0; i < M; ++i) {
      for (int64_t j = 0; j < N; ++j) {
        double sum = 0;
        for (int64_t k = 0; k < K; ++k) {
          sum += a[broadcast_place(A.shape(), of_a, (z * M + i) * K + k)] *
                 b[broadcast_place(B.shape(), of_b, (z * K + k) * N + j)];
        }
        c.push_back(sum);
      }
    }
  }
  return c;
}

}  // namespace

TEST_CASE("products of matrices and of batches that broadcast, in every layout") {
  struct Case {
    Shape A, B, batch;
  };
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Case& c : {Case{{2, 3}, {3, 4}, {}},
                          {{1, 1}, {1, 1}, {}},
                          {{13, 17}, {17, 33}, {}},
                          {{5, 2, 3}, {3, 4}, {5}},
                          {{2, 3}, {5, 3, 4}, {5}},
                          {{5, 2, 3}, {5, 3, 4}, {5}},
                          {{1, 2, 3}, {5, 3, 4}, {5}},
                          {{2, 1, 2, 3}, {5, 3, 4}, {2, 5}},
                          {{2, 5, 2, 3}, {2, 1, 3, 4}, {2, 5}},
                          {{2, 5, 2, 3}, {3, 4}, {2, 5}},
                          {{3, 1, 7}, {3, 7, 1}, {3}}}) {
      const Tensor A = small_integers(c.A, dtype), B = small_integers(c.B, dtype);
      const Numbers truth = product(A, B, c.batch);
      for (const Tensor& a : disguises(A)) {
        for (const Tensor& b : disguises(B)) {
          INFO(c.A.str(), " x ", c.B.str());
          const Tensor C = matmul(a, b);
          REQUIRE(C.shape() == with_matrix(c.batch, c.A.from_end(2), c.B.from_end(1)));
          REQUIRE(C.dtype() == dtype);
          REQUIRE(C.is_contiguous());
          REQUIRE(C.to_vector() == truth);
        }
      }
    }
  }
}

TEST_CASE("transposed and repeated operands are multiplied without a copy of their own") {
  const Tensor A = small_integers({4, 3}, Dtype::float32),
               B = small_integers({5, 3}, Dtype::float32);
  CHECK(matmul(A, transpose(B)).to_vector() == product(A, transpose(B).contiguous(), {}));
  CHECK(matmul(transpose(A), A).to_vector() == product(transpose(A).contiguous(), A, {}));
  const Tensor repeated = expand(A, {6, 4, 3});
  CHECK(matmul(repeated, transpose(B)).to_vector() ==
        product(repeated.contiguous(), transpose(B).contiguous(), {6}));
  const Tensor row = expand(small_integers({1, 3}, Dtype::float32), {4, 3});
  CHECK(matmul(row, transpose(B)).to_vector() == product(row, transpose(B).contiguous(), {}));
}

TEST_CASE("heads split from one matrix and transposed multiply as batches do") {
  // (T, H, D) with heads in the middle -> (H, T, D): scores Q Kᵀ are (H, T, T).
  const Tensor x = small_integers({7, 3, 4}, Dtype::float64);
  const Tensor heads = transpose(x, 0, 1);
  CHECK(matmul(heads, transpose(heads)).to_vector() ==
        product(heads.contiguous(), transpose(heads).contiguous(), {3}));
}

TEST_CASE("many products and large products are shared among threads without harm") {
  const Tensor A = small_integers({12, 30, 50}, Dtype::float32);
  const Tensor B = small_integers({12, 50, 60}, Dtype::float32);
  CHECK(matmul(A, B).to_vector() == product(A, B, {12}));
  const Tensor C = small_integers({100, 130}, Dtype::float32);
  CHECK(matmul(C, transpose(C)).to_vector() == product(C, transpose(C).contiguous(), {}));
}

TEST_CASE("empty operands give empty or zero products") {
  CHECK(matmul(zeros({0, 3}), zeros({3, 4})).shape() == Shape{0, 4});
  CHECK(matmul(zeros({2, 3}), zeros({3, 0})).shape() == Shape{2, 0});
  CHECK(matmul(ones({2, 0}), ones({0, 3})).to_vector() == Numbers(6, 0));
  CHECK(matmul(ones({5, 2, 0}), ones({0, 3})).to_vector() == Numbers(30, 0));
  CHECK(matmul(zeros({0, 2, 3}), zeros({3, 4})).shape() == Shape{0, 2, 4});
  CHECK(matmul(zeros({0, 2, 3}), zeros({1, 3, 4})).shape() == Shape{0, 2, 4});
}

TEST_CASE("NaN in the operands reaches exactly the elements it belongs to") {
  Tensor A = ones({3, 4});
  slice(select(A, 0, 1), 0, 2, 3).fill_(std::numeric_limits<double>::quiet_NaN());
  const Numbers C = matmul(A, zeros({4, 2})).to_vector();
  for (size_t i = 0; i < C.size(); ++i) CHECK((C[i] != C[i]) == (i == 2 || i == 3));
}

TEST_CASE("a vector counts as one row or one column, which the product leaves out") {
  const Tensor v = Tensor::of(Numbers{1, 2, 3}, {3});
  const Tensor A = reshape(arange(6, Dtype::float64), {2, 3});  // 0 1 2 / 3 4 5
  const Tensor batches = reshape(arange(12, Dtype::float64), {2, 3, 2});
  CHECK(matmul(A, v).shape() == Shape{2});
  CHECK(matmul(A, v).to_vector() == Numbers{8, 26});
  CHECK(matmul(v, transpose(A)).shape() == Shape{2});
  CHECK(matmul(v, transpose(A)).to_vector() == Numbers{8, 26});
  CHECK(matmul(v, v).shape() == Shape{});
  CHECK(matmul(v, v).item() == 14);
  CHECK(matmul(v, batches).shape() == Shape{2, 2});
  CHECK(matmul(v, batches).to_vector() == Numbers{16, 22, 52, 58});
  CHECK(matmul(transpose(batches), v).to_vector() == Numbers{16, 22, 52, 58});
  CHECK(matmul(zeros({0}), zeros({0, 4})).to_vector() == Numbers{0, 0, 0, 0});
  CHECK(matmul(zeros({0}), zeros({0})).to_vector() == Numbers{0});
}

TEST_CASE("operands that do not fit are refused with both shapes and the rule") {
  CHECK(
      refusal([] {
        return matmul(zeros({2, 3}), zeros({4, 5}));
      }) ==
      "matmul: inner dimensions differ: A is (2, 3), B is (4, 5); need A.shape[-1] == B.shape[-2]");
  CHECK(refusal([] {
          return matmul(zeros({3}), zeros({4, 5}));
        }) ==
        "matmul: inner dimensions differ: A is (3,), B is (4, 5); need A.shape[-1] == B.shape[-2]");
  CHECK(refusal([] {
          return matmul(zeros({2, 3}), zeros({4}));
        }) ==
        "matmul: inner dimensions differ: A is (2, 3), B is (4,); need A.shape[-1] == B.shape[-1]");
  CHECK(refusal([] {
          return matmul(zeros({2, 3}), zeros({}));
        }) == "matmul: operands need at least 1 axis: A is (2, 3), B is ()");
  CHECK(refusal([] {
          return matmul(zeros({2, 3}), zeros({3, 5}, Dtype::float64));
        }) == "matmul: dtypes differ: A is float32, B is float64; convert one with to()");
  CHECK(refusal([] {
          return matmul(zeros({4, 2, 3}), zeros({5, 3, 2}));
        }) ==
        "matmul: shapes do not broadcast: (4,) and (5,); counted from the end, axis 1 has sizes 4 "
        "and 5, which must be equal or one of them 1");
  const Tensor whole = zeros({2, 2}, Dtype::int64);
  CHECK(refusal([&] { return matmul(whole, whole); }) ==
        "matmul: needs float32 or float64, got int64");
}
