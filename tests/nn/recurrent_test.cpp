// RNN, GRU and LSTM: against their formulas, one number at a time; with gates that are known; and
// what padding and later positions must not change.
#include "nn/recurrent.h"

#include <doctest/doctest.h>

#include <cmath>
#include <memory>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/text.h"
#include "tensor/views.h"
#include "tests/check_gradients.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

std::vector<std::unique_ptr<Recurrent>> every_kind(int64_t in, int64_t hidden,
                                                   Dtype dtype = Dtype::float64) {
  lib::Generator g(3);
  std::vector<std::unique_ptr<Recurrent>> kinds;
  kinds.push_back(std::make_unique<RNN>(in, hidden, g));
  kinds.push_back(std::make_unique<GRU>(in, hidden, g));
  kinds.push_back(std::make_unique<LSTM>(in, hidden, g));
  for (const auto& kind : kinds) kind->to(dtype);
  return kinds;
}

bool is_lstm(const Recurrent& layer) { return dynamic_cast<const LSTM*>(&layer) != nullptr; }

RecurrentState some_state(const Recurrent& layer, const Shape& shape,
                          Dtype dtype = Dtype::float64) {
  RecurrentState state{normal(shape, 8, dtype)};
  if (is_lstm(layer)) state.c = normal(shape, 9, dtype);
  return state;
}

double sigmoid_of(double x) { return 1 / (1 + std::exp(-x)); }

// Row `row` of W x + b for one vector.
double product(const Variable& W, const Variable& b, const Numbers& x, int64_t row) {
  double total = b.value().at({row});
  for (size_t i = 0; i < x.size(); ++i)
    total += W.value().at({row, static_cast<int64_t>(i)}) * x[i];
  return total;
}

// One step for one vector, by the formulas of torch.nn.
void step_by_loops(const Recurrent& layer, const Numbers& x, Numbers& h, Numbers& c) {
  const auto hidden = static_cast<int64_t>(h.size());
  const Numbers before = h;
  const int64_t gates = layer.weight_hh.shape()[0] / hidden;
  for (int64_t j = 0; j < hidden; ++j) {
    const auto from_x = [&](int64_t g) {
      return product(layer.weight_ih, layer.bias_ih, x, g * hidden + j);
    };
    const auto from_h = [&](int64_t g) {
      return product(layer.weight_hh, layer.bias_hh, before, g * hidden + j);
    };
    const auto at = static_cast<size_t>(j);
    if (gates == 1) h[at] = std::tanh(from_x(0) + from_h(0));
    if (gates == 3) {
      const double r = sigmoid_of(from_x(0) + from_h(0)), z = sigmoid_of(from_x(1) + from_h(1));
      const double n = std::tanh(from_x(2) + r * from_h(2));
      h[at] = (1 - z) * n + z * before[at];
    }
    if (gates == 4) {
      const double i = sigmoid_of(from_x(0) + from_h(0)), f = sigmoid_of(from_x(1) + from_h(1));
      const double g = std::tanh(from_x(2) + from_h(2)), o = sigmoid_of(from_x(3) + from_h(3));
      c[at] = f * c[at] + i * g;
      h[at] = o * std::tanh(c[at]);
    }
  }
}

}  // namespace

TEST_CASE("recurrent layers are their formulas at every position") {
  const Variable x = normal({2, 4, 3}, 1);
  for (const auto& layer : every_kind(3, 5)) {
    const RecurrentState initial = some_state(*layer, {2, 5});
    const RecurrentOutput result = layer->forward(x, initial);
    REQUIRE(result.output.shape() == Shape{2, 4, 5});
    REQUIRE(result.state.h.shape() == Shape{2, 5});
    CHECK(result.state.c.defined() == is_lstm(*layer));
    for (int64_t b = 0; b < 2; ++b) {
      Numbers h = numbers(slice(initial.h, 0, b, b + 1)), c;
      if (is_lstm(*layer)) c = numbers(slice(initial.c, 0, b, b + 1));
      for (int64_t t = 0; t < 4; ++t) {
        step_by_loops(*layer, numbers(slice(slice(x, 0, b, b + 1), 1, t, t + 1)), h, c);
        const Variable shown = slice(slice(result.output, 0, b, b + 1), 1, t, t + 1);
        CHECK(relative_error(numbers(shown), h) <= 1e-14);
      }
      CHECK(numbers(slice(result.state.h, 0, b, b + 1)) ==
            numbers(slice(slice(result.output, 0, b, b + 1), 1, 3, 4)));
      if (!c.empty())
        CHECK(relative_error(numbers(slice(result.state.c, 0, b, b + 1)), c) <= 1e-14);
    }
  }
}

