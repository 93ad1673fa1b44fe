// Tensors made from a rule: a constant, a count, a random generator.
#include <algorithm>
#include <numeric>

#include "tensor/tensor.h"

namespace qkv::tensor {
namespace {

// A tensor whose elements, in row-major order, are draw(), draw(), ...
template <class Draw>
Tensor generate(const Shape& shape, Dtype dtype, const Draw& draw) {
  Tensor t = Tensor::empty(shape, dtype);
  dispatch(dtype, [&]<class T>(T) {
    T* const values = t.mutable_data<T>();
    std::generate(values, values + t.numel(), [&] { return static_cast<T>(draw()); });
  });
  return t;
}

}  // namespace

Tensor full(const Shape& shape, double value, Dtype dtype) {
  return generate(shape, dtype, [&] { return value; });
}

Tensor zeros(const Shape& shape, Dtype dtype) { return full(shape, 0, dtype); }
Tensor ones(const Shape& shape, Dtype dtype) { return full(shape, 1, dtype); }
Tensor scalar(double value, Dtype dtype) { return full({}, value, dtype); }

Tensor arange(int64_t n, Dtype dtype) {
  int64_t next = 0;
  return generate({n}, dtype, [&] { return next++; });
}

Tensor uniform(const Shape& shape, double low, double high, lib::Generator& generator,
               Dtype dtype) {
  dispatch_floating("uniform", dtype, [](auto) {});
  return generate(shape, dtype, [&] { return low + (high - low) * generator.uniform(); });
}

Tensor normal(const Shape& shape, double mean, double deviation, lib::Generator& generator,
              Dtype dtype) {
  dispatch_floating("normal", dtype, [](auto) {});
  return generate(shape, dtype, [&] { return mean + deviation * generator.normal(); });
}

Tensor integers(const Shape& shape, int64_t low, int64_t high, lib::Generator& generator) {
  return generate(shape, Dtype::int64, [&] { return generator.integer(low, high); });
}

}  // namespace qkv::tensor
