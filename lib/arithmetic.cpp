// Both rungs of elementwise arithmetic.
#include "lib/arithmetic.h"

#include <algorithm>

#include "lib/parallel.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  using Combine = void (*)(int64_t rows, int64_t n, Operand<T> a, Operand<T> b, T* y);
  Combine add, sub, mul, div;
};

#define QKV_KERNELS "lib/kernels/arithmetic.inl"
#include "lib/simd/every_isa.inl"

constexpr int64_t kElementsPerChunk = 32'768;

template <class T>
T combine_two(Arithmetic op, T a, T b) {
  switch (op) {
    case Arithmetic::add:
      return a + b;
    case Arithmetic::sub:
      return a - b;
    case Arithmetic::mul:
      return a * b;
    case Arithmetic::div:
      break;
  }
  return a / b;
}

template <class T>
typename Kernels<T>::Combine kernel_of(Arithmetic op) {
  const Kernels<T>& k = kernels<T>();
  switch (op) {
    case Arithmetic::add:
      return k.add;
    case Arithmetic::sub:
      return k.sub;
    case Arithmetic::mul:
      return k.mul;
    case Arithmetic::div:
      break;
  }
  return k.div;
}

template <class T>
Operand<T> moved(Operand<T> x, int64_t rows, int64_t columns) {
  return {x.data + rows * x.row_step + columns * x.step, x.row_step, x.step};
}

}  // namespace

template <class T>
void arithmetic_definition(Arithmetic op, int64_t rows, int64_t n, Operand<T> a, Operand<T> b,
                           T* y) {
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < n; ++j) {
      y[i * n + j] = combine_two(op, *moved(a, i, j).data, *moved(b, i, j).data);
    }
  }
}

template <class T>
void arithmetic(Arithmetic op, int64_t rows, int64_t n, Operand<T> a, Operand<T> b, T* y) {
  const auto kernel = kernel_of<T>(op);
  if (rows * n <= kElementsPerChunk) return kernel(rows, n, a, b, y);
  if (rows == 1) {
    parallel_for(n, kElementsPerChunk, [&](int64_t begin, int64_t end) {
      kernel(1, end - begin, moved(a, 0, begin), moved(b, 0, begin), y + begin);
    });
    return;
  }
  parallel_for(rows, std::max<int64_t>(1, kElementsPerChunk / n), [&](int64_t begin, int64_t end) {
    kernel(end - begin, n, moved(a, begin, 0), moved(b, begin, 0), y + begin * n);
  });
}

template void arithmetic_definition(Arithmetic, int64_t, int64_t, Operand<float>, Operand<float>,
                                    float*);
template void arithmetic_definition(Arithmetic, int64_t, int64_t, Operand<double>, Operand<double>,
                                    double*);
template void arithmetic(Arithmetic, int64_t, int64_t, Operand<float>, Operand<float>, float*);
template void arithmetic(Arithmetic, int64_t, int64_t, Operand<double>, Operand<double>, double*);

}  // namespace qkv::lib
