// From tensors to pointers: broadcasting of the batch axes, and one lib::matmul per batch.
#include "tensor/matmul.h"

#include "lib/matmul.h"
#include "lib/parallel.h"
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
lib::Matrix<T> matrix_at(T* data, const Strides& strides, int64_t offset) {
  return {data + offset, strides.from_end(2), strides.from_end(1)};
}

void check_operands(const Tensor& A, const Tensor& B) {
  if (A.rank() < 2 || B.rank() < 2) {
    fail("matmul: operands need at least 2 axes: A is ", A.shape(), ", B is ", B.shape());
  }
  if (A.dtype() != B.dtype()) {
    fail("matmul: dtypes differ: A is ", A.dtype(), ", B is ", B.dtype(),
         "; convert one with to()");
  }
  if (A.shape().from_end(1) != B.shape().from_end(2)) {
    fail("matmul: inner dimensions differ: A is ", A.shape(), ", B is ", B.shape(),
         "; need A.shape[-1] == B.shape[-2]");
  }
}

// Where each batch's matrices begin: one entry of offsets per batch, in row-major order.
std::vector<PerOperand<2>> batch_offsets(const Tensor& A, const Tensor& B, const Shape& batch) {
  std::vector<PerOperand<2>> offsets;
  offsets.reserve(static_cast<size_t>(batch.numel()));
  for_each_row<2>(batch,
                  {broadcast_strides(batch_axes(A.shape()), A.strides(), batch),
                   broadcast_strides(batch_axes(B.shape()), B.strides(), batch)},
                  [&](int64_t n, PerOperand<2> at, PerOperand<2> step) {
                    for (int64_t i = 0; i < n; ++i) {
                      offsets.push_back({at[0] + i * step[0], at[1] + i * step[1]});
                    }
                  });
  return offsets;
}

}  // namespace

Tensor matmul(const Tensor& A, const Tensor& B) {
  check_operands(A, B);
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
  const std::vector<PerOperand<2>> offsets = batch_offsets(A, B, batch);
  const auto count = static_cast<int64_t>(offsets.size());
  const int64_t flops = 2 * M * N * K;
  const int64_t chunk =
      std::max<int64_t>(1, lib::kFlopsWorthSplitting / std::max<int64_t>(flops, 1));
  dispatch_floating("matmul", A.dtype(), [&]<class T>(T) {
    const T *const a = A.data<T>(), *const b = B.data<T>();
    T* const c = C.mutable_data<T>();
    lib::parallel_for(count, chunk, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const auto [at_a, at_b] = offsets[static_cast<size_t>(i)];
        lib::matmul<T>({.M = M, .N = N, .K = K}, matrix_at(a, A.strides(), at_a),
                       matrix_at(b, B.strides(), at_b), {c + i * M * N, N, 1});
      }
    });
  });
  return C;
}

}  // namespace qkv::tensor
