// One step of a recurrent layer, on raw pointers: what a cell makes of the products with its input
// and with its state, a row per sequence, in one pass over memory. A row's gates lie side by side:
//
//   n = 2, an LSTM    from_x   i i | f f | g g | o o      4n numbers       h, c   2 numbers each
//
// The formulas are those of cell_step_definition; what they mean: autograd/recurrent_cells.cpp.
#pragma once

#include <cstdint>

namespace qkv::lib {

enum class Cell { rnn, gru, lstm };

// Blocks of n numbers in a row of from_x and from_h, and in one of what forward keeps for backward.
[[nodiscard]] constexpr int64_t gates_of(Cell cell) {
  return cell == Cell::rnn ? 1 : cell == Cell::gru ? 3 : 4;
}
[[nodiscard]] constexpr int64_t kept_of(Cell cell) {
  return cell == Cell::rnn ? 1 : cell == Cell::gru ? 4 : 5;
}

template <class T>
struct Rows {
  T* data;
  int64_t stride;  // row r begins at data + r * stride
  [[nodiscard]] T* row(int64_t r) const { return data + r * stride; }
  [[nodiscard]] Rows from(int64_t r) const { return {row(r), stride}; }
};

// What only another cell needs may be null: h is read by the GRU alone, c by the LSTM.
template <class T>
struct CellForward {
  Rows<const T> from_x, from_h;  // W_ih x + b_ih and W_hh h + b_hh
  Rows<const T> h, c;            // the state before
  Rows<T> h_next, c_next;        // and after
  Rows<T> kept;                  // rnn  h'     gru  r z n q, q = W_hn h + b_hn
};                               // lstm  i f g o tanh(c')

template <class T>
struct CellBackward {
  Rows<const T> kept, h, c;
  Rows<const T> dh_next, dc_next;  // gradients of the state after; dc_next may be null: zeros
  Rows<T> d_from_x, d_from_h;      // the GRU alone writes d_from_h: for the others they are equal
  Rows<T> dh, dc;  // of the state before, as far as it does not go through from_h: nothing for
};                 // the RNN, dh for the GRU, dc for the LSTM

// REQUIRES, here and below: a row holds n numbers, or as many blocks of n as said above; results
// overlap nothing, but dh may be dh_next, and dc may be dc_next. T is float or double.
//
// Rung 0 has one number after the other, and the standard library's functions.
template <class T>
void cell_step_definition(Cell cell, int64_t rows, int64_t n, const CellForward<T>& step);
template <class T>
void cell_step(Cell cell, int64_t rows, int64_t n, const CellForward<T>& step);

template <class T>
void cell_step_backward(Cell cell, int64_t rows, int64_t n, const CellBackward<T>& step);

}  // namespace qkv::lib
