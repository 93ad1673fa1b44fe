// Operations that only move numbers: their adjoint moves the gradients back.
#include "autograd/engine.h"
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

// One slice without its axis: (B, T, C) at t of axis 1 is (B, 1, C) is (B, C).
Variable select(const Variable& x, int axis, int64_t index) {
  const Shape rest = tensor::select(x.value(), axis, index).shape();
  const int at = tensor::normalize_axis("select", axis, x.rank());
  const int64_t begin = index < 0 ? index + x.shape()[at] : index;
  return reshape(slice(x, at, begin, begin + 1), rest);
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

// ---- unbind and its pieces ----------------------------------------------------------------------
//
//   forward    y_i = x[i] along the axis
//   backward   dx = the dy_i side by side, zeros where there is none
//
// The slope of a slice is as large as x: for T of them, T² numbers would be filled with zeros and
// added up. So a piece leaves its dy in a list, and sends behind it only the number 1; those add up
// to how many have come, and unbind puts the list together. Nothing comes between them in a pass,
// as they are born one after the other:
//
//   x -- unbind () --- piece 0  ...      each: dy into the list, 1 to unbind
//                  \-- piece 1  ...
std::vector<Variable> unbind(const Variable& x, int axis) {
  axis = tensor::normalize_axis("unbind", axis, x.rank());
  Shape rest = x.shape();
  rest.erase(axis);
  struct Part {
    Variable dy;
    uint64_t pass = 0;  // a pass that broke off may have left its own behind
  };
  const auto list = std::make_shared<std::vector<Part>>(static_cast<size_t>(x.shape()[axis]));
  const Variable source = record("unbind", {x}, tensor::scalar(0, x.dtype()),
                                 [list, axis, rest](const Variable& count) -> Grads {
                                   std::vector<Part> come(list->size());
                                   come.swap(*list);
                                   std::vector<Variable> parts;
                                   for (Part& part : come) {
                                     const bool ours =
                                         part.dy.defined() && part.pass == current_pass();
                                     if (!ours) part.dy = tensor::zeros(rest, count.dtype());
                                     parts.push_back(std::move(part.dy));
                                   }
                                   return {stack(parts, axis)};
                                 });
  std::vector<Variable> pieces(list->size());
  for (size_t i = 0; i < pieces.size(); ++i) {
    pieces[i] = record("piece", {source}, tensor::select(x.value(), axis, static_cast<int64_t>(i)),
                       [list, i](const Variable& dy) -> Grads {
                         (*list)[i] = {dy, current_pass()};
                         return {tensor::scalar(1, dy.dtype())};
                       });
  }
  return pieces;
}

}  // namespace qkv::autograd
