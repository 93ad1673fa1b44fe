// Both rungs of softmax, and from its relatives to the kernels of the instruction set in use.
#include "lib/softmax.h"

#include <algorithm>
#include <cmath>
#include <limits>

#include "lib/parallel.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  void (*softmax_rows)(int64_t rows, int64_t n, const T* x, T* y, bool empty_row_is_zero);
  void (*masked_softmax_rows)(int64_t rows, int64_t n, const T* x, const bool* allowed,
                              int64_t stride, T* y);
  void (*softmax_backward_rows)(int64_t rows, int64_t n, const T* dy, const T* y, T* dx,
                                bool from_memory);
  void (*log_softmax_rows)(int64_t rows, int64_t n, const T* x, T* y);
  void (*log_softmax_backward_rows)(int64_t rows, int64_t n, const T* dy, const T* y, T* dx);
};

#define QKV_KERNELS "lib/kernels/softmax.inl"
#include "lib/simd/every_isa.inl"

// body(begin, end) for chunks of rows.
template <class Body>
void for_each_chunk(RowsShape shape, const Body& body) {
  if (shape.n == 0) return;
  parallel_for(shape.rows, std::max<int64_t>(1, kElementsWorthSplitting / shape.n), body);
}

}  // namespace

template <class T>
void softmax_definition(RowsShape shape, const T* x, T* y) {
  constexpr T kLowest = -std::numeric_limits<T>::infinity();
  for (int64_t row = 0; row < shape.rows; ++row, x += shape.n, y += shape.n) {
    T m = kLowest;
    for (int64_t i = 0; i < shape.n; ++i) m = std::max(m, x[i]);
    const auto is_lowest = [](T score) {
      return score == kLowest;
    };  // NaN is not, but max skips it
    if (shape.empty_row_is_zero && std::all_of(x, x + shape.n, is_lowest)) {
      std::fill(y, y + shape.n, T(0));
      continue;
    }
    T total = 0;
    for (int64_t i = 0; i < shape.n; ++i) total += y[i] = std::exp(x[i] - m);
    for (int64_t i = 0; i < shape.n; ++i) y[i] /= total;
  }
}

template <class T>
void softmax(RowsShape shape, const T* x, T* y) {
  for_each_chunk(shape, [&, n = shape.n](int64_t begin, int64_t end) {
    kernels<T>().softmax_rows(end - begin, n, x + begin * n, y + begin * n,
                              shape.empty_row_is_zero);
  });
}

template <class T>
void masked_softmax(RowsShape shape, const T* x, const bool* allowed, int64_t stride, T* y) {
  for_each_chunk(shape, [&, n = shape.n](int64_t begin, int64_t end) {
    kernels<T>().masked_softmax_rows(end - begin, n, x + begin * n, allowed + begin * stride,
                                     stride, y + begin * n);
  });
}

template <class T>
void softmax_backward(RowsShape shape, const T* dy, const T* y, T* dx) {
  for_each_chunk(shape, [&, n = shape.n](int64_t begin, int64_t end) {
    const int64_t at = begin * n;
    kernels<T>().softmax_backward_rows(end - begin, n, dy + at, y + at, dx + at,
                                       shape.rows * n > kElementsInCache);
  });
}

template <class T>
void log_softmax(RowsShape shape, const T* x, T* y) {
  for_each_chunk(shape, [&, n = shape.n](int64_t begin, int64_t end) {
    kernels<T>().log_softmax_rows(end - begin, n, x + begin * n, y + begin * n);
  });
}

template <class T>
void log_softmax_backward(RowsShape shape, const T* dy, const T* y, T* dx) {
  for_each_chunk(shape, [&, n = shape.n](int64_t begin, int64_t end) {
    const int64_t at = begin * n;
    kernels<T>().log_softmax_backward_rows(end - begin, n, dy + at, y + at, dx + at);
  });
}

template void softmax_definition(RowsShape, const float*, float*);
template void softmax_definition(RowsShape, const double*, double*);
template void softmax(RowsShape, const float*, float*);
template void softmax(RowsShape, const double*, double*);
template void log_softmax(RowsShape, const float*, float*);
template void log_softmax(RowsShape, const double*, double*);
template void masked_softmax(RowsShape, const float*, const bool*, int64_t, float*);
template void masked_softmax(RowsShape, const double*, const bool*, int64_t, double*);
template void softmax_backward(RowsShape, const float*, const float*, float*);
template void softmax_backward(RowsShape, const double*, const double*, double*);
template void log_softmax_backward(RowsShape, const float*, const float*, float*);
template void log_softmax_backward(RowsShape, const double*, const double*, double*);

}  // namespace qkv::lib
