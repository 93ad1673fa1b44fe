// Rows of the gradient check: recurrent layers, in all parameters, inputs and initial states.
#include <type_traits>

#include "examples/checks/model_row.h"
#include "examples/checks/model_rows.h"
#include "nn/recurrent.h"

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

}  // namespace

void recurrent_model_rows(std::vector<OpCase>& rows) {
  layer_rows<nn::RNN>(rows, "rnn");
  layer_rows<nn::GRU>(rows, "gru");
  layer_rows<nn::LSTM>(rows, "lstm");
}

}  // namespace qkv::examples
