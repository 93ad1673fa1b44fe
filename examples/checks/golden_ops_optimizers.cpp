// Trajectories of the optimisers, and gradient clipping, by their golden names. They use gradients
// and are not differentiated: what they leave in .grad says nothing about a case.
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/checks/golden_ops.h"
#include "lib/text.h"
#include "nn/optimizer.h"
#include "tensor/index.h"

namespace qkv::examples {
namespace {

constexpr int64_t kMostSteps = 100'000;  // of a file that says how many
constexpr const char* kLoss = "sum((x - target)^2) + 0.1 sum(x^4)";

Variable loss_of(const Variable& x, const Variable& target) {
  const Variable error = x - target, square = x * x;
  return sum(error * error) + sum(square * square) * 0.1;
}

// Descends from x0 and returns x after each step: path (steps, ...).
Outputs descend(GoldenCall& call, const Variable& x, nn::Optimizer& optimizer) {
  call.require_no_gradients();
  const Variable target = call.input("target").detach();
  const int64_t steps = call.integer("steps");
  if (steps < 1 || steps > kMostSteps) {
    lib::fail("steps is ", steps, "; need 1 to ", kMostSteps);
  }
  if (const std::string loss = call.text("loss"); loss != kLoss) {
    lib::fail("the loss must be ", kLoss);
  }
  std::vector<Tensor> path;
  for (int64_t step = 0; step < steps; ++step) {
    optimizer.zero_grad();
    backward(loss_of(x, target));
    optimizer.step();
    path.push_back(x.value().clone());
  }
  return {{"path", tensor::stack(path, 0)}};
}

Outputs sgd(GoldenCall& call) {
  const Variable x = call.input("x0");
  nn::SGD optimizer({x}, {.learning_rate = call.number("lr"),
                          .momentum = call.number("momentum", 0),
                          .weight_decay = call.number("weight_decay", 0),
                          .nesterov = call.flag("nesterov", false)});
  return descend(call, x, optimizer);
}

template <class Optimizer>
Outputs adam(GoldenCall& call) {
  const Variable x = call.input("x0");
  const std::vector<double> betas = call.numbers("betas", std::vector<double>{0.9, 0.999});
  if (betas.size() != 2) lib::fail("betas are ", betas.size(), " numbers; need 2");
  const double decay_unless_given = std::is_same_v<Optimizer, nn::AdamW> ? 0.01 : 0;
  Optimizer optimizer({x}, {.learning_rate = call.number("lr"),
                            .beta1 = betas[0],
                            .beta2 = betas[1],
                            .eps = call.number("eps", 1e-8),
                            .weight_decay = call.number("weight_decay", decay_unless_given)});
  return descend(call, x, optimizer);
}

// The gradients grad0, grad1, ... together, as they are afterwards, and their norm before.
Outputs clip_grad_norm(GoldenCall& call) {
  call.require_no_gradients();
  const std::vector<std::string> names = call.input_names();
  std::vector<Variable> parameters;
  for (const std::string& name : names) {
    parameters.push_back(call.input(name));
    parameters.back().set_grad(parameters.back().detach());
  }
  const double norm = nn::clip_grad_norm(parameters, call.number("max_norm"));
  Outputs outputs;
  for (size_t i = 0; i < names.size(); ++i) outputs.emplace_back(names[i], parameters[i].grad());
  outputs.emplace_back("total_norm", tensor::scalar(norm, call.dtype()));
  return outputs;
}

}  // namespace

void optimizer_ops(GoldenOps& ops) {
  ops["optimizer_sgd"] = sgd;
  ops["optimizer_adam"] = adam<nn::Adam>;
  ops["optimizer_adamw"] = adam<nn::AdamW>;
  ops["clip_grad_norm"] = clip_grad_norm;
}

}  // namespace qkv::examples
