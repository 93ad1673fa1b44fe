// A recurrent layer along a whole sequence, on raw pointers: a product with W and a step of the
// cell for each position, and the same backwards through time. B sequences of T positions, n
// numbers of state; all arrays are row-major.
//
//   state_0 -> [W, cell] -> state_1 -> [W, cell] -> ...      from_x (B, T, gates n) comes in from
//                 '                       '                  below, worked out before
#pragma once

#include "lib/matmul.h"
#include "lib/recurrent_cells.h"

namespace qkv::lib {

struct RecurrenceShape {
  Cell cell;
  int64_t B, T, n;
  const int64_t* lengths = nullptr;  // (B): behind its length a state stands still; null: T
  bool reversed = false;             // from position T - 1 to position 0
};

// c0, c and their gradients are the LSTM's alone: null for the others.
template <class T>
struct RecurrenceForward {
  const T* from_x;    // (B, T, gates n)
  Matrix<const T> W;  // (gates n, n)
  const T* bias;      // (gates n)
  const T *h0, *c0;   // (B, n)
  T *h, *c;           // (B, T, n): the state after each position
  T* kept;            // (T, B, kept n): for backward; undefined behind the end of a sequence
};

template <class T>
struct RecurrenceBackward {
  Matrix<const T> W;
  const T *h0, *c0, *h, *c, *kept;  // of forward
  const T *dh_all, *dc_all;         // (B, T, n): gradients of h and c
  T *d_from_x, *d_from_h;           // (B, T, gates n): one array, but for the GRU
  T *dh, *dc;                       // (B, n): of h0 and c0
};

// REQUIRES: lengths lie in [0, T]; results overlap nothing else. T is float or double.
template <class T>
void recurrence(const RecurrenceShape& shape, const RecurrenceForward<T>& arrays);

// The gradient of W is the product of d_from_h, transposed, with the states before each position:
// one large product for the whole sequence, and the caller's.
template <class T>
void recurrence_backward(const RecurrenceShape& shape, const RecurrenceBackward<T>& arrays);

}  // namespace qkv::lib
