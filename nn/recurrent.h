// Recurrent layers: a state that every position of a sequence rewrites, from its input and from
// what the positions before have left. All that is known of the past must fit into the state:
// attention (score_attention.h) was invented to look around it.
//
//   state_0 -> [cell] -> state_1 -> [cell] -> state_2 ...     the same cell and parameters
//              x_0 '                x_1 '            formulas: autograd/recurrent_cells.cpp
#pragma once

#include "lib/recurrent_cells.h"
#include "nn/module.h"

namespace qkv::nn {

using lib::Cell;

struct RecurrentState {
  Variable h;       // (B, hidden): what the layer shows
  Variable c = {};  // (B, hidden): what an LSTM keeps to itself; undefined for the others
};

struct RecurrentOutput {
  Variable output;       // (B, T, hidden): h after each position
  RecurrentState state;  // after the last one
};

// Which way a sequence is read: backward is from its own last position to its first.
enum class Direction { forward, backward };

// What RNN, GRU and LSTM share. A model that is given a Recurrent need not know which it is.
// Parameters, named, shaped and ordered as in PyTorch, a much used library: weight_ih (gates ·
// hidden, in), weight_hh (gates · hidden, hidden), bias_ih and bias_hh (gates · hidden), uniform in
// ±1/√hidden.
class Recurrent : public Module {
 public:
  // x (B, in) -> the state after it. States that are left out, here and below, are zeros.
  [[nodiscard]] RecurrentState step(const Variable& x, const RecurrentState& before = {}) const;

  // x (B, T, in). With `lengths`, sequence b has lengths[b] real positions: behind them its state
  // stands still, whatever finite numbers are there. Both throw std::invalid_argument if
  // shapes do not fit or a length is outside [0, T].
  //
  //   length 2, T = 4    forward    output: h_0  h_1  h_1  h_1       state: h_1
  //                      backward   output: h_0  h_1  h_i  h_i       state: h_0, h_i the initial h
  [[nodiscard]] RecurrentOutput forward(const Variable& x, const RecurrentState& initial = {},
                                        const std::vector<int64_t>& lengths = {},
                                        Direction direction = Direction::forward) const;

  Variable weight_ih, weight_hh, bias_ih, bias_hh;

 protected:
  Recurrent(const char* name, Cell cell, int64_t in, int64_t hidden, lib::Generator& generator);

 private:
  [[nodiscard]] RecurrentState checked(const Variable& x, const RecurrentState& state) const;

  const char* name_;
  Cell cell_;
};

// Elman, "Finding structure in time", 1990.
class RNN : public Recurrent {
 public:
  // Throws std::invalid_argument, as do the constructors below, unless both sizes are at least 1.
  RNN(int64_t in, int64_t hidden, lib::Generator& generator);
};

// The gated recurrent unit: as an LSTM, with two gates and no second state.
// Cho et al., "Learning phrase representations using RNN encoder-decoder", 2014.
class GRU : public Recurrent {
 public:
  GRU(int64_t in, int64_t hidden, lib::Generator& generator);
};

// Hochreiter and Schmidhuber, "Long short-term memory", 1997; forget gate: Gers et al. 2000.
class LSTM : public Recurrent {
 public:
  LSTM(int64_t in, int64_t hidden, lib::Generator& generator);
};

}  // namespace qkv::nn
