// Picking and placing by position, and putting tensors side by side.
#pragma once

#include <initializer_list>
#include <span>

#include "tensor/tensor.h"

namespace qkv::tensor {

// The ids in row-major order. Throws std::invalid_argument, naming `op` and the first one outside
// [0, limit), or the dtype if it is not int64.
[[nodiscard]] Tensor checked_ids(const char* op, const Tensor& ids, int64_t limit);

// Of B padded sequences of T positions, the first lengths[b] of sequence b are real. Throws
// std::invalid_argument, naming `op`, unless there are B lengths, each in [0, T].
void check_lengths(const char* op, const std::vector<int64_t>& lengths, int64_t B, int64_t T);

// Side by side along an existing axis: (2, 3) and (2, 5) along axis 1 -> (2, 8).
// Throws std::invalid_argument if the list is empty or the other axes or the dtypes differ.
[[nodiscard]] Tensor concat(std::span<const Tensor> parts, int axis);
[[nodiscard]] inline Tensor concat(std::initializer_list<Tensor> parts, int axis) {
  return concat(std::span(parts.begin(), parts.size()), axis);
}

// Side by side along a new axis: n tensors (2, 3) along axis 0 -> (n, 2, 3).
[[nodiscard]] Tensor stack(const std::vector<Tensor>& parts, int axis);

// Rows of a table by number: table (rows, ...), ids int64 of any shape -> ids.shape + (...).
// Throws std::invalid_argument naming the first id outside [0, rows).
[[nodiscard]] Tensor embedding(const Tensor& table, const Tensor& ids);

// Its adjoint: a table of zeros (rows, ...) into which row i of `values` is added at ids[i], in
// order.
[[nodiscard]] Tensor scatter_add_rows(const Tensor& values, const Tensor& ids, int64_t rows);

// The slices index[0], index[1], ... of x along an axis, side by side: 4 numbers (int64) for axis 1
// of (2, 5, 3) give (2, 4, 3). Throws for an index out of range.
[[nodiscard]] Tensor index_select(const Tensor& x, int axis, const Tensor& index);

// Its adjoint: zeros with `size` along the axis, slice i of x added at index[i], in order.
[[nodiscard]] Tensor index_add(const Tensor& x, int axis, const Tensor& index, int64_t size);

// One element per position along an axis: result[i][j] = x[i][index[i][j]] for axis 1. The index
// (int64) has x's rank, and its sizes except along `axis`. Throws for an index out of range.
[[nodiscard]] Tensor gather(const Tensor& x, int axis, const Tensor& index);

// Its adjoint: zeros with `size` along the axis, values added at the indexed places, in order.
[[nodiscard]] Tensor scatter_add(const Tensor& values, int axis, const Tensor& index, int64_t size);

// The adjoint of slice: zeros of `shape` with x at begin, begin+step, ... along the axis.
[[nodiscard]] Tensor slice_adjoint(const Tensor& x, const Shape& shape, int axis, int64_t begin,
                                   int64_t step);

// 1 at each id, 0 elsewhere: ids (int64) -> ids.shape + (classes,). Throws for an id out of range.
[[nodiscard]] Tensor one_hot(const Tensor& ids, int64_t classes, Dtype dtype = Dtype::float32);

}  // namespace qkv::tensor
