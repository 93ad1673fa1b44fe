// SGD, Adam, AdamW and clipping.
#include "nn/optimizer.h"

#include <cmath>

#include "lib/text.h"
#include "tensor/elementwise.h"
#include "tensor/update.h"

namespace qkv::nn {
namespace {

void require(bool holds, const char* optimizer, const char* option, double value,
             const char* rule) {
  if (!holds) lib::fail(optimizer, ": ", option, " is ", value, "; need ", rule);
}

}  // namespace

void Optimizer::zero_grad() {
  for (Variable& parameter : parameters_) parameter.zero_grad();
}

SGD::SGD(std::vector<Variable> parameters, SgdOptions options)
    : Optimizer(std::move(parameters)), options_(options), velocity_(parameters_.size()) {
  learning_rate = options.learning_rate;
  require(options.learning_rate >= 0, "SGD", "learning_rate", options.learning_rate, "at least 0");
  require(options.momentum >= 0 && options.momentum < 1, "SGD", "momentum", options.momentum,
          "a value in [0, 1)");
  require(options.weight_decay >= 0, "SGD", "weight_decay", options.weight_decay, "at least 0");
  require(!options.nesterov || options.momentum > 0, "SGD", "momentum", options.momentum,
          "more than 0 for nesterov");
}

void SGD::step() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Variable& p = parameters_[i];
    if (!p.has_grad()) continue;
    const bool first = !velocity_[i].defined();
    if (first && options_.momentum > 0) velocity_[i] = tensor::zeros(p.shape(), p.dtype());
    tensor::sgd_update_(p.mutable_value(), p.grad().value(),
                        options_.momentum > 0 ? &velocity_[i] : nullptr,
                        {.rate = learning_rate,
                         .momentum = options_.momentum,
                         .decay = options_.weight_decay,
                         .nesterov = options_.nesterov,
                         .first = first});
  }
}

Adam::Adam(std::vector<Variable> parameters, AdamOptions options)
    : Optimizer(std::move(parameters)), options_(options), states_(parameters_.size()) {
  learning_rate = options.learning_rate;
  require(options.learning_rate >= 0, "Adam", "learning_rate", options.learning_rate, "at least 0");
  require(options.beta1 >= 0 && options.beta1 < 1, "Adam", "beta1", options.beta1,
          "a value in [0, 1)");
  require(options.beta2 >= 0 && options.beta2 < 1, "Adam", "beta2", options.beta2,
          "a value in [0, 1)");
  require(options.eps > 0, "Adam", "eps", options.eps, "more than 0");
  require(options.weight_decay >= 0, "Adam", "weight_decay", options.weight_decay, "at least 0");
}

void Adam::step() {
  for (size_t i = 0; i < parameters_.size(); ++i) {
    Variable& p = parameters_[i];
    if (!p.has_grad()) continue;
    State& state = states_[i];
    if (!state.m.defined()) {
      state.m = tensor::zeros(p.shape(), p.dtype());
      state.v = tensor::zeros(p.shape(), p.dtype());
    }
    state.power1 *= options_.beta1;
    state.power2 *= options_.beta2;
    tensor::adam_update_(p.mutable_value(), p.grad().value(), state.m, state.v,
                         {.rate = learning_rate,
                          .beta1 = options_.beta1,
                          .beta2 = options_.beta2,
                          .eps = options_.eps,
                          .decay = options_.weight_decay,
                          .correction1 = 1 - state.power1,
                          .correction2 = 1 - state.power2,
                          .decoupled = decoupled_});
  }
}

double clip_grad_norm(const std::vector<Variable>& parameters, double max_norm) {
  if (!(max_norm > 0)) lib::fail("clip_grad_norm: max_norm is ", max_norm, "; need more than 0");
  double squares = 0;
  for (const Variable& p : parameters) {
    if (!p.has_grad()) continue;
    squares += tensor::sum_of_squares(p.grad().value());
  }
  const double norm = std::sqrt(squares);
  const double factor = max_norm / (norm + 1e-6);
  if (factor >= 1) return norm;
  for (Variable p : parameters) {
    if (p.has_grad()) p.set_grad(tensor::mul(p.grad().value(), factor));
  }
  return norm;
}

}  // namespace qkv::nn