TEST_CASE("an LSTM whose gates are known keeps and shows what they say") {
  lib::Generator g(1);
  LSTM layer(1, 1, g);
  layer.weight_ih = tensor::zeros({4, 1}, Dtype::float64);
  layer.weight_hh = tensor::zeros({4, 1}, Dtype::float64);
  layer.bias_hh = tensor::zeros({4}, Dtype::float64);
  const Tensor x = tensor::ones({1, 1}, Dtype::float64),
               c = tensor::full({1, 1}, 3, Dtype::float64);
  const auto after = [&](double i, double f, double candidate, double o) {
    layer.bias_ih = Tensor::of<double>({i, f, candidate, o}, {4});
    const RecurrentState state = layer.step(x, {c, c});
    return std::pair(state.h.item(), state.c.item());
  };
  const double open = 50, shut = -50;             // σ(±50) is 1 or 0 to 2e-22
  CHECK(after(shut, open, 1, open).second == 3);  // keeps
  CHECK(std::abs(after(shut, open, 1, open).first - std::tanh(3)) <= 1e-15);  // and shows
  CHECK(after(shut, open, 1, shut).second == 3);                              // keeps
  CHECK(std::abs(after(shut, open, 1, shut).first) <= 1e-20);                 // but does not show
  CHECK(std::abs(after(shut, shut, 1, open).second) <= 1e-20);                // forgets
  CHECK(std::abs(after(open, shut, 0.5, open).second - std::tanh(0.5)) <= 1e-15);  // takes
}

TEST_CASE("a GRU that updates nothing keeps its state and one that resets forgets it") {
  lib::Generator g(1);
  GRU layer(1, 1, g);
  layer.weight_ih = tensor::zeros({3, 1}, Dtype::float64);
  layer.weight_hh = Tensor::of<double>({0, 0, 1}, {3, 1});
  layer.bias_hh = tensor::zeros({3}, Dtype::float64);
  const Tensor x = tensor::ones({1, 1}, Dtype::float64),
               h = tensor::full({1, 1}, 3, Dtype::float64);
  const auto after = [&](double r, double z, double candidate) {
    layer.bias_ih = Tensor::of<double>({r, z, candidate}, {3});
    return layer.step(x, {h}).h.item();
  };
  CHECK(std::abs(after(-50, 50, 0.25) - 3) <= 1e-15);
  CHECK(std::abs(after(-50, -50, 0.25) - std::tanh(0.25)) <= 1e-15);
  CHECK(std::abs(after(50, -50, 0.25) - std::tanh(3.25)) <= 1e-15);
}

TEST_CASE("a sequence is its steps one after the other to the bit") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    const Variable x = normal({2, 5, 3}, 1, dtype);
    for (const auto& layer : every_kind(3, 4, dtype)) {
      const RecurrentOutput whole = layer->forward(x);
      RecurrentState state;
      for (int64_t t = 0; t < 5; ++t) {
        state = layer->step(select(x, 1, t), state);
        CHECK(numbers(state.h) == numbers(slice(whole.output, 1, t, t + 1)));
      }
      const RecurrentOutput first = layer->forward(slice(x, 1, 0, 2));
      const RecurrentOutput rest = layer->forward(slice(x, 1, 2, 5), first.state);
      CHECK(numbers(rest.state.h) == numbers(whole.state.h));
    }
  }
}

TEST_CASE(
    "a sequence alone equals itself in a padded batch to the bit and its state stands still") {
  for (const auto& layer : every_kind(3, 4, Dtype::float32)) {
    const Variable x = normal({3, 5, 3}, 1, Dtype::float32);
    const RecurrentState initial = some_state(*layer, {3, 4}, Dtype::float32);
    const RecurrentOutput batch = layer->forward(x, initial, {5, 2, 0});
    for (const auto& [b, length] : {std::pair<int64_t, int64_t>{0, 5}, {1, 2}}) {
      RecurrentState own = {slice(initial.h, 0, b, b + 1)};
      if (initial.c.defined()) own.c = slice(initial.c, 0, b, b + 1);
      const RecurrentOutput alone = layer->forward(slice(slice(x, 0, b, b + 1), 1, 0, length), own);
      const Variable padded = slice(batch.output, 0, b, b + 1);
      CHECK(numbers(slice(padded, 1, 0, length)) == numbers(alone.output));
      CHECK(numbers(slice(batch.state.h, 0, b, b + 1)) == numbers(alone.state.h));
      if (own.c.defined())
        CHECK(numbers(slice(batch.state.c, 0, b, b + 1)) == numbers(alone.state.c));
    }
    CHECK(numbers(slice(slice(batch.output, 0, 1, 2), 1, 4, 5)) ==
          numbers(slice(slice(batch.output, 0, 1, 2), 1, 1, 2)));
    CHECK(numbers(slice(batch.state.h, 0, 2, 3)) == numbers(slice(initial.h, 0, 2, 3)));
  }
}

TEST_CASE("outputs do not depend on later positions nor on padding") {
  for (const auto& layer : every_kind(3, 4)) {
    const Variable x = autograd::parameter(normal({2, 5, 3}, 1));
    const RecurrentOutput result = layer->forward(x, {}, {5, 3});
    const Variable early = slice(result.output, 1, 0, 2);
    const Variable d =
        autograd::grad({early}, {x}, {Variable(normal({2, 2, 4}, 2))}, {.retain_graph = true})[0];
    CHECK(numbers(slice(d, 1, 2, 5)) == Numbers(18, 0.0));
    for (const double v : numbers(slice(d, 1, 0, 2))) CHECK(v != 0);
    const Variable all = autograd::grad({result.output}, {x}, {Variable(normal({2, 5, 4}, 2))})[0];
    CHECK(numbers(slice(slice(all, 0, 1, 2), 1, 3, 5)) == Numbers(6, 0.0));
    for (const double v : numbers(slice(all, 0, 0, 1))) CHECK(v != 0);
  }
}

