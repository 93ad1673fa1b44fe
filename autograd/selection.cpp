// Choosing by masks and by indices. Gather reads a place, scatter_add adds to a place: each is the
// other's adjoint, and a place that was read twice gets both gradients. Masks and indices are saved
// like operands: whoever overwrites one before backward is told.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::autograd {

// ---- where --------------------------------------------------------------------------------------
//
//   forward    y = c ? a : b
//   backward   da = c ? dy : 0,  db = c ? 0 : dy
//
// The unchosen side gets exactly 0, also if its value is not finite.
Variable where(const Tensor& condition, const Variable& a, const Variable& b) {
  return record(
      "where", {a, b}, tensor::where(condition, a.value(), b.value()),
      [c = Saved(condition), sa = a.shape(), sb = b.shape()](const Variable& dy) -> Grads {
        const Tensor zero = tensor::scalar(0, dy.dtype());
        return {wanted(0) ? reduce_to(where(c.value(), dy, zero), sa) : Variable(),
                wanted(1) ? reduce_to(where(c.value(), zero, dy), sb) : Variable()};
      });
}

// ---- masked_fill --------------------------------------------------------------------------------
//
//   forward    y = mask ? value : x
//   backward   dx = mask ? 0 : dy
Variable masked_fill(const Variable& x, const Tensor& mask, double value) {
  return record("masked_fill", {x}, tensor::masked_fill(x.value(), mask, value),
                [mask = Saved(mask)](const Variable& dy) -> Grads {
                  return {masked_fill(dy, mask.value(), 0)};
                });
}

// ---- gather, scatter_add ------------------------------------------------------------------------
//
//   forward    y[i] = x[index[i]]                      y = zeros, y[index[i]] += x[i]
//   backward   dx = zeros, dx[index[i]] += dy[i]       dx[i] = dy[index[i]]
Variable gather(const Variable& x, int axis, const Tensor& index) {
  const int64_t size = x.shape()[tensor::normalize_axis("gather", axis, x.rank())];
  return record("gather", {x}, tensor::gather(x.value(), axis, index),
                [axis, index = Saved(index), size](const Variable& dy) -> Grads {
                  return {scatter_add(dy, axis, index.value(), size)};
                });
}

Variable scatter_add(const Variable& values, int axis, const Tensor& index, int64_t size) {
  return record("scatter_add", {values}, tensor::scatter_add(values.value(), axis, index, size),
                [axis, index = Saved(index)](const Variable& dy) -> Grads {
                  return {gather(dy, axis, index.value())};
                });
}

// ---- embedding, scatter_add_rows ----------------------------------------------------------------
//
//   forward    y_i = table[ids_i]                      table = zeros, table[ids_i] += y_i
//   backward   dtable = zeros, dtable[ids_i] += dy_i   dy_i = dtable[ids_i]
//
// The same as one_hot(ids) times the table, without the multiplications by zero.
Variable embedding(const Variable& table, const Tensor& ids) {
  return record("embedding", {table}, tensor::embedding(table.value(), ids),
                [ids = Saved(ids), rows = table.shape()[0]](const Variable& dy) -> Grads {
                  return {scatter_add_rows(dy, ids.value(), rows)};
                });
}

Variable scatter_add_rows(const Variable& values, const Tensor& ids, int64_t rows) {
  return record(
      "scatter_add_rows", {values}, tensor::scatter_add_rows(values.value(), ids, rows),
      [ids = Saved(ids)](const Variable& dy) -> Grads { return {embedding(dy, ids.value())}; });
}

// ---- index_select, index_add --------------------------------------------------------------------
//
//   forward    y_i = x_index[i]                        y = zeros, y_index[i] += x_i
//   backward   dx = zeros, dx_index[i] += dy_i         dx_i = dy_index[i]
//
// As embedding, for slices along any axis.
Variable index_select(const Variable& x, int axis, const Tensor& index) {
  const int64_t size = x.shape()[tensor::normalize_axis("index_select", axis, x.rank())];
  return record("index_select", {x}, tensor::index_select(x.value(), axis, index),
                [axis, index = Saved(index), size](const Variable& dy) -> Grads {
                  return {index_add(dy, axis, index.value(), size)};
                });
}

Variable index_add(const Variable& x, int axis, const Tensor& index, int64_t size) {
  return record("index_add", {x}, tensor::index_add(x.value(), axis, index, size),
                [axis, index = Saved(index)](const Variable& dy) -> Grads {
                  return {index_select(dy, axis, index.value())};
                });
}

// ---- dropout ------------------------------------------------------------------------------------
//
//   forward    y = x m,   m = 0 with probability p, else 1 / (1 - p)
//   backward   dx = dy m
//
// Saved: m.
Variable dropout(const Variable& x, double p, lib::Generator& generator) {
  if (!(p >= 0 && p < 1)) lib::fail("dropout: probability ", p, " is outside [0, 1)");
  if (p == 0) return x;
  const Tensor draws = tensor::uniform(x.shape(), 0, 1, generator, Dtype::float64);
  const Tensor kept = tensor::less_equal(tensor::scalar(p, Dtype::float64), draws);
  const Tensor m = tensor::mul(kept.to(x.dtype()), 1 / (1 - p));
  return record("dropout", {x}, tensor::mul(x.value(), m),
                [m = Saved(m)](const Variable& dy) -> Grads { return {dy * m}; });
}

}  // namespace qkv::autograd
