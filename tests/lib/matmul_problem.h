// Problems for the tests of matmul: matrices of awkward strides in memory that holds NaN everywhere
// else, so that reading a wrong place shows.
#pragma once

#include <cmath>
#include <cstring>
#include <limits>
#include <vector>

#include "lib/matmul.h"

namespace qkv::tests {

using lib::Matrix;
using lib::ProductShape;

template <class T>
using Rung = void (*)(ProductShape, Matrix<const T>, Matrix<const T>, Matrix<T>);

template <class T>
void matmul_top(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C) {
  lib::matmul(shape, A, B, C);
}
template <class T>
constexpr Rung<T> kRungs[] = {lib::matmul_definition<T>,    lib::matmul_loop_order<T>,
                              lib::matmul_register_tile<T>, lib::matmul_blocked<T>,
                              lib::matmul_simd<T>,          matmul_top<T>};

template <class T>
struct Stored {
  std::vector<T> memory;
  int64_t first, row_stride, col_stride;
  T& at(int64_t i, int64_t j) {
    return memory[static_cast<size_t>(first + i * row_stride + j * col_stride)];
  }
  Matrix<const T> matrix() const { return {memory.data() + first, row_stride, col_stride}; }
};

enum class Layout { tight, padded, transposed, stretched, backwards };
constexpr Layout kLayouts[] = {Layout::tight, Layout::padded, Layout::transposed, Layout::stretched,
                               Layout::backwards};

template <class T, class Draw>
Stored<T> stored(int64_t rows, int64_t cols, Layout layout, const Draw& draw) {
  struct {
    int64_t first, row, col;
  } const strides[] = {
      {0, cols, 1}, {0, cols + 5, 1}, {0, 1, rows}, {0, 3 * cols + 2, 3}, {rows * cols, -cols, -1}};
  const auto [first, row, col] = strides[static_cast<size_t>(layout)];
  Stored<T> s{{}, first, row, col};
  const int64_t extent = rows * std::abs(s.row_stride) + cols * std::abs(s.col_stride) + 1;
  s.memory.assign(static_cast<size_t>(extent), std::numeric_limits<T>::quiet_NaN());
  for (int64_t i = 0; i < rows; ++i) {
    for (int64_t j = 0; j < cols; ++j) s.at(i, j) = static_cast<T>(draw());
  }
  return s;
}

template <class T>
struct Problem {
  ProductShape shape;
  Stored<T> A, B, C;  // C: what it holds before
};

template <class T, class Draw>
Problem<T> problem(ProductShape shape, Layout a, Layout b, const Draw& draw) {
  const auto [M, N, K, accumulate] = shape;
  return {shape, stored<T>(M, K, a, draw), stored<T>(K, N, b, draw),
          stored<T>(M, N, Layout::padded, draw)};
}

// The memory of C after a rung has run, the gaps between its rows included.
template <class T>
std::vector<T> run(const Problem<T>& p, Rung<T> rung) {
  std::vector<T> memory = p.C.memory;
  rung(p.shape, p.A.matrix(), p.B.matrix(), {memory.data() + p.C.first, p.C.row_stride, 1});
  return memory;
}

template <class T>
bool same_bits(const std::vector<T>& a, const std::vector<T>& b) {
  return a.size() == b.size() &&
         (a.empty() || std::memcmp(a.data(), b.data(), a.size() * sizeof(T)) == 0);
}

}  // namespace qkv::tests
