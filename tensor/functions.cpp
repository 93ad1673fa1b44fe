// Functions of one number, element by element: by a SIMD function of lib/vector_math.h, or by a
// plain loop. Their gradients, where one pass gives them: dx from dy and what forward has kept.
#include <cmath>

#include "lib/vector_math.h"
#include "tensor/elementwise.h"

namespace qkv::tensor {
namespace {

using lib::fail;

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

Tensor backward_function(const char* op, lib::Function f, const Tensor& saved, const Tensor& dy) {
  if (saved.shape() != dy.shape() || saved.dtype() != dy.dtype()) {
    fail(op, ": the gradient is ", dy.shape(), " ", dy.dtype(), ", the result ", saved.shape(), " ",
         saved.dtype());
  }
  return dispatch_floating(op, dy.dtype(), [&]<class T>(T) {
    const Tensor packed = saved.contiguous(), packed_dy = dy.contiguous();
    Tensor dx = Tensor::empty(dy.shape(), dy.dtype());
    lib::map_backward(f, dy.numel(), packed.data<T>(), packed_dy.data<T>(), dx.mutable_data<T>());
    return dx;
  });
}

// x^n = x^(n/2) x^(n/2), times x if n is odd:  x^13 = x x^4 x^8
template <class T>
T whole_power(T x, int n) {
  T result = 1;
  for (; n > 1; n /= 2, x *= x) {
    if (n % 2 == 1) result *= x;
  }
  return n == 1 ? result * x : result;
}

}  // namespace

Tensor pow(const Tensor& x, double exponent) {
  if (exponent == std::floor(exponent) && std::fabs(exponent) <= 1024) {
    const int n = static_cast<int>(std::fabs(exponent));
    const Tensor power = plain_loop("pow", x, [n](auto v) { return whole_power(v, n); });
    return exponent < 0 ? div(scalar(1, x.dtype()), power) : power;
  }
  if (x.dtype() == Dtype::float32) return exp(mul(log(x), exponent));
  return plain_loop("pow", x,
                    [exponent](auto v) { return std::pow(v, static_cast<decltype(v)>(exponent)); });
}

Tensor abs(const Tensor& x) {
  return plain_loop("abs", x, [](auto v) { return std::abs(v); });
}
Tensor sqrt(const Tensor& x) {
  return plain_loop("sqrt", x, [](auto v) { return std::sqrt(v); });
}
Tensor exp(const Tensor& x) { return vector_function("exp", x, lib::Function::exp); }
Tensor log(const Tensor& x) { return vector_function("log", x, lib::Function::log); }
Tensor tanh(const Tensor& x) { return vector_function("tanh", x, lib::Function::tanh); }
Tensor sigmoid(const Tensor& x) { return vector_function("sigmoid", x, lib::Function::sigmoid); }
Tensor erf(const Tensor& x) { return vector_function("erf", x, lib::Function::erf); }
Tensor relu(const Tensor& x) { return vector_function("relu", x, lib::Function::relu); }
Tensor silu(const Tensor& x) { return mul(x, vector_function("silu", x, lib::Function::sigmoid)); }
Tensor gelu(const Tensor& x) { return vector_function("gelu", x, lib::Function::gelu); }
Tensor gelu_tanh(const Tensor& x) {
  return vector_function("gelu_tanh", x, lib::Function::gelu_tanh);
}

Tensor tanh_backward(const Tensor& y, const Tensor& dy) {
  return backward_function("tanh_backward", lib::Function::tanh, y, dy);
}
Tensor sigmoid_backward(const Tensor& y, const Tensor& dy) {
  return backward_function("sigmoid_backward", lib::Function::sigmoid, y, dy);
}
Tensor relu_backward(const Tensor& y, const Tensor& dy) {
  return backward_function("relu_backward", lib::Function::relu, y, dy);
}
Tensor gelu_backward(const Tensor& x, const Tensor& dy) {
  return backward_function("gelu_backward", lib::Function::gelu, x, dy);
}
Tensor gelu_tanh_backward(const Tensor& x, const Tensor& dy) {
  return backward_function("gelu_tanh_backward", lib::Function::gelu_tanh, x, dy);
}

Tensor is_finite(const Tensor& x) {
  return plain_loop<bool>("is_finite", x, [](auto v) { return std::isfinite(v); });
}

}  // namespace qkv::tensor