TEST_CASE("every recurrent layer passes the gradient check in inputs and states and parameters") {
  for (const auto& layer : every_kind(2, 3)) {
    const auto named = layer->named_parameters();
    const RecurrentState initial = some_state(*layer, {2, 3});
    std::vector<Tensor> inputs;
    for (const Variable& p : layer->parameters()) inputs.push_back(p.value());
    inputs.push_back(normal({2, 3, 2}, 1));
    inputs.push_back(initial.h.value());
    if (is_lstm(*layer)) inputs.push_back(initial.c.value());
    for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{}, {1, 3}}) {
      const auto function = [&](const std::vector<Variable>& in) {
        for (size_t i = 0; i < 4; ++i) *named[i].parameter = in[i];
        const RecurrentState state{in[5], in.size() > 6 ? in[6] : Variable()};
        const RecurrentOutput result = layer->forward(in[4], state, lengths);
        std::vector<Variable> all = {reshape(result.output, {-1}), reshape(result.state.h, {-1})};
        if (in.size() > 6) all.push_back(reshape(result.state.c, {-1}));
        return concat(all, 0);
      };
      tests::check_gradients("recurrent", function, inputs);
    }
  }
}

TEST_CASE("parameters of recurrent layers have PyTorch's names and shapes and sizes") {
  std::string list;
  for (const auto& layer : every_kind(3, 25)) {
    for (const auto& [name, p] : layer->named_parameters()) {
      list += lib::str(name, p->shape(), " ");
      double largest = 0;
      for (const double v : numbers(*p)) largest = std::max(largest, std::abs(v));
      CHECK((largest <= 0.2 && largest > 0.15));
    }
  }
  CHECK(list ==
        "weight_ih(25, 3) weight_hh(25, 25) bias_ih(25,) bias_hh(25,) "
        "weight_ih(75, 3) weight_hh(75, 25) bias_ih(75,) bias_hh(75,) "
        "weight_ih(100, 3) weight_hh(100, 25) bias_ih(100,) bias_hh(100,) ");
}

TEST_CASE("recurrent layers refuse what does not fit in one sentence") {
  lib::Generator g(1);
  const GRU gru(3, 4, g);
  const LSTM lstm(3, 4, g);
  const Variable x = tensor::ones({2, 5, 3}), state = tensor::ones({2, 4});
  CHECK(refusal([&] { RNN(0, 4, g); }) == "RNN: in is 0; need at least 1");
  CHECK(refusal([&] { LSTM(3, 0, g); }) == "LSTM: hidden is 0; need at least 1");
  CHECK(refusal([&] {
          return gru.forward(tensor::ones({2, 3}));
        }) == "GRU: x is (2, 3); need (B, T, in) with at least one position");
  CHECK(refusal([&] {
          return gru.forward(tensor::ones({2, 0, 3}));
        }) == "GRU: x is (2, 0, 3); need (B, T, in) with at least one position");
  CHECK(refusal([&] {
          return gru.forward(tensor::ones({2, 5, 4}));
        }) == "GRU: x is (2, 5, 4); need width 3 (last axis)");
  CHECK(refusal([&] { return gru.step(x); }) == "GRU: x is (2, 5, 3); a step needs (B, in)");
  CHECK(refusal([&] {
          return gru.forward(x, {tensor::ones({1, 4})});
        }) == "GRU: h is (1, 4); need (B, hidden) = (2, 4)");
  CHECK(refusal([&] {
          return gru.forward(x, {state, state});
        }) == "GRU: the state has a c; only an LSTM keeps one");
  CHECK(refusal([&] {
          return lstm.forward(x, {state, tensor::ones({2, 3})});
        }) == "LSTM: c is (2, 3); need (B, hidden) = (2, 4)");
  CHECK(refusal([&] { return lstm.forward(x, {}, {5}); }) ==
        "LSTM: there are 1 lengths for 2 sequences; need one for each");
  CHECK(refusal([&] { return lstm.forward(x, {}, {5, 6}); }) == "LSTM: length 6 is outside [0, 5]");
  CHECK(refusal([&] {
          return rnn_cell(state, tensor::ones({2, 1}));
        }) ==
        "rnn_cell: from_x is (2, 4), from_h (2, 1), the state (2, 1); need (B, 1 hidden) twice and "
        "(B, hidden)");
  CHECK(refusal([&] {
          return gru_cell(tensor::ones({2, 13}), tensor::ones({2, 13}), state);
        }) ==
        "gru_cell: from_x is (2, 13), from_h (2, 13), the state (2, 4); need (B, 3 hidden) twice "
        "and (B, hidden)");
  CHECK(refusal([&] {
          return lstm_cell(tensor::ones({2, 16}), tensor::ones({1, 16}), state);
        }) != "not refused");
}
