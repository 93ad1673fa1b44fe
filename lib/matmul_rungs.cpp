// The readable rungs of matmul: the definition, and the same with its loops exchanged. They ship as
// the oracle of the fast one, and as the bottom of the ladder in the benchmark.
#include <cmath>

#include "lib/matmul.h"

namespace qkv::lib {

// std::fma rounds once, as the SIMD kernels do (a kernel is the code of the innermost loops):
// multiplying and adding in two steps would round twice and differ from them in the last bit.
template <class T>
void matmul_definition(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  for (int64_t i = 0; i < shape.M; ++i) {
    for (int64_t j = 0; j < shape.N; ++j) {
      T& c = C.data[i * C.row_stride + j];
      T sum = shape.accumulate ? c : T(0);
      for (int64_t k = 0; k < shape.K; ++k) {
        const T a = A.data[i * A.row_stride + k * A.col_stride];
        const T b = B.data[k * B.row_stride + j * B.col_stride];
        sum = std::fma(a, b, sum);
      }
      c = sum;
    }
  }
}

// Every c_ij still sees k = 0, 1, 2, ... in order, so no bit changes; only the order in which
// different elements are touched does.
template <class T>
void matmul_loop_order(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  for (int64_t i = 0; i < shape.M; ++i) {
    T* const c = C.data + i * C.row_stride;
    for (int64_t j = 0; !shape.accumulate && j < shape.N; ++j) c[j] = 0;
    for (int64_t k = 0; k < shape.K; ++k) {
      const T a = A.data[i * A.row_stride + k * A.col_stride];
      const T* const b = B.data + k * B.row_stride;
      for (int64_t j = 0; j < shape.N; ++j) c[j] = std::fma(a, b[j * B.col_stride], c[j]);
    }
  }
}

template void matmul_definition(ProductShape, Matrix<const float>, Matrix<const float>,
                                Matrix<float>);
template void matmul_definition(ProductShape, Matrix<const double>, Matrix<const double>,
                                Matrix<double>);
template void matmul_loop_order(ProductShape, Matrix<const float>, Matrix<const float>,
                                Matrix<float>);
template void matmul_loop_order(ProductShape, Matrix<const double>, Matrix<const double>,
                                Matrix<double>);

}  // namespace qkv::lib
