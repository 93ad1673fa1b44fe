// Rows of the gradient check: recurrent layers, in all parameters, inputs and initial states.
#include <type_traits>

#include "examples/checks/model_row.h"
#include "examples/checks/model_rows.h"
#include "nn/recurrent_layers.h"

namespace qkv::examples {
namespace {

template <class Layer>
void layer_rows(std::vector<OpCase>& rows, const std::string& name) {
  const auto add = [&](std::string variant, const std::vector<int64_t>& lengths) {
    std::vector<tensor::Shape> shapes = {{2, 4, 2}, {2, 4}};
    if constexpr (std::is_same_v<Layer, nn::LSTM>) shapes.push_back({2, 4});  // c
    rows.push_back(model_row(
        name, std::move(variant), data_of(shapes), maker<Layer>(2, 4),
        [lengths](const Layer& layer, const std::vector<Variable>& in) {
          nn::RecurrentState initial = {in[1]};
          if (in.size() > 2) initial.c = in[2];
          const auto [output, state] = layer.forward(in[0], initial, lengths);
          return in.size() > 2 ? joined({output, state.h, state.c}) : joined({output, state.h});
        }));
  };
  add("whole sequences", {});
  add("lengths 4 and 2", {4, 2});
}

// Layers one on top of the other: all initial states are inputs, all final ones part of the result.
void stacked_rows(std::vector<OpCase>& rows) {
  const auto add = [&](std::string variant, const nn::RecurrentConfig& config,
                       const std::vector<int64_t>& lengths) {
    const auto states = static_cast<size_t>(config.layers * config.directions());
    const bool lstm = config.cell == nn::Cell::lstm;
    std::vector<tensor::Shape> shapes = {{2, 3, 2}};
    shapes.resize(1 + (lstm ? 2 : 1) * states, {2, 3});
    rows.push_back(model_row("recurrent_layers", std::move(variant), data_of(shapes),
                             maker<nn::RecurrentLayers>(config),
                             [=](nn::RecurrentLayers& module, const std::vector<Variable>& in) {
                               nn::RecurrentStates initial(states);
                               size_t next = 1;
                               for (nn::RecurrentState& state : initial) {
                                 state.h = in[next++];
                                 if (lstm) state.c = in[next++];
                               }
                               const auto [output, last] = module.forward(in[0], initial, lengths);
                               std::vector<Variable> all = {output};
                               for (const nn::RecurrentState& state : last) {
                                 all.push_back(state.h);
                                 if (lstm) all.push_back(state.c);
                               }
                               return joined(all);
                             }));
  };
  const nn::RecurrentConfig two = {.cell = nn::Cell::rnn, .in = 2, .hidden = 3, .layers = 2};
  nn::RecurrentConfig both = two, dropped = two;
  both.bidirectional = true;
  dropped.dropout = 0.3;
  add("two layers", two, {});
  add("two layers, dropout 0.3", dropped, {});
  for (const auto& [name, cell] :
       {std::pair("rnn", nn::Cell::rnn), {"gru", nn::Cell::gru}, {"lstm", nn::Cell::lstm}}) {
    both.cell = cell;
    add(std::string(name) + ", two layers, two directions, lengths 3 and 1", both, {3, 1});
  }
}

}  // namespace

void recurrent_model_rows(std::vector<OpCase>& rows) {
  layer_rows<nn::RNN>(rows, "rnn");
  layer_rows<nn::GRU>(rows, "gru");
  layer_rows<nn::LSTM>(rows, "lstm");
  stacked_rows(rows);
}

}  // namespace qkv::examples
