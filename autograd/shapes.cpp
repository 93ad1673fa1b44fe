// Operations that only move numbers: their adjoint moves the gradients back.
#include "autograd/node.h"
#include "autograd/ops.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::autograd {

// ---- reshape ------------------------------------------------------------------------------------
//
//   forward    y = x in another shape
//   backward   dx = dy in x's shape
Variable reshape(const Variable& x, const Shape& shape) {
  return record("reshape", {x}, tensor::reshape(x.value(), shape),
                [from = x.shape()](const Variable& dy) -> Grads { return {reshape(dy, from)}; });
}

// ---- transpose, permute -------------------------------------------------------------------------
//
//   forward    y = x with axes moved
//   backward   dx = dy with the axes moved back
Variable transpose(const Variable& x, int a, int b) {
  return record("transpose", {x}, tensor::transpose(x.value(), a, b),
                [a, b](const Variable& dy) -> Grads { return {transpose(dy, a, b)}; });
}

Variable permute(const Variable& x, const std::vector<int>& order) {
  std::vector<int> back(order.size());
  for (size_t i = 0; i < order.size(); ++i) {
    const int axis = tensor::normalize_axis("permute", order[i], x.rank());
    if (axis < static_cast<int>(back.size())) back[static_cast<size_t>(axis)] = static_cast<int>(i);
  }
  return record("permute", {x}, tensor::permute(x.value(), order),
                [back](const Variable& dy) -> Grads { return {permute(dy, back)}; });
}

// ---- slice and its adjoint ----------------------------------------------------------------------
//
//   forward    y = x[begin : end : step]               y = zeros with y[begin : : step] = x
//   backward   dx = zeros, dy put in its place         dx = dy[begin : : step]
Variable slice(const Variable& x, int axis, int64_t begin, int64_t end, int64_t step) {
  const Tensor y = tensor::slice(x.value(), axis, begin, end, step);
  if (begin < 0) begin += x.shape()[tensor::normalize_axis("slice", axis, x.rank())];
  return record("slice", {x}, y,
                [from = x.shape(), axis, begin, step](const Variable& dy) -> Grads {
                  return {slice_adjoint(dy, from, axis, begin, step)};
                });
}

Variable slice_adjoint(const Variable& x, const Shape& shape, int axis, int64_t begin,
                       int64_t step) {
  const int64_t count = x.shape()[tensor::normalize_axis("slice_adjoint", axis, x.rank())];
  const int64_t end = count == 0 ? begin : begin + (count - 1) * step + 1;
  return record("slice_adjoint", {x}, tensor::slice_adjoint(x.value(), shape, axis, begin, step),
                [axis, begin, end, step](const Variable& dy) -> Grads {
                  return {slice(dy, axis, begin, end, step)};
                });
}

// ---- concat, stack ------------------------------------------------------------------------------
//
//   forward    y = parts side by side
//   backward   each part gets its slice of dy
Variable concat(std::span<const Variable> parts, int axis) {
  lib::ShortList<Tensor, 4> values;
  lib::ShortList<int64_t, 4> sizes;
  for (const Variable& part : parts) {
    values.push_back(part.value());
    const int own_axis = tensor::normalize_axis("concat", axis, part.rank());
    sizes.push_back(part.shape()[own_axis]);
  }
  const Tensor y = tensor::concat(std::span(values.begin(), values.size()), axis);
  if (!recording() && !watching) return y;  // before it costs a list of operands
  const std::vector<Operand> operands(parts.begin(), parts.end());
  return record("concat", Operands(operands), y, [sizes, axis](const Variable& dy) {
    Grads grads;
    int64_t begin = 0;
    for (const int64_t size : sizes) {
      grads.push_back(slice(dy, axis, begin, begin + size));
      begin += size;
    }
    return grads;
  });
}

// n tensors (...) become n tensors (..., 1, ...) become one (..., n, ...).
Variable stack(const std::vector<Variable>& parts, int axis) {
  if (parts.empty()) lib::fail("stack: nothing to put together; need at least one Variable");
  const int at = tensor::normalize_axis("stack", axis, parts[0].rank() + 1);
  std::vector<Variable> rows;
  for (const Variable& part : parts) {
    if (part.shape() != parts[0].shape() || part.dtype() != parts[0].dtype()) {
      lib::fail("stack: shapes or dtypes differ: ", parts[0].shape(), " ", parts[0].dtype(),
                " and ", part.shape(), " ", part.dtype());
    }
    Shape shape = part.shape();
    shape.insert(at, 1);
    rows.push_back(reshape(part, shape));
  }
  return concat(rows, at);
}

}  // namespace qkv::autograd
