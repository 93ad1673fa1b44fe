// From tensors to pointers: broadcasting of the batch axes, and one lib::matmul_batch for all.
#include "tensor/matmul.h"

#include <array>

#include "lib/matmul.h"
#include "tensor/strided.h"
#include "tensor/views.h"

namespace qkv::tensor {
namespace {

using lib::fail;

// (batch..., M, K) -> (batch...)
Shape batch_axes(const Shape& shape) {
  Shape batch = shape;
  batch.erase(batch.rank() - 1);
  batch.erase(batch.rank() - 1);
  return batch;
}

template <class T>
lib::Matrix<const T> matrix_at(const T* data, const Strides& strides) {
  return {data, strides.from_end(2), strides.from_end(1)};
}

void check_operands(const Tensor& A, const Tensor& B) {
  if (A.rank() == 0 || B.rank() == 0) {
    fail("matmul: operands need at least 1 axis: A is ", A.shape(), ", B is ", B.shape());
  }
  if (A.dtype() != B.dtype()) {
    fail("matmul: dtypes differ: A is ", A.dtype(), ", B is ", B.dtype(),
         "; convert one with to()");
  }
  const int inner = B.rank() == 1 ? 1 : 2;
  if (A.shape().from_end(1) != B.shape().from_end(inner)) {
    fail("matmul: inner dimensions differ: A is ", A.shape(), ", B is ", B.shape(),
         "; need A.shape[-1] == B.shape[", -inner, "]");
  }
}

// The batch axes as lib::matmul_batch counts them. An axis that is repeated has stride 0.
struct BatchAxes {
  std::array<lib::BatchAxis, kMaxRank> axes;
  size_t rank;
  std::span<const lib::BatchAxis> span() const { return {axes.data(), rank}; }
};

BatchAxes batch_axes_of(const Tensor& A, const Tensor& B, const Shape& batch, int64_t c_size) {
  const Strides a = broadcast_strides(batch_axes(A.shape()), A.strides(), batch);
  const Strides b = broadcast_strides(batch_axes(B.shape()), B.strides(), batch);
  BatchAxes result{{}, static_cast<size_t>(batch.rank())};
  int64_t c_stride = c_size;
  for (int axis = batch.rank(); axis-- > 0; c_stride *= batch[axis]) {
    result.axes[static_cast<size_t>(axis)] = {batch[axis], a[axis], b[axis], c_stride};
  }
  return result;
}

// A vector is a matrix of one row or of one column; the product loses that axis again.
Tensor matmul_of_vectors(const Tensor& A, const Tensor& B) {
  const bool row = A.rank() == 1, column = B.rank() == 1;
  Tensor C = matmul(row ? unsqueeze(A, 0) : A, column ? unsqueeze(B, 1) : B);  // (..., M, N)
  if (column) C = squeeze(C, -1);
  return row ? squeeze(C, column ? -1 : -2) : C;
}

}  // namespace

Shape matrix_shape(const Shape& C, bool A_is_vector, bool B_is_vector) {
  Shape shape = C;
  if (B_is_vector) shape.push_back(1);
  if (A_is_vector) shape.insert(shape.rank() - 1, 1);
  return shape;
}

Tensor matmul(const Tensor& A, const Tensor& B) {
  check_operands(A, B);
  if (A.rank() == 1 || B.rank() == 1) return matmul_of_vectors(A, B);
  const Shape batch = broadcast_shapes("matmul", batch_axes(A.shape()), batch_axes(B.shape()));
  // (B, T, K) x (K, N) with rows of A behind one another is one tall product (B T, K) x (K, N).
  if (B.rank() == 2 && A.rank() > 2 && A.is_contiguous() && A.numel() > 0) {
    Shape shape = A.shape();
    shape[shape.rank() - 1] = B.shape()[1];
    return reshape(matmul(reshape(A, {-1, A.shape().from_end(1)}), B), shape);
  }
  const int64_t M = A.shape().from_end(2), K = A.shape().from_end(1), N = B.shape().from_end(1);
  Shape shape = batch;
  shape.push_back(M);
  shape.push_back(N);
  Tensor C = Tensor::empty(shape, A.dtype());
  const BatchAxes axes = batch_axes_of(A, B, batch, M * N);
  dispatch_floating("matmul", A.dtype(), [&]<class T>(T) {
    lib::matmul_batch<T>(axes.span(), {.M = M, .N = N, .K = K}, matrix_at(A.data<T>(), A.strides()),
                         matrix_at(B.data<T>(), B.strides()), {C.mutable_data<T>(), N, 1});
  });
  return C;
}

}  // namespace qkv::tensor
