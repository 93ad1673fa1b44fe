// Softmax along any axis: the axis is moved to the end, where lib's row kernels work, and back.
#include "tensor/softmax.h"

#include <algorithm>

#include "lib/memory.h"
#include "lib/parallel.h"
#include "lib/softmax.h"
#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/strided.h"
#include "tensor/views.h"

namespace qkv::tensor {
namespace {

lib::RowsShape rows_of(const Tensor& x) {
  const int64_t n = x.shape().from_end(1);
  return {n == 0 ? 0 : x.numel() / n, n};
}

Tensor axis_last(const Tensor& x, int axis) { return transpose(x, axis, -1).contiguous(); }

// y = kernel(x) along any axis, for one of lib's functions of rows.
template <class Kernel>
Tensor along_axis(const char* op, const Tensor& x, int axis, const Kernel& kernel) {
  dispatch_floating(op, x.dtype(), [](auto) {});
  axis = normalize_axis(op, axis, x.rank());
  const Tensor from = axis_last(x, axis);
  Tensor y = Tensor::empty(from.shape(), x.dtype());
  dispatch_floating(op, x.dtype(), [&]<class T>(T) {
    kernel(rows_of(from), from.data<T>(), y.mutable_data<T>());
  });
  return axis_last(y, axis);
}

// dx = kernel(dy, y) along any axis. The caller has checked the operands: they come from a graph.
template <class Kernel>
Tensor back_along_axis(const char* op, const Tensor& dy, const Tensor& y, int axis,
                       const Kernel& kernel) {
  axis = normalize_axis(op, axis, y.rank());
  const Tensor slope = axis_last(dy, axis), result = axis_last(y, axis);
  Tensor dx = Tensor::empty(result.shape(), y.dtype());
  dispatch_floating(op, y.dtype(), [&]<class T>(T) {
    kernel(rows_of(result), slope.data<T>(), result.data<T>(), dx.mutable_data<T>());
  });
  return axis_last(dx, axis);
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) {
  return along_axis("softmax", x, axis,
                    [](auto shape, const auto* from, auto* to) { lib::softmax(shape, from, to); });
}

Tensor softmax_backward(const Tensor& dy, const Tensor& y, int axis) {
  return back_along_axis("softmax_backward", dy, y, axis,
                         [](auto shape, const auto* slope, const auto* weights, auto* to) {
                           lib::softmax_backward(shape, slope, weights, to);
                         });
}

Tensor log_softmax(const Tensor& x, int axis) {
  return along_axis("log_softmax", x, axis, [](auto shape, const auto* from, auto* to) {
    lib::log_softmax(shape, from, to);
  });
}

Tensor log_softmax_backward(const Tensor& dy, const Tensor& y, int axis) {
  return back_along_axis("log_softmax_backward", dy, y, axis,
                         [](auto shape, const auto* slope, const auto* logs, auto* to) {
                           lib::log_softmax_backward(shape, slope, logs, to);
                         });
}

// An infinite m is not taken away: inf - inf is NaN.
Tensor logsumexp(const Tensor& x, int axis, bool keepdim) {
  dispatch_floating("logsumexp", x.dtype(), [](auto) {});
  axis = normalize_axis("logsumexp", axis, x.rank());
  if (x.shape()[axis] == 0) {
    lib::fail("logsumexp: axis ", axis, " of shape ", x.shape(), " is empty");
  }
  const Tensor largest = max(x, axis, true);
  const Tensor m = where(is_finite(largest), largest, scalar(0, x.dtype()));
  const Tensor y = add(log(sum(exp(sub(x, m)), {axis}, true)), m);
  return keepdim ? y : squeeze(y, axis);
}

// The rows of x in runs whose masks are equally far apart, which is what lib's kernel takes:
//
//   x (B, H, T, T), mask (T, T)          B H runs of T rows, masks T apart
//   x (B, H, T, T), mask (B, 1, 1, T)    B runs of H T rows with one mask each
Tensor masked_softmax(const Tensor& x, const Tensor& mask) {
  dispatch_floating("masked_softmax", x.dtype(), [](auto) {});
  if (x.rank() == 0) lib::fail("masked_softmax: needs at least one axis");
  if (mask.dtype() != Dtype::boolean) {
    lib::fail("masked_softmax: needs a bool mask, got ", mask.dtype());
  }
  if (broadcast_shapes("masked_softmax", mask.shape(), x.shape()) != x.shape()) {
    lib::fail("masked_softmax: mask ", mask.shape(), " does not broadcast to x ", x.shape());
  }
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  if (x.numel() == 0) return y;
  const Tensor packed = x.contiguous();
  const int last = x.rank() - 1;
  Strides strides = broadcast_strides(mask.shape(), mask.strides(), x.shape());
  Tensor allowed = mask;
  if (strides[last] != 1) {
    allowed = expand(mask, x.shape()).contiguous();
    strides = allowed.strides();
  }
  Shape rows = x.shape();
  const int64_t n = x.shape()[last];
  rows.erase(last), strides.erase(last);
  struct Run {
    int64_t rows, mask, stride;
  };
  std::vector<Run, lib::CachingAllocator<Run>> runs;
  for_each_row<1>(rows, {strides}, [&](int64_t count, const auto& offsets, const auto& steps) {
    runs.push_back({count, offsets[0], steps[0]});
  });
  const int64_t per_run = runs[0].rows * n;
  dispatch_floating("masked_softmax", x.dtype(), [&]<class T>(T) {
    const T* const from = packed.data<T>();
    const bool* const masks = allowed.data<bool>();
    T* const to = y.mutable_data<T>();
    const int64_t grain = std::max<int64_t>(1, lib::kElementsWorthSplitting / per_run);
    lib::parallel_for(static_cast<int64_t>(runs.size()), grain, [&](int64_t begin, int64_t end) {
      for (int64_t i = begin; i < end; ++i) {
        const Run& run = runs[static_cast<size_t>(i)];
        lib::masked_softmax<T>({run.rows, n}, from + i * per_run, masks + run.mask, run.stride,
                               to + i * per_run);
      }
    });
  });
  return y;
}

}  // namespace qkv::tensor
