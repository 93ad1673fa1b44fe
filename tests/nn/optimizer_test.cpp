// Optimisers against the same formulas in plain doubles, on a valley with a known bottom, and what
// they leave alone.
#include "nn/optimizer.h"

#include <doctest/doctest.h>

#include <cmath>
#include <functional>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/layers.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

Variable vector(const Numbers& values) {
  return autograd::parameter(Tensor::of(values, {static_cast<int64_t>(values.size())}));
}
Numbers numbers(const Variable& x) { return x.value().to_vector(); }

// One weight and its optimiser's state, for the formulas in plain doubles.
struct Plain {
  double w, m = 0, v = 0;
  int step = 0;
};
using PlainStep = std::function<void(Plain&, double g)>;
using MakeOptimizer = std::function<std::unique_ptr<Optimizer>(std::vector<Variable>)>;

// Ten steps with random gradients, in the given dtype: the optimiser's error against plain doubles.
double error_against(const PlainStep& plain_step, const MakeOptimizer& make, Dtype dtype) {
  lib::Generator generator(3);
  const Tensor start = tensor::normal({5, 7}, 0, 1, generator, dtype);
  const Variable p = autograd::parameter(start.clone());
  std::vector<Plain> weights;
  for (const double w : start.to_vector()) weights.push_back({.w = w});
  const auto optimizer = make({p});
  for (int step = 0; step < 10; ++step) {
    const Tensor g = tensor::normal({5, 7}, 0, 1, generator, dtype);
    Variable(p).set_grad(g);
    optimizer->step();
    const Numbers gradients = g.to_vector();
    for (size_t i = 0; i < weights.size(); ++i) plain_step(weights[i], gradients[i]);
  }
  Numbers expected;
  for (const Plain& weight : weights) expected.push_back(weight.w);
  return relative_error(numbers(p), expected);
}

void check_against(const PlainStep& plain_step, const MakeOptimizer& make) {
  CHECK(error_against(plain_step, make, Dtype::float64) <= 1e-14);
  CHECK(error_against(plain_step, make, Dtype::float32) <= 1e-5);
}

MakeOptimizer sgd(const SgdOptions& options) {
  return [=](auto p) { return std::make_unique<SGD>(std::move(p), options); };
}
MakeOptimizer adam(const AdamOptions& options) {
  return [=](auto p) { return std::make_unique<Adam>(std::move(p), options); };
}
MakeOptimizer adamw(const AdamOptions& options) {
  return [=](auto p) { return std::make_unique<AdamW>(std::move(p), options); };
}

// Kingma and Ba, algorithm 1, letter by letter; the decay is added to the gradient or taken off w.
PlainStep plain_adam(const AdamOptions& o, bool decoupled) {
  return [=](Plain& p, double g) {
    p.step += 1;
    if (decoupled) p.w -= o.learning_rate * o.weight_decay * p.w;
    if (!decoupled) g += o.weight_decay * p.w;
    p.m = o.beta1 * p.m + (1 - o.beta1) * g;
    p.v = o.beta2 * p.v + (1 - o.beta2) * g * g;
    const double m_hat = p.m / (1 - std::pow(o.beta1, p.step));
    const double v_hat = p.v / (1 - std::pow(o.beta2, p.step));
    p.w -= o.learning_rate * m_hat / (std::sqrt(v_hat) + o.eps);
  };
}

}  // namespace

TEST_CASE("SGD without momentum goes against the gradient") {
  check_against([](Plain& p, double g) { p.w -= 0.1 * g; }, sgd({.learning_rate = 0.1}));
  check_against([](Plain& p, double g) { p.w -= 0.1 * (g + 0.2 * p.w); },
                sgd({.learning_rate = 0.1, .weight_decay = 0.2}));
}

