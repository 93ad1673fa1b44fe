// Layers of recurrent nets: composed by hand of single ones, alone and in a padded batch, the
// states that they end with, and one step at a time.
#include "nn/recurrent_layers.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "autograd/ops.h"
#include "lib/text.h"
#include "tests/compare.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;
using Lengths = std::vector<int64_t>;

constexpr Cell kCells[] = {Cell::rnn, Cell::gru, Cell::lstm};
constexpr int64_t kIn = 3, kHidden = 4;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

std::unique_ptr<RecurrentLayers> make_layers(RecurrentConfig config, Dtype dtype = Dtype::float64) {
  config.in = kIn;
  config.hidden = kHidden;
  lib::Generator generator(3);
  auto layers = std::make_unique<RecurrentLayers>(config, generator);
  layers->to(dtype);
  return layers;
}

// Other numbers for every state.
RecurrentStates some_states(const RecurrentLayers& layers, int64_t B, Dtype dtype) {
  RecurrentStates states;
  for (size_t i = 0; i < layers.layers.size(); ++i) {
    states.push_back({normal({B, kHidden}, 20 + 2 * i, dtype)});
    if (layers.config().cell == Cell::lstm) {
      states.back().c = normal({B, kHidden}, 21 + 2 * i, dtype);
    }
  }
  return states;
}

// The first T positions of sequence b, or its state.
Variable sequence(const Variable& x, int64_t b, int64_t T) {
  return slice(slice(x, 0, b, b + 1), 1, 0, T);
}
RecurrentState sequence(const RecurrentState& state, int64_t b) {
  RecurrentState own = {slice(state.h, 0, b, b + 1)};
  if (state.c.defined()) own.c = slice(state.c, 0, b, b + 1);
  return own;
}
RecurrentStates sequence(const RecurrentStates& states, int64_t b) {
  RecurrentStates own;
  for (const RecurrentState& state : states) own.push_back(sequence(state, b));
  return own;
}

Variable reversed(const Variable& x) {
  std::vector<int64_t> order;
  for (int64_t t = x.shape()[1]; t-- > 0;) order.push_back(t);
  return index_select(x, 1, Tensor::of(order, {x.shape()[1]}));
}

void check_same(const RecurrentState& actual, const RecurrentState& expected) {
  CHECK(numbers(actual.h) == numbers(expected.h));
  REQUIRE(actual.c.defined() == expected.c.defined());
  if (actual.c.defined()) CHECK(numbers(actual.c) == numbers(expected.c));
}

}  // namespace

TEST_CASE("recurrent layers are single layers one on top of the other, one of them reading back") {
  for (const Cell cell : kCells) {
    const auto net = make_layers({.cell = cell, .layers = 2, .bidirectional = true});
    const Variable x = normal({2, 5, kIn}, 1);
    const RecurrentStates initial = some_states(*net, 2, Dtype::float64);
    const auto [output, states] = net->forward(x, initial);
    REQUIRE(output.shape() == Shape{2, 5, 2 * kHidden});
    REQUIRE(states.size() == 4);
    Variable input = x;
    for (size_t i = 0; i < 4; i += 2) {
      const RecurrentOutput there = net->layers[i]->forward(input, initial[i]);
      const RecurrentOutput back = net->layers[i + 1]->forward(reversed(input), initial[i + 1]);
      check_same(states[i], there.state);
      check_same(states[i + 1], back.state);
      input = autograd::concat({there.output, reversed(back.output)}, -1);
    }
    CHECK(numbers(output) == numbers(input));
  }
}

TEST_CASE("recurrent layers give a sequence alone what they give it in a padded batch") {
  const Lengths lengths = {7, 3, 1, 6};
  for (const Cell cell : kCells) {
    for (const bool bidirectional : {false, true}) {
      for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
        const auto net =
            make_layers({.cell = cell, .layers = 2, .bidirectional = bidirectional}, dtype);
        const Variable x = normal({4, 7, kIn}, 1, dtype);
        const RecurrentStates initial = some_states(*net, 4, dtype);
        const RecurrentLayersOutput batch = net->forward(x, initial, lengths);
        for (int64_t b = 0; b < 4; ++b) {
          const int64_t T = lengths[static_cast<size_t>(b)];
          const auto alone = net->forward(sequence(x, b, T), sequence(initial, b));
          CHECK(numbers(sequence(batch.output, b, T)) == numbers(alone.output));
          const RecurrentStates states = sequence(batch.states, b);
          for (size_t i = 0; i < states.size(); ++i) check_same(states[i], alone.states[i]);
        }
      }
    }
  }
}

TEST_CASE("final states are those at each sequence's own end, or at its beginning when read back") {
  const Lengths lengths = {0, 1, 4, 5};
  for (const Cell cell : kCells) {
    const auto net = make_layers({.cell = cell, .bidirectional = true});
    const RecurrentStates initial = some_states(*net, 4, Dtype::float64);
    const auto [output, states] = net->forward(normal({4, 5, kIn}, 1), initial, lengths);
    const Variable there = slice(output, 2, 0, kHidden), back = slice(output, 2, kHidden, 8);
    check_same(sequence(states[0], 0), sequence(initial[0], 0));
    check_same(sequence(states[1], 0), sequence(initial[1], 0));
    for (int64_t b = 1; b < 4; ++b) {
      const int64_t last = lengths[static_cast<size_t>(b)] - 1;
      const auto shown = [&](const Variable& of, int64_t t) {
        return numbers(slice(slice(of, 0, b, b + 1), 1, t, t + 1));
      };
      CHECK(numbers(sequence(states[0], b).h) == shown(there, last));
      CHECK(numbers(sequence(states[1], b).h) == shown(back, 0));
      for (int64_t t = last + 1; t < 5; ++t) {  // it stands still
        CHECK(shown(there, t) == shown(there, last));
        CHECK(shown(back, t) == numbers(sequence(initial[1], b).h));
      }
    }
  }
}

