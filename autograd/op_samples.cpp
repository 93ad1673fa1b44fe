// The samplers of the op table. Inputs near a kink would make a right gradient look wrong.
#include "autograd/op_rows.h"
#include "tensor/elementwise.h"

namespace qkv::autograd {

Sample normals(std::vector<Shape> shapes) {
  return [shapes](lib::Generator& g) {
    std::vector<Tensor> inputs;
    for (const Shape& shape : shapes)
      inputs.push_back(tensor::normal(shape, 0, 1, g, Dtype::float64));
    return inputs;
  };
}

Sample uniforms(double low, double high, std::vector<Shape> shapes) {
  return [=](lib::Generator& g) {
    std::vector<Tensor> inputs;
    for (const Shape& shape : shapes) {
      inputs.push_back(tensor::uniform(shape, low, high, g, Dtype::float64));
    }
    return inputs;
  };
}

Sample away_from_zero(Shape shape) {
  return [shape](lib::Generator& g) -> std::vector<Tensor> {
    const Tensor size = tensor::uniform(shape, 0.1, 2, g, Dtype::float64);
    const Tensor negative = tensor::less(tensor::uniform(shape, -1, 1, g, Dtype::float64),
                                         tensor::scalar(0, Dtype::float64));
    return {tensor::where(negative, tensor::neg(size), size)};
  };
}

Sample well_separated(Shape shape) {
  return [shape](lib::Generator& g) -> std::vector<Tensor> {
    std::vector<double> values;
    for (int64_t i = 0; i < shape.numel(); ++i) values.push_back(0.5 * static_cast<double>(i));
    for (size_t i = values.size(); i > 1; --i) {  // Fisher-Yates shuffle
      std::swap(values[i - 1], values[static_cast<size_t>(g.integer(0, static_cast<int64_t>(i)))]);
    }
    return {Tensor::of(values, shape)};
  };
}

Sample strided(Sample sample) {
  return [sample](lib::Generator& g) {
    std::vector<Tensor> inputs = sample(g);
    for (Tensor& x : inputs) {
      tensor::Strides strides = x.strides();
      int64_t next = 2;
      for (int axis = 0; axis < x.rank(); ++axis) {
        strides[axis] = next;
        next *= x.shape()[axis];
      }
      Tensor view = tensor::zeros({next}, x.dtype()).view(x.shape(), strides, 0);
      view.copy_(x);
      x = view;
    }
    return inputs;
  };
}

Tensor ids(std::vector<int64_t> values, const Shape& shape) { return Tensor::of(values, shape); }
Tensor flags(std::vector<bool> values, const Shape& shape) { return Tensor::of(values, shape); }

}  // namespace qkv::autograd
