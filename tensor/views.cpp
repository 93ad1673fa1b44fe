// Other shapes and strides over the same storage: arithmetic on two short lists. The one that needs
// thought is reshape:
//
//   x = the left half of a (2, 3, 8) tensor:  shape (2, 3, 4), strides (24, 8, 1)
//   axes 0, 1 walk as one run, since 24 = 3 * 8;  axis 2 is a run of its own, since 8 != 4 * 1
//   as (6, 4) or (2, 3, 2, 2): free, each size lies inside a run.   As (2, 12): across two, a copy.
#include "tensor/views.h"

#include <algorithm>
#include <optional>

namespace qkv::tensor {

using lib::fail;

namespace {

// The shape with its -1 worked out from the number of elements.
Shape complete_shape(const Tensor& x, Shape shape) {
  int unknown = -1;
  for (int axis = 0; axis < shape.rank(); ++axis) {
    if (shape[axis] >= 0) continue;
    if (shape[axis] != -1 || unknown >= 0) {
      fail("reshape: cannot see ", x.shape(), " as ", shape, "; only one size may be -1");
    }
    unknown = axis;
  }
  if (unknown >= 0) {
    Shape known = shape;
    known.erase(unknown);
    const int64_t n = known.numel();
    if (n == 0) fail("reshape: the -1 in ", shape, " is ambiguous next to a size of 0");
    if (x.numel() % n != 0) {
      fail("reshape: cannot see ", x.shape(), " as ", shape, "; its ", x.numel(),
           " elements are not a multiple of ", n);
    }
    shape[unknown] = x.numel() / n;
  }
  if (shape.numel() != x.numel()) {
    fail("reshape: cannot see ", x.shape(), " as ", shape, "; it has ", x.numel(),
         " elements, not ", shape.numel());
  }
  return shape;
}

// The strides that show x under `shape` without a copy, if there are any. Walks both shapes from
// the last axis on: collects a run of x's axes, then cuts it into sizes of the result, which must
// fill it.
std::optional<Strides> strides_without_copy(const Tensor& x, const Shape& shape) {
  Strides strides = row_major_strides(shape);
  if (x.numel() == 0 || x.rank() == 0) return strides;
  int to = shape.rank() - 1;                          // the axis of the result to be filled next
  int64_t run = 1, step = x.strides()[x.rank() - 1];  // a run of `run` elements, `step` apart
  for (int axis = x.rank() - 1; axis >= 0; --axis) {
    run *= x.shape()[axis];
    const bool goes_on =
        axis > 0 && (x.shape()[axis - 1] == 1 || x.strides()[axis - 1] == run * step);
    if (goes_on) continue;
    int64_t filled = 1;
    for (; to >= 0 && filled < run; --to) {
      strides[to] = filled * step;
      filled *= shape[to];
    }
    if (filled != run) return std::nullopt;
    if (axis > 0) step = x.strides()[axis - 1];
    run = 1;
  }
  return strides;
}

}  // namespace

Tensor reshape(const Tensor& x, const Shape& wanted) {
  const Shape shape = complete_shape(x, wanted);
  if (const auto strides = strides_without_copy(x, shape)) {
    return x.view(shape, *strides, x.offset());
  }
  const Tensor copy = x.contiguous();
  return copy.view(shape, row_major_strides(shape), copy.offset());
}

Tensor transpose(const Tensor& x, int a, int b) {
  a = normalize_axis("transpose", a, x.rank());
  b = normalize_axis("transpose", b, x.rank());
  Shape shape = x.shape();
  Strides strides = x.strides();
  std::swap(shape[a], shape[b]);
  std::swap(strides[a], strides[b]);
  return x.view(shape, strides, x.offset());
}

Tensor permute(const Tensor& x, const std::vector<int>& order) {
  Shape shape, strides, named;
  for (const int given : order) {
    const int axis = normalize_axis("permute", given, x.rank());
    if (std::find(named.begin(), named.end(), axis) != named.end()) {
      fail("permute: axis ", given, " is named twice");
    }
    named.push_back(axis);
    shape.push_back(x.shape()[axis]);
    strides.push_back(x.strides()[axis]);
  }
  if (named.rank() != x.rank()) {
    fail("permute: the order names ", named.rank(), " axes of ", x.shape(), "; need all ",
         x.rank());
  }
  return x.view(shape, strides, x.offset());
}

//   size 7, slice(begin 1, end 6, step 2):   0 [1] 2 [3] 4 [5] 6     3 elements, offset 1, stride 2
Tensor slice(const Tensor& x, int axis, int64_t begin, int64_t end, int64_t step) {
  axis = normalize_axis("slice", axis, x.rank());
  const int64_t size = x.shape()[axis];
  const int64_t first = begin < 0 ? begin + size : begin, last = end < 0 ? end + size : end;
  if (first < 0 || first > last || last > size) {
    fail("slice: begin ", begin, ", end ", end, " along axis ", axis, " of ", x.shape(),
         "; need 0 <= begin <= end <= ", size, " (negative ones count from the end)");
  }
  if (step < 1) fail("slice: step ", step, "; need step >= 1");
  step = std::min(step, std::max<int64_t>(size, 1));  // a longer step also takes the first only
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape[axis] = (last - first + step - 1) / step;
  strides[axis] *= step;
  const int64_t skipped = shape[axis] == 0 ? 0 : first * x.strides()[axis];
  return x.view(shape, strides, x.offset() + skipped);
}

Tensor select(const Tensor& x, int axis, int64_t index) {
  axis = normalize_axis("select", axis, x.rank());
  const int64_t size = x.shape()[axis];
  if (index < -size || index >= size) {
    fail("select: index ", index, " along axis ", axis, " of ", x.shape(), "; need ", -size,
         " <= index < ", size);
  }
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.erase(axis);
  strides.erase(axis);
  return x.view(shape, strides,
                x.offset() + (index < 0 ? index + size : index) * x.strides()[axis]);
}

//   x   (3, 1), strides (1, 1):   a / b / c
//   expand to (2, 3, 4):          strides (0, 1, 0): moving along a repeated axis stays in place
Tensor expand(const Tensor& x, const Shape& shape) {
  if (broadcast_shapes("expand", x.shape(), shape) != shape) {
    fail("expand: ", x.shape(), " does not broadcast to ", shape,
         "; only axes of size 1 are repeated, and none removed");
  }
  Strides strides = shape;
  const int added = shape.rank() - x.rank();
  for (int axis = 0; axis < shape.rank(); ++axis) {
    const bool repeated = axis < added || x.shape()[axis - added] != shape[axis];
    strides[axis] = repeated ? 0 : x.strides()[axis - added];
  }
  return x.view(shape, strides, x.offset());
}

Tensor unsqueeze(const Tensor& x, int axis) {
  axis = normalize_axis("unsqueeze", axis, x.rank() + 1);
  Shape shape = x.shape();
  Strides strides = x.strides();
  shape.insert(axis, 1);
  strides.insert(axis, 1);  // never walked: any number would do
  return x.view(shape, strides, x.offset());
}

Tensor squeeze(const Tensor& x, int axis) {
  axis = normalize_axis("squeeze", axis, x.rank());
  if (x.shape()[axis] != 1) {
    fail("squeeze: axis ", axis, " of ", x.shape(), " has size ", x.shape()[axis], "; need 1");
  }
  return select(x, axis, 0);
}

}  // namespace qkv::tensor