TEST_CASE("one sequence of one position is read the same way in both directions") {
  for (const Cell cell : kCells) {
    const auto net = make_layers({.cell = cell, .layers = 3, .bidirectional = true});
    for (size_t i = 0; i < net->layers.size(); i += 2) {
      const auto from = net->layers[i]->parameters();
      auto to = net->layers[i + 1]->named_parameters();
      for (size_t p = 0; p < from.size(); ++p) *to[p].parameter = from[p];
    }
    const auto [output, states] = net->forward(normal({1, 1, kIn}, 1));
    CHECK(numbers(slice(output, 2, 0, kHidden)) == numbers(slice(output, 2, kHidden, 8)));
    for (size_t i = 0; i < states.size(); i += 2) check_same(states[i], states[i + 1]);
  }
}

TEST_CASE("steps of recurrent layers one after the other are the sequence to the bit") {
  for (const Cell cell : kCells) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      const auto net = make_layers({.cell = cell, .layers = 2}, dtype);
      const Variable x = normal({3, 5, kIn}, 1, dtype);
      const auto [output, last] = net->forward(x);
      RecurrentStates states;
      for (int64_t t = 0; t < 5; ++t) {
        states = net->step(select(x, 1, t), std::move(states));
        CHECK(numbers(states.back().h) == numbers(slice(output, 1, t, t + 1)));
      }
      for (size_t i = 0; i < states.size(); ++i) check_same(states[i], last[i]);
    }
  }
}

TEST_CASE("dropout is between recurrent layers alone and in training alone") {
  const Variable x = normal({2, 4, kIn}, 1);
  for (const int64_t layers : {1, 2}) {
    const auto with = make_layers({.layers = layers, .dropout = 0.5});
    const auto without = make_layers({.layers = layers});
    const auto from = without->parameters();
    const auto to = with->named_parameters();
    for (size_t p = 0; p < from.size(); ++p) *to[p].parameter = from[p];
    const RecurrentLayersOutput plain = without->forward(x), dropped = with->forward(x);
    CHECK((numbers(dropped.output) == numbers(plain.output)) == (layers == 1));
    check_same(dropped.states[0], plain.states[0]);
    if (layers == 2) {  // half of what the first layer shows is zero, the rest counts twice
      CHECK(numbers(with->forward(x).output) != numbers(dropped.output));
    }
    with->eval();
    CHECK(numbers(with->forward(x).output) == numbers(plain.output));
    check_same(with->step(select(x, 1, 0)).back(), without->step(select(x, 1, 0)).back());
  }
}

TEST_CASE("parameters of recurrent layers are named by layer and direction") {
  std::string list;
  const auto net = make_layers({.cell = Cell::gru, .layers = 2, .bidirectional = true});
  for (const auto& [name, p] : net->named_parameters()) list += lib::str(name, p->shape(), " ");
  const std::string rest = "weight_hh(12, 4) @bias_ih(12,) @bias_hh(12,) ";
  std::string expected;
  for (const std::string child : {"0.", "0_reverse.", "1.", "1_reverse."}) {
    const char* in = child[0] == '0' ? "(12, 3) " : "(12, 8) ";
    std::string own = "@weight_ih" + std::string(in) + "@" + rest;
    for (const char c : own) expected += c == '@' ? child : std::string(1, c);
  }
  CHECK(list == expected);
}

TEST_CASE("recurrent layers refuse what does not fit in one sentence each") {
  lib::Generator g(1);
  CHECK(refusal([&] { RecurrentLayers({.in = 2, .hidden = 3, .layers = 0}, g); }) ==
        "RecurrentLayers: layers is 0; need at least 1");
  CHECK(refusal([&] { RecurrentLayers({.in = 0}, g); }) == "LSTM: in is 0; need at least 1");
  CHECK(refusal([&] { RecurrentLayers({.dropout = 1}, g); }) ==
        "Dropout: probability 1 is outside [0, 1)");
  const auto one_way = make_layers({.layers = 2});
  const auto two_ways = make_layers({.bidirectional = true});
  const Variable x = normal({2, 5, kIn}, 1);
  const RecurrentStates three(3);
  CHECK(refusal([&] { return one_way->forward(x, three); }) ==
        "RecurrentLayers: there are 3 states; need 2, one for each layer and direction, or none");
  CHECK(refusal([&] { return one_way->step(x, three); }) ==
        "RecurrentLayers: there are 3 states; need 2, one for each layer and direction, or none");
  CHECK(refusal([&] { return two_ways->step(x); }) ==
        "RecurrentLayers: a step of a bidirectional layer would need the positions to come");
  CHECK(refusal([&] {
          return two_ways->forward(x, {}, {5, 6});
        }) == "LSTM: length 6 is outside [0, 5]");
}
