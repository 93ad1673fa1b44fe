// Softmax along any axis: the axis is moved to the end, where lib's row kernels work, and back.
#include "tensor/softmax.h"

#include <limits>

#include "lib/softmax.h"
#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/reduce.h"
#include "tensor/views.h"

namespace qkv::tensor {
namespace {

// f on the last axis, for a floating tensor and any axis.
template <class F>
Tensor along_last_axis(const char* op, const Tensor& x, int axis, const F& f) {
  dispatch_floating(op, x.dtype(), [](auto) {});
  axis = normalize_axis(op, axis, x.rank());
  return transpose(f(transpose(x, axis, -1).contiguous()), axis, -1).contiguous();
}

Tensor softmax_last(const Tensor& x, bool empty_row_is_zero) {
  const Tensor packed = x.contiguous();
  Tensor y = Tensor::empty(x.shape(), x.dtype());
  const int64_t n = x.shape().from_end(1);
  dispatch_floating("softmax", x.dtype(), [&]<class T>(T) {
    lib::softmax<T>({n == 0 ? 0 : x.numel() / n, n, empty_row_is_zero}, packed.data<T>(),
                    y.mutable_data<T>());
  });
  return y;
}

}  // namespace

Tensor softmax(const Tensor& x, int axis) {
  return along_last_axis("softmax", x, axis,
                         [](const Tensor& t) { return softmax_last(t, false); });
}

Tensor log_softmax(const Tensor& x, int axis) {
  return along_last_axis("log_softmax", x, axis, [](const Tensor& t) {
    if (t.numel() == 0) return t.clone();
    const Tensor shifted = sub(t, max(t, -1, true));
    return sub(shifted, log(sum(exp(shifted), {-1}, true)));
  });
}

Tensor masked_softmax(const Tensor& x, const Tensor& mask) {
  dispatch_floating("masked_softmax", x.dtype(), [](auto) {});
  if (x.rank() == 0) lib::fail("masked_softmax: needs at least one axis");
  if (mask.dtype() != Dtype::boolean) {
    lib::fail("masked_softmax: needs a bool mask, got ", mask.dtype());
  }
  if (broadcast_shapes("masked_softmax", mask.shape(), x.shape()) != x.shape()) {
    lib::fail("masked_softmax: mask ", mask.shape(), " does not broadcast to x ", x.shape());
  }
  const Tensor hidden = masked_fill(x, logical_not(mask), -std::numeric_limits<double>::infinity());
  return softmax_last(hidden, true);
}

}  // namespace qkv::tensor
