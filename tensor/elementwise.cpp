// Elementwise operations of two operands, which broadcast: arithmetic by lib's kernels, comparisons
// and masks by a plain loop. Functions of one number: functions.cpp.
#include "tensor/elementwise.h"

#include "lib/arithmetic.h"
#include "tensor/strided.h"

namespace qkv::tensor {
namespace {

using lib::fail;

void require_same_dtype(const char* op, const Tensor& a, const Tensor& b) {
  if (a.dtype() != b.dtype()) {
    fail(op, ": dtypes differ: ", a.dtype(), " and ", b.dtype(), "; convert one with to()");
  }
}

void require_bool(const char* op, const Tensor& t) {
  if (t.dtype() != Dtype::boolean) fail(op, ": needs a bool tensor, got ", t.dtype());
}

// y[i] = f(a[i], b[i]) over broadcast operands of element type T, into a fresh tensor of type Out.
// A row's two steps are 0 (one number repeated), 1 (neighbours) or anything else; the first two are
// spelled out, for the compiler to vectorise.
template <class T, class Out, class F>
Tensor broadcast_loop(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  const Shape shape = broadcast_shapes(op, a.shape(), b.shape());
  Tensor result = Tensor::empty(shape, dtype_of<Out>());
  const T *const from_a = a.data<T>(), *const from_b = b.data<T>();
  Out* const to = result.mutable_data<Out>();
  for_each_row<3>(shape,
                  {result.strides(), broadcast_strides(a.shape(), a.strides(), shape),
                   broadcast_strides(b.shape(), b.strides(), shape)},
                  [&](int64_t n, PerOperand<3> at, PerOperand<3> step) {
                    Out* const y = to + at[0];  // row-major: its step is 1
                    const T *const x = from_a + at[1], *const z = from_b + at[2];
                    if (step[1] == 1 && step[2] == 1) {
                      for (int64_t i = 0; i < n; ++i) y[i] = f(x[i], z[i]);
                    } else if (step[1] == 1 && step[2] == 0) {
                      const T one = *z;
                      for (int64_t i = 0; i < n; ++i) y[i] = f(x[i], one);
                    } else if (step[1] == 0 && step[2] == 1) {
                      const T one = *x;
                      for (int64_t i = 0; i < n; ++i) y[i] = f(one, z[i]);
                    } else {
                      for (int64_t i = 0; i < n; ++i) y[i] = f(x[i * step[1]], z[i * step[2]]);
                    }
                  });
  return result;
}

// y = a op b plane by plane, y row-major. The usual case, row-major operands of one shape (alike),
// is a single row.
template <class T>
void combine_into(Tensor& y, lib::Arithmetic op, const Tensor& a, const Tensor& b, bool alike) {
  const T *const from_a = a.data<T>(), *const from_b = b.data<T>();
  T* const to = y.mutable_data<T>();
  const Shape& shape = y.shape();
  if (alike && a.is_contiguous() && b.is_contiguous()) {
    return lib::arithmetic<T>(op, 1, y.numel(), {from_a, 0, 1}, {from_b, 0, 1}, to);
  }
  for_each_plane<3>(shape,
                    {y.strides(), broadcast_strides(a.shape(), a.strides(), shape),
                     broadcast_strides(b.shape(), b.strides(), shape)},
                    [&](const Plane<3>& p) {
                      lib::arithmetic<T>(
                          op, p.rows, p.n, {from_a + p.at[1], p.row_step[1], p.step[1]},
                          {from_b + p.at[2], p.row_step[2], p.step[2]}, to + p.at[0]);
                    });
}

template <class T>
Tensor combined(const char* name, lib::Arithmetic op, const Tensor& a, const Tensor& b) {
  const bool alike = a.shape() == b.shape();
  Tensor y =
      Tensor::empty(alike ? a.shape() : broadcast_shapes(name, a.shape(), b.shape()), a.dtype());
  combine_into<T>(y, op, a, b, alike);
  return y;
}

Tensor floating_arithmetic(const char* name, lib::Arithmetic op, const Tensor& a, const Tensor& b) {
  require_same_dtype(name, a, b);
  return dispatch_floating(name, a.dtype(),
                           [&]<class T>(T) { return combined<T>(name, op, a, b); });
}

// The same for any numbers; `f` is the operation on integers.
template <class F>
Tensor arithmetic(const char* name, lib::Arithmetic op, const Tensor& a, const Tensor& b,
                  const F& f) {
  if (a.dtype() != Dtype::int64) return floating_arithmetic(name, op, a, b);
  require_same_dtype(name, a, b);
  return broadcast_loop<int64_t, int64_t>(name, a, b, f);
}

// y = x op number, without a tensor for the number.
Tensor with_number(const char* name, lib::Arithmetic op, const Tensor& x, double number) {
  return dispatch_floating(name, x.dtype(), [&]<class T>(T) {
    const Tensor packed = x.contiguous();
    Tensor y = Tensor::empty(x.shape(), x.dtype());
    const T value = static_cast<T>(number);
    lib::arithmetic<T>(op, 1, x.numel(), {packed.data<T>(), 0, 1}, {&value, 0, 0},
                       y.mutable_data<T>());
    return y;
  });
}

template <class F>
Tensor comparison(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  require_same_dtype(op, a, b);
  return dispatch(a.dtype(), [&]<class T>(T) { return broadcast_loop<T, bool>(op, a, b, f); });
}

}  // namespace

// ---- arithmetic ---------------------------------------------------------------------------------

Tensor add(const Tensor& a, const Tensor& b) {
  return arithmetic("add", lib::Arithmetic::add, a, b, [](auto x, auto y) { return x + y; });
}
Tensor sub(const Tensor& a, const Tensor& b) {
  return arithmetic("sub", lib::Arithmetic::sub, a, b, [](auto x, auto y) { return x - y; });
}
Tensor mul(const Tensor& a, const Tensor& b) {
  return arithmetic("mul", lib::Arithmetic::mul, a, b, [](auto x, auto y) { return x * y; });
}
Tensor div(const Tensor& a, const Tensor& b) {
  return floating_arithmetic("div", lib::Arithmetic::div, a, b);
}
// Not x > y ? x : y, which would pass over a NaN in x: a comparison with NaN is false.
Tensor maximum(const Tensor& a, const Tensor& b) {
  require_same_dtype("maximum", a, b);
  const auto larger = [](auto x, auto y) { return x > y || x != x ? x : y; };
  if (a.dtype() == Dtype::int64) return broadcast_loop<int64_t, int64_t>("maximum", a, b, larger);
  return dispatch_floating("maximum", a.dtype(), [&]<class T>(T) {
    return broadcast_loop<T, T>("maximum", a, b, larger);
  });
}
void add_(Tensor& a, const Tensor& b) {
  require_same_dtype("add_", a, b);
  if (!a.is_contiguous() || broadcast_shapes("add_", a.shape(), b.shape()) != a.shape()) {
    fail("add_: cannot add ", b.shape(), " to a ", a.shape(), " in place");
  }
  dispatch_floating("add_", a.dtype(), [&]<class T>(T) {
    combine_into<T>(a, lib::Arithmetic::add, a, b, a.shape() == b.shape());
  });
}
Tensor neg(const Tensor& x) { return with_number("neg", lib::Arithmetic::mul, x, -1); }
Tensor add(const Tensor& a, double b) {
  if (!is_floating(a.dtype())) return add(a, scalar(b, a.dtype()));
  return with_number("add", lib::Arithmetic::add, a, b);
}
Tensor mul(const Tensor& a, double b) {
  if (!is_floating(a.dtype())) return mul(a, scalar(b, a.dtype()));
  return with_number("mul", lib::Arithmetic::mul, a, b);
}

// ---- comparison ---------------------------------------------------------------------------------

Tensor equal(const Tensor& a, const Tensor& b) {
  return comparison("equal", a, b, [](auto x, auto y) { return x == y; });
}
Tensor less(const Tensor& a, const Tensor& b) {
  return comparison("less", a, b, [](auto x, auto y) { return x < y; });
}
Tensor less_equal(const Tensor& a, const Tensor& b) {
  return comparison("less_equal", a, b, [](auto x, auto y) { return x <= y; });
}
Tensor greater(const Tensor& a, const Tensor& b) {
  return comparison("greater", a, b, [](auto x, auto y) { return x > y; });
}

// ---- masks --------------------------------------------------------------------------------------

Tensor logical_and(const Tensor& a, const Tensor& b) {
  require_bool("logical_and", a), require_bool("logical_and", b);
  return broadcast_loop<bool, bool>("logical_and", a, b, [](bool x, bool y) { return x && y; });
}
Tensor logical_or(const Tensor& a, const Tensor& b) {
  require_bool("logical_or", a), require_bool("logical_or", b);
  return broadcast_loop<bool, bool>("logical_or", a, b, [](bool x, bool y) { return x || y; });
}
Tensor logical_not(const Tensor& a) {
  require_bool("logical_not", a);
  return equal(a, scalar(0, Dtype::boolean));
}

Tensor where(const Tensor& condition, const Tensor& a, const Tensor& b) {
  require_bool("where", condition);
  require_same_dtype("where", a, b);
  const Shape shape =
      broadcast_shapes("where", condition.shape(), broadcast_shapes("where", a.shape(), b.shape()));
  Tensor result = Tensor::empty(shape, a.dtype());
  dispatch(a.dtype(), [&]<class T>(T) {
    const bool* const chosen = condition.data<bool>();
    const T *const from_a = a.data<T>(), *const from_b = b.data<T>();
    T* const to = result.mutable_data<T>();
    for_each_row<4>(
        shape,
        {result.strides(), broadcast_strides(condition.shape(), condition.strides(), shape),
         broadcast_strides(a.shape(), a.strides(), shape),
         broadcast_strides(b.shape(), b.strides(), shape)},
        [&](int64_t n, PerOperand<4> at, PerOperand<4> step) {
          for (int64_t i = 0; i < n; ++i) {
            to[at[0] + i * step[0]] = chosen[at[1] + i * step[1]] ? from_a[at[2] + i * step[2]]
                                                                  : from_b[at[3] + i * step[3]];
          }
        });
  });
  return result;
}

Tensor masked_fill(const Tensor& x, const Tensor& mask, double value) {
  require_bool("masked_fill", mask);
  if (broadcast_shapes("masked_fill", mask.shape(), x.shape()) != x.shape()) {
    fail("masked_fill: mask ", mask.shape(), " does not broadcast to x ", x.shape());
  }
  return where(mask, scalar(value, x.dtype()), x);
}

}  // namespace qkv::tensor
