// The simple layers: initialisation and forward.
#include "nn/layers.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/text.h"

namespace qkv::nn {

Linear::Linear(int64_t in, int64_t out, lib::Generator& generator, Init init) {
  require_size("Linear", "in", in);
  require_size("Linear", "out", out);
  const auto inputs = static_cast<double>(in), outputs = static_cast<double>(out);
  if (init == Init::uniform) {
    weight = uniform_parameter({out, in}, 1 / std::sqrt(inputs), generator);
    bias = uniform_parameter({out}, 1 / std::sqrt(inputs), generator);
  } else {
    weight = uniform_parameter({out, in}, std::sqrt(6 / (inputs + outputs)), generator);
    bias = autograd::parameter(tensor::zeros({out}));
  }
  add("weight", weight);
  add("bias", bias);
}

Variable Linear::forward(const Variable& x) const { return autograd::linear(x, weight, bias); }

Embedding::Embedding(int64_t vocab, int64_t width, lib::Generator& generator, double deviation) {
  require_size("Embedding", "vocab", vocab);
  require_size("Embedding", "width", width);
  weight = autograd::parameter(tensor::normal({vocab, width}, 0, deviation, generator));
  add("weight", weight);
}

Variable Embedding::forward(const Tensor& ids) const { return autograd::embedding(weight, ids); }

LayerNorm::LayerNorm(int64_t width, double eps) : eps_(eps) {
  require_size("LayerNorm", "width", width);
  weight = autograd::parameter(tensor::ones({width}));
  bias = autograd::parameter(tensor::zeros({width}));
  add("weight", weight);
  add("bias", bias);
}

Variable LayerNorm::forward(const Variable& x) const {
  return autograd::layer_norm(x, weight, bias, eps_);
}

RMSNorm::RMSNorm(int64_t width, double eps) : eps_(eps) {
  require_size("RMSNorm", "width", width);
  weight = autograd::parameter(tensor::ones({width}));
  add("weight", weight);
}

Variable RMSNorm::forward(const Variable& x) const { return autograd::rms_norm(x, weight, eps_); }

Dropout::Dropout(double p, lib::Generator& generator)
    : p_(p), generator_(generator.seed(), uint64_t{1} + generator.bits()) {
  if (!(p >= 0 && p < 1)) lib::fail("Dropout: probability ", p, " is outside [0, 1)");
}

Variable Dropout::forward(const Variable& x) {
  return training() ? autograd::dropout(x, p_, generator_) : x;
}

Variable activate(Activation activation, const Variable& x) {
  switch (activation) {
    case Activation::relu:
      return relu(x);
    case Activation::gelu:
      return gelu(x);
    case Activation::gelu_tanh:
      return gelu_tanh(x);
    case Activation::silu:
      return silu(x);
  }
  lib::fail("activate: no such activation");
}

FeedForward::FeedForward(int64_t width, int64_t hidden, Activation activation, double dropout,
                         lib::Generator& generator)
    : linear1(width, hidden, generator),
      linear2(hidden, width, generator),
      activation_(activation),
      dropout_(dropout, generator) {
  add("linear1", linear1);
  add("linear2", linear2);
  add("dropout", dropout_);
}

Variable FeedForward::forward(const Variable& x) {
  const Variable active = activate(activation_, linear1.forward(x));  // (..., hidden)
  return linear2.forward(dropout_.forward(active));                   // (..., C)
}

}  // namespace qkv::nn
