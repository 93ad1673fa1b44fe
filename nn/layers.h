// The simple layers. Each is a few parameters and one line of mathematics; all take tensors of any
// rank whose last axis is the width C.
#pragma once

#include "nn/module.h"

namespace qkv::nn {

// y = x Wᵀ + b:  (..., in) -> (..., out).   Parameters: weight (out, in), bias (out).
class Linear : public Module {
 public:
  enum class Init {
    uniform,  // weight and bias uniform in ±1/√in, as PyTorch's Linear
    xavier,   // weight uniform in ±√(6 / (in + out)), bias zero; Glorot and Bengio 2010
  };
  // Throws std::invalid_argument unless in and out are at least 1.
  Linear(int64_t in, int64_t out, lib::Generator& generator, Init init = Init::uniform);
  [[nodiscard]] Variable forward(const Variable& x) const;

  Variable weight, bias;
};

// Row ids of a table:  ids (...) int64 -> (..., C).   Parameter: weight (vocab, C), normal.
class Embedding : public Module {
 public:
  Embedding(int64_t vocab, int64_t width, lib::Generator& generator, double deviation = 1);
  [[nodiscard]] Variable forward(const Tensor& ids) const;

  Variable weight;
};

// y = (x - mean) / √(variance + eps) · weight + bias over the last axis.
// Parameters, (C): weight, at first 1, and bias, at first 0.
class LayerNorm : public Module {
 public:
  explicit LayerNorm(int64_t width, double eps = 1e-5);
  [[nodiscard]] Variable forward(const Variable& x) const;

  Variable weight, bias;

 private:
  double eps_;
};

// y = x / √(mean(x²) + eps) · weight over the last axis.   Parameter: weight (C), at first 1.
class RMSNorm : public Module {
 public:
  explicit RMSNorm(int64_t width, double eps = 1e-5);
  [[nodiscard]] Variable forward(const Variable& x) const;

  Variable weight;

 private:
  double eps_;
};

// In training, zeroes each element with probability p and divides the others by 1 - p; else y = x.
class Dropout : public Module {
 public:
  // The layer draws from a stream of its own, which it takes from `generator`.
  Dropout(double p, lib::Generator& generator);
  [[nodiscard]] Variable forward(const Variable& x);

  // The stream's position can be set back, to draw the same elements again.
  [[nodiscard]] lib::Generator& generator() { return generator_; }

 private:
  double p_;
  lib::Generator generator_;
};

enum class Activation { relu, gelu, gelu_tanh, silu };

[[nodiscard]] Variable activate(Activation activation, const Variable& x);

// y = activation(x W1ᵀ + b1) W2ᵀ + b2, for each position by itself:
// (..., C) -> (..., hidden) -> (..., C).
class FeedForward : public Module {
 public:
  FeedForward(int64_t width, int64_t hidden, Activation activation, double dropout,
              lib::Generator& generator);
  [[nodiscard]] Variable forward(const Variable& x);

  Linear linear1, linear2;

 private:
  Activation activation_;
  Dropout dropout_;
};

}  // namespace qkv::nn