TEST_CASE("SGD with momentum keeps a velocity that starts as the first gradient") {
  for (const bool nesterov : {false, true}) {
    check_against(
        [=](Plain& p, double g) {
          g += 0.2 * p.w;
          p.m = p.step++ == 0 ? g : 0.9 * p.m + g;
          p.w -= 0.1 * (nesterov ? g + 0.9 * p.m : p.m);
        },
        sgd({.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.2, .nesterov = nesterov}));
  }
}

TEST_CASE("Adam is Kingma and Ba's algorithm") {
  const AdamOptions plain{.learning_rate = 0.1};
  check_against(plain_adam(plain, false), adam(plain));
  const AdamOptions other{.learning_rate = 0.02, .beta1 = 0.8, .beta2 = 0.98, .eps = 1e-3};
  check_against(plain_adam(other, false), adam(other));
}

TEST_CASE("Adam adds weight decay to the gradient and AdamW takes it off the weight") {
  const AdamOptions options{.learning_rate = 0.1, .weight_decay = 0.3};
  check_against(plain_adam(options, false), adam(options));
  check_against(plain_adam(options, true), adamw(options));
  CHECK(error_against(plain_adam(options, true), adam(options), Dtype::float64) >= 1e-3);
}

TEST_CASE("the first step of Adam has the size of the learning rate whatever the gradient") {
  for (const double g : {1e-4, 1.0, -1e4}) {
    Variable p = vector({5});
    Adam optimizer({p}, {.learning_rate = 0.1});
    p.set_grad(Tensor::of<double>({g}, {1}));
    optimizer.step();
    CHECK(std::abs(std::abs(numbers(p)[0] - 5) - 0.1) <= 1e-4);
  }
}

TEST_CASE("every optimiser finds the bottom of a valley") {
  const Variable target = Tensor::of<double>({3, -2, 0.5}, {3});
  for (const MakeOptimizer& make :
       {sgd({.learning_rate = 0.1}), sgd({.learning_rate = 0.02, .momentum = 0.9}),
        sgd({.learning_rate = 0.02, .momentum = 0.9, .nesterov = true}),
        adam({.learning_rate = 0.1}), adamw({.learning_rate = 0.1})}) {
    const Variable x = vector({0, 0, 0});
    const auto optimizer = make({x});
    for (int step = 0; step < 600; ++step) {
      optimizer->zero_grad();
      const Variable away = x - target;
      backward(sum(away * away));
      optimizer->step();
    }
    CHECK(relative_error(x.value(), target.value()) <= 1e-5);
  }
}

TEST_CASE("parameters without a gradient are left alone even by weight decay") {
  for (const MakeOptimizer& make :
       {sgd({.learning_rate = 0.1, .momentum = 0.9, .weight_decay = 0.1}),
        adam({.weight_decay = 0.1}), adamw({.weight_decay = 0.1})}) {
    Variable moved = vector({1, 2}), still = vector({3, 4});
    const auto optimizer = make({still, moved});
    moved.set_grad(tensor::ones({2}, Dtype::float64));
    optimizer->step();
    CHECK(numbers(still) == Numbers{3, 4});
    CHECK(numbers(moved) != Numbers{1, 2});
    optimizer->zero_grad();
    CHECK_FALSE(moved.has_grad());
    const Numbers before = numbers(moved);
    optimizer->step();
    CHECK(numbers(moved) == before);
  }
}

TEST_CASE("a parameter whose first gradient comes late starts then as if new") {
  for (const MakeOptimizer& make :
       {sgd({.learning_rate = 0.1, .momentum = 0.9}), adam({.learning_rate = 0.1})}) {
    Variable early = vector({1}), late = vector({1}), alone = vector({1});
    const auto both = make({early, late}), one = make({alone});
    const Tensor g = Tensor::of<double>({0.7}, {1});
    early.set_grad(g);
    both->step();
    late.set_grad(g);
    both->step();
    alone.set_grad(g);
    one->step();
    CHECK(numbers(late) == numbers(alone));
  }
}

