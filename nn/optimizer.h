// Optimisers: from gradients to better weights. step() changes every parameter that has a gradient;
// zero_grad() forgets the gradients, which backward() would otherwise add to.
#pragma once

#include <vector>

#include "nn/module.h"

namespace qkv::nn {

class Optimizer {
 public:
  explicit Optimizer(std::vector<Variable> parameters) : parameters_(std::move(parameters)) {}
  virtual ~Optimizer() = default;
  Optimizer(const Optimizer&) = delete;
  Optimizer& operator=(const Optimizer&) = delete;

  virtual void step() = 0;
  void zero_grad();

  // How far a step goes.
  double learning_rate = 0;  // a schedule may change it before every step

 protected:
  std::vector<Variable> parameters_;
};

struct SgdOptions {
  double learning_rate = 0.01, momentum = 0, weight_decay = 0;
  bool nesterov = false;
};

// Stochastic gradient descent: each step goes against the gradient of one random batch. Momentum
// adds a share of the steps before (nesterov: once more, ahead of time), weight decay draws weights
// towards 0. As PyTorch's SGD; lib/update.h has the formula.
class SGD : public Optimizer {
 public:
  // Throws std::invalid_argument for a negative option, momentum of 1 or more, or nesterov without
  // momentum.
  SGD(std::vector<Variable> parameters, SgdOptions options);
  void step() override;

 private:
  SgdOptions options_;
  std::vector<Tensor> velocity_;  // empty tensors until a parameter's first gradient
};

struct AdamOptions {
  double learning_rate = 1e-3, beta1 = 0.9, beta2 = 0.999, eps = 1e-8, weight_decay = 0;
};

// Adam; its weight decay is a penalty, part of the gradient. Source: Kingma and Ba 2015.
class Adam : public Optimizer {
 public:
  // Throws std::invalid_argument for a negative option or a beta outside [0, 1).
  Adam(std::vector<Variable> parameters, AdamOptions options);
  void step() override;

 protected:
  bool decoupled_ = false;

 private:
  struct State {
    Tensor m, v;                    // undefined until the parameter's first gradient
    double power1 = 1, power2 = 1;  // beta1^steps, beta2^steps
  };
  AdamOptions options_;
  std::vector<State> states_;
};

// Adam with the weight decay taken out of the gradient. Source: Loshchilov and Hutter 2019.
class AdamW : public Adam {
 public:
  AdamW(std::vector<Variable> parameters, AdamOptions options)
      : Adam(std::move(parameters), options) {
    decoupled_ = true;
  }
};

// Scales all gradients by one factor so that their norm √(Σ g²) is at most max_norm; returns the
// norm before. The factor is max_norm / (norm + 1e-6), as in PyTorch. Source: Pascanu et al. 2013.
double clip_grad_norm(const std::vector<Variable>& parameters, double max_norm);

}  // namespace qkv::nn
