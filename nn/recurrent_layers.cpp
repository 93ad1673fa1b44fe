// The stack of recurrent layers: what each reads, and where its state is kept.
#include "nn/recurrent_layers.h"

#include "autograd/ops.h"
#include "lib/text.h"

namespace qkv::nn {

std::unique_ptr<Recurrent> make_recurrent(Cell cell, int64_t in, int64_t hidden,
                                          lib::Generator& generator) {
  if (cell == Cell::rnn) return std::make_unique<RNN>(in, hidden, generator);
  if (cell == Cell::gru) return std::make_unique<GRU>(in, hidden, generator);
  return std::make_unique<LSTM>(in, hidden, generator);
}

// Parameters are named 0.weight_ih, 0_reverse.weight_ih, 1.weight_ih, ...: by the layer, as
// PyTorch's weight_ih_l0, weight_ih_l0_reverse.
RecurrentLayers::RecurrentLayers(const RecurrentConfig& config, lib::Generator& generator)
    : config_(config), dropout_(config.dropout, generator) {
  require_size("RecurrentLayers", "layers", config.layers);
  int64_t in = config.in;
  for (int64_t layer = 0; layer < config.layers; ++layer) {
    for (int64_t direction = 0; direction < config.directions(); ++direction) {
      layers.push_back(make_recurrent(config.cell, in, config.hidden, generator));
      add(lib::str(layer, direction == 0 ? "" : "_reverse"), *layers.back());
    }
    in = config.directions() * config.hidden;
  }
  add("dropout", dropout_);
}

void RecurrentLayers::check_states(const RecurrentStates& states) const {
  if (!states.empty() && states.size() != layers.size()) {
    lib::fail("RecurrentLayers: there are ", states.size(), " states; need ", layers.size(),
              ", one for each layer and direction, or none");
  }
}

RecurrentLayersOutput RecurrentLayers::forward(const Variable& x, const RecurrentStates& initial,
                                               const std::vector<int64_t>& lengths) {
  check_states(initial);
  RecurrentLayersOutput result{x, initial};
  result.states.resize(layers.size());
  const auto read = [&](const Variable& input, size_t i, Direction direction) -> Variable {
    auto [output, state] = layers[i]->forward(input, result.states[i], lengths, direction);
    result.states[i] = state;
    return output;  // (B, T, hidden)
  };
  const auto directions = static_cast<size_t>(config_.directions());
  for (size_t i = 0; i < layers.size(); i += directions) {
    const Variable input = i == 0 ? x : dropout_.forward(result.output);
    result.output = read(input, i, Direction::forward);
    if (directions == 1) continue;
    const Variable reverse = read(input, i + 1, Direction::backward);
    result.output = autograd::concat({result.output, reverse}, -1);  // (B, T, 2 hidden)
  }
  return result;
}

RecurrentStates RecurrentLayers::step(const Variable& x, RecurrentStates states) {
  if (config_.bidirectional) {
    lib::fail("RecurrentLayers: a step of a bidirectional layer would need the positions to come");
  }
  check_states(states);
  states.resize(layers.size());
  for (size_t i = 0; i < layers.size(); ++i) {
    const Variable input = i == 0 ? x : dropout_.forward(states[i - 1].h);  // (B, in or hidden)
    states[i] = layers[i]->step(input, states[i]);
  }
  return states;
}

}  // namespace qkv::nn