TEST_CASE("the learning rate may change before every step") {
  Variable p = vector({1});
  SGD optimizer({p}, {.learning_rate = 0.5});
  CHECK(optimizer.learning_rate == 0.5);
  p.set_grad(tensor::ones({1}, Dtype::float64));
  optimizer.learning_rate = 0.25;
  optimizer.step();
  CHECK(numbers(p) == Numbers{0.75});
  optimizer.learning_rate = 0;
  optimizer.step();
  CHECK(numbers(p) == Numbers{0.75});
}

TEST_CASE("a step changes the module's own weights") {
  lib::Generator generator(1);
  Linear layer(2, 2, generator);
  const Numbers before = numbers(layer.weight);
  SGD optimizer(layer.parameters(), {.learning_rate = 0.1});
  backward(sum(layer.forward(tensor::ones({1, 2}))));
  optimizer.step();
  CHECK(numbers(layer.weight) != before);
}

TEST_CASE("options that make no sense are refused") {
  const auto sgd_refusal = [](SgdOptions o) { return refusal([&] { SGD({}, o); }); };
  CHECK(sgd_refusal({.learning_rate = -1}) == "SGD: learning_rate is -1; need at least 0");
  CHECK(sgd_refusal({.learning_rate = NAN}) == "SGD: learning_rate is nan; need at least 0");
  CHECK(sgd_refusal({.momentum = 1}) == "SGD: momentum is 1; need a value in [0, 1)");
  CHECK(sgd_refusal({.weight_decay = -0.1}) == "SGD: weight_decay is -0.1; need at least 0");
  CHECK(sgd_refusal({.nesterov = true}) == "SGD: momentum is 0; need more than 0 for nesterov");
  const auto adam_refusal = [](AdamOptions o) { return refusal([&] { Adam({}, o); }); };
  CHECK(adam_refusal({.learning_rate = -1}) == "Adam: learning_rate is -1; need at least 0");
  CHECK(adam_refusal({.beta1 = 1}) == "Adam: beta1 is 1; need a value in [0, 1)");
  CHECK(adam_refusal({.beta2 = -0.5}) == "Adam: beta2 is -0.5; need a value in [0, 1)");
  CHECK(adam_refusal({.eps = 0}) == "Adam: eps is 0; need more than 0");
  CHECK(adam_refusal({.weight_decay = -2}) == "Adam: weight_decay is -2; need at least 0");
}

// ---- clipping -----------------------------------------------------------------------------------

TEST_CASE("clipping scales all gradients together to the norm allowed") {
  Variable a = vector({0, 0}), b = vector({0}), none = vector({0});
  a.set_grad(Tensor::of<double>({3, 0}, {2}));
  b.set_grad(Tensor::of<double>({-4}, {1}));
  CHECK(clip_grad_norm({a, none, b}, 2) == 5);
  const double factor = 2 / (5 + 1e-6);
  CHECK(relative_error(numbers(a.grad()), Numbers{3 * factor, 0}) <= 1e-15);
  CHECK(relative_error(numbers(b.grad()), Numbers{-4 * factor}) <= 1e-15);
  CHECK_FALSE(none.has_grad());
}

TEST_CASE("clipping leaves small gradients as they are") {
  Variable a = vector({0, 0});
  a.set_grad(Tensor::of<double>({0.3, 0.4}, {2}));
  CHECK(clip_grad_norm({a}, 1) == 0.5);
  CHECK(numbers(a.grad()) == Numbers{0.3, 0.4});
  CHECK(clip_grad_norm({vector({1})}, 1) == 0);
}

TEST_CASE("clipping needs a norm above 0") {
  CHECK(refusal([] { clip_grad_norm({}, 0); }) ==
        "clip_grad_norm: max_norm is 0; need more than 0");
  CHECK(refusal([] { clip_grad_norm({}, NAN); }) != "not refused");
}
