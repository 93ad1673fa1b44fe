// Recurrent layers one on top of the other, each reading what the one below has shown; and in both
// directions, so that a position knows what comes behind it as well as what came before.
//
//   bidirectional    output_t = [h_t of the layer that reads 0 1 2 ... ; h_t of the one ... 2 1 0]
//
// Sources: Schuster and Paliwal 1997 (two directions); Graves et al. 2013 (deep).
#pragma once

#include <memory>

#include "nn/layers.h"
#include "nn/recurrent.h"

namespace qkv::nn {

[[nodiscard]] std::unique_ptr<Recurrent> make_recurrent(Cell cell, int64_t in, int64_t hidden,
                                                        lib::Generator& generator);

struct RecurrentConfig {
  Cell cell = Cell::lstm;
  int64_t in = 1;      // width of what the first layer reads
  int64_t hidden = 1;  // of every layer's state
  int64_t layers = 1;
  bool bidirectional = false;
  double dropout = 0;  // of what a layer gives to the one above it

  [[nodiscard]] int64_t directions() const { return bidirectional ? 2 : 1; }
};

// A state per layer and direction, at [layer · directions + direction]: what PyTorch's h_n and c_n
// hold, in their order.
using RecurrentStates = std::vector<RecurrentState>;

struct RecurrentLayersOutput {
  Variable output;         // (B, T, directions · hidden): of the last layer
  RecurrentStates states;  // final ones; each (B, hidden)
};

class RecurrentLayers : public Module {
 public:
  // Throws std::invalid_argument unless sizes and layers are at least 1 and dropout is in [0, 1).
  RecurrentLayers(const RecurrentConfig& config, lib::Generator& generator);

  // x (B, T, in). States that are left out are zeros: all of them, or the parts of each. Behind the
  // end of a sequence `output` is what Recurrent::forward says: finite, and nothing to be read.
  // Throws std::invalid_argument if shapes, lengths or the number of states do not fit.
  [[nodiscard]] RecurrentLayersOutput forward(const Variable& x,
                                              const RecurrentStates& initial = {},
                                              const std::vector<int64_t>& lengths = {});

  // One position, x (B, in): the states before it become those after it, and the last one's h is
  // the output. Throws std::invalid_argument if bidirectional: the future is not there yet.
  [[nodiscard]] RecurrentStates step(const Variable& x, RecurrentStates states = {});

  [[nodiscard]] const RecurrentConfig& config() const { return config_; }

  std::vector<std::unique_ptr<Recurrent>> layers;  // in the order of the states

 private:
  void check_states(const RecurrentStates& states) const;

  RecurrentConfig config_;
  Dropout dropout_;
};

}  // namespace qkv::nn
