// Elementwise operations in three shapes: binary (two operands broadcast), unary by a plain loop,
// and unary by a SIMD function of lib. + - * / and sqrt are exactly rounded by the hardware, so the
// compiler may vectorise their loops as it likes without changing a bit.
#include "tensor/elementwise.h"

#include <cmath>

#include "lib/vector_math.h"
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

template <class F>
Tensor arithmetic(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  require_same_dtype(op, a, b);
  if (a.dtype() == Dtype::int64) return broadcast_loop<int64_t, int64_t>(op, a, b, f);
  return dispatch_floating(op, a.dtype(),
                           [&]<class T>(T) { return broadcast_loop<T, T>(op, a, b, f); });
}

template <class F>
Tensor comparison(const char* op, const Tensor& a, const Tensor& b, const F& f) {
  require_same_dtype(op, a, b);
  return dispatch(a.dtype(), [&]<class T>(T) { return broadcast_loop<T, bool>(op, a, b, f); });
}

// y[i] = f(x[i]) for any floating tensor.
template <class Out = void, class F>
Tensor plain_loop(const char* op, const Tensor& x, const F& f) {
  return dispatch_floating(op, x.dtype(), [&]<class T>(T) {
    using Result = std::conditional_t<std::is_void_v<Out>, T, Out>;
    const Tensor packed = x.contiguous();
    Tensor result = Tensor::empty(x.shape(), dtype_of<Result>());
    const T* const from = packed.data<T>();
    Result* const to = result.mutable_data<Result>();
    for (int64_t i = 0; i < x.numel(); ++i) to[i] = f(from[i]);
    return result;
  });
}

Tensor vector_function(const char* op, const Tensor& x, lib::Function f) {
  return dispatch_floating(op, x.dtype(), [&]<class T>(T) {
    const Tensor packed = x.contiguous();
    Tensor result = Tensor::empty(x.shape(), x.dtype());
    lib::map(f, x.numel(), packed.data<T>(), result.mutable_data<T>());
    return result;
  });
}

}  // namespace

// ---- arithmetic ---------------------------------------------------------------------------------

Tensor add(const Tensor& a, const Tensor& b) {
  return arithmetic("add", a, b, [](auto x, auto y) { return x + y; });
}
Tensor sub(const Tensor& a, const Tensor& b) {
  return arithmetic("sub", a, b, [](auto x, auto y) { return x - y; });
}
Tensor mul(const Tensor& a, const Tensor& b) {
  return arithmetic("mul", a, b, [](auto x, auto y) { return x * y; });
}
Tensor div(const Tensor& a, const Tensor& b) {
  require_same_dtype("div", a, b);
  return dispatch_floating("div", a.dtype(), [&]<class T>(T) {
    return broadcast_loop<T, T>("div", a, b, [](T x, T y) { return x / y; });
  });
}
// Not x > y ? x : y, which would pass over a NaN in x: a comparison with NaN is false.
Tensor maximum(const Tensor& a, const Tensor& b) {
  return arithmetic("maximum", a, b, [](auto x, auto y) { return x > y || x != x ? x : y; });
}
Tensor add(const Tensor& a, double b) { return add(a, scalar(b, a.dtype())); }
Tensor mul(const Tensor& a, double b) { return mul(a, scalar(b, a.dtype())); }

// ---- floating functions -------------------------------------------------------------------------

Tensor neg(const Tensor& x) {
  return plain_loop("neg", x, [](auto v) { return -v; });
}
Tensor abs(const Tensor& x) {
  return plain_loop("abs", x, [](auto v) { return std::abs(v); });
}
Tensor sqrt(const Tensor& x) {
  return plain_loop("sqrt", x, [](auto v) { return std::sqrt(v); });
}
Tensor relu(const Tensor& x) {
  return plain_loop("relu", x, [](auto v) { return v < 0 ? decltype(v)(0) : v; });  // NaN stays
}
Tensor exp(const Tensor& x) { return vector_function("exp", x, lib::Function::exp); }
Tensor log(const Tensor& x) { return vector_function("log", x, lib::Function::log); }
Tensor tanh(const Tensor& x) { return vector_function("tanh", x, lib::Function::tanh); }
Tensor sigmoid(const Tensor& x) { return vector_function("sigmoid", x, lib::Function::sigmoid); }
Tensor erf(const Tensor& x) { return vector_function("erf", x, lib::Function::erf); }
Tensor gelu(const Tensor& x) { return vector_function("gelu", x, lib::Function::gelu); }
Tensor gelu_slope(const Tensor& x) {
  return vector_function("gelu_slope", x, lib::Function::gelu_slope);
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
Tensor is_finite(const Tensor& x) {
  return plain_loop<bool>("is_finite", x, [](auto v) { return std::isfinite(v); });
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
