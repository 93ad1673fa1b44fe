// Both rungs of softmax.
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
};

#define QKV_KERNELS "lib/kernels/softmax.inl"
#include "lib/simd/every_isa.inl"

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
  const int64_t n = shape.n;
  const int64_t rows_per_chunk =
      std::max<int64_t>(1, kElementsWorthSplitting / std::max<int64_t>(n, 1));
  parallel_for(shape.rows, rows_per_chunk, [&](int64_t begin, int64_t end) {
    kernels<T>().softmax_rows(end - begin, n, x + begin * n, y + begin * n,
                              shape.empty_row_is_zero);
  });
}

template void softmax_definition(RowsShape, const float*, float*);
template void softmax_definition(RowsShape, const double*, double*);
template void softmax(RowsShape, const float*, float*);
template void softmax(RowsShape, const double*, double*);

}  // namespace qkv::lib
