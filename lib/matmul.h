// Matrix product on raw pointers: C = A B, or C += A B. A ladder of rungs with one signature; each
// adds one idea, all give the same bits, and matmul() is the top one.
//
//   C (M x N)   c_ij = Σ_k a_ik b_kj, one chain of fused multiply-adds over k = 0, 1, 2, ...
//
// A and B have a row and a column stride, so a transposed matrix is the same memory read otherwise.
#pragma once

#include <cstdint>
#include <span>

namespace qkv::lib {

template <class T>
struct Matrix {
  T* data;
  int64_t row_stride, col_stride;
};

// The sizes of a product, and whether it is added to what C holds.
struct ProductShape {
  int64_t M, N, K;
  bool accumulate = false;
};

// REQUIRES: C's col_stride is 1; C overlaps neither A nor B. T is float or double.
//
// Rung 0, the definition: three loops, each c_ij finished before the next.
template <class T>
void matmul_definition(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C);

// Rung 1, loop order i-k-j: the innermost loop walks along rows of B and C, that is, through
// neighbouring memory, where the definition jumps down a column of B.
template <class T>
void matmul_loop_order(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C);

// Rung 2, register tile (kernels/tile.inl): a few rows and columns of C stay in registers while k
// runs, so a number loaded once serves a whole row or column of the tile.
template <class T>
void matmul_register_tile(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C);

// Rung 3, cache blocks and packing (kernels/matmul.inl): what a tile reads next lies next to it, in
// the nearest cache.
template <class T>
void matmul_blocked(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C);

// Rung 4, SIMD (lib/simd): the same code once more, with registers of 4, 8 or 16 numbers.
template <class T>
void matmul_simd(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C);

// Rung 5, threads (matmul.cpp): from 2 MFLOP (million operations) on, threads share the blocks of
// C, or the rows of one large product whose B they have packed together. With a bias (N numbers;
// not together with accumulate) every sum of column j begins with bias[j].
template <class T>
void matmul(ProductShape shape, Matrix<const T> A, Matrix<const T> B, Matrix<T> C,
            const T* bias = nullptr);

// Many products of one shape, as one piece of work. Along a batch axis of `count` products the
// matrices lie a_stride, b_stride, c_stride numbers apart; 0 repeats one (but not in C).
struct BatchAxis {
  int64_t count, a_stride, b_stride, c_stride;
};

template <class T>
void matmul_batch(std::span<const BatchAxis> axes, ProductShape shape, Matrix<const T> A,
                  Matrix<const T> B, Matrix<T> C, const T* bias = nullptr);

// Work below this many floating-point operations is not split among threads.
inline constexpr int64_t kFlopsWorthSplitting = 2'000'000;

}  // namespace qkv::lib
