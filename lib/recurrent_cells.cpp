// Steps of the recurrent cells: the definition, and rows in chunks for the SIMD kernels.
#include "lib/recurrent_cells.h"

#include <algorithm>
#include <cmath>

#include "lib/parallel.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  using Forward = void (*)(int64_t rows, int64_t n, const CellForward<T>& step);
  using Backward = void (*)(int64_t rows, int64_t n, const CellBackward<T>& step);
  Forward rnn, gru, lstm;
  Backward rnn_backward, gru_backward, lstm_backward;
};

#define QKV_KERNELS "lib/kernels/recurrent_cells.inl"
#include "lib/simd/every_isa.inl"

template <class T>
typename Kernels<T>::Forward forward_kernel(Cell cell) {
  const Kernels<T>& k = kernels<T>();
  return cell == Cell::rnn ? k.rnn : cell == Cell::gru ? k.gru : k.lstm;
}
template <class T>
typename Kernels<T>::Backward backward_kernel(Cell cell) {
  const Kernels<T>& k = kernels<T>();
  return cell == Cell::rnn ? k.rnn_backward : cell == Cell::gru ? k.gru_backward : k.lstm_backward;
}

constexpr int64_t kElementsPerChunk = 8'192;

int64_t rows_per_chunk(int64_t n) {
  return std::max<int64_t>(1, kElementsPerChunk / std::max<int64_t>(1, n));
}

template <class T>
T sigmoid(T x) {
  return 1 / (1 + std::exp(-x));
}

}  // namespace

template <class T>
void cell_step_definition(Cell cell, int64_t rows, int64_t n, const CellForward<T>& step) {
  for (int64_t row = 0; row < rows; ++row) {
    const T *const x = step.from_x.row(row), *const y = step.from_h.row(row);
    T* const kept = step.kept.row(row);
    for (int64_t j = 0; j < n; ++j) {
      T& h_next = step.h_next.row(row)[j];
      if (cell == Cell::rnn) {
        h_next = kept[j] = std::tanh(x[j] + y[j]);
      } else if (cell == Cell::gru) {
        const T r = sigmoid(x[j] + y[j]), z = sigmoid(x[n + j] + y[n + j]);
        const T q = y[2 * n + j], candidate = std::tanh(x[2 * n + j] + r * q);
        h_next = candidate + z * (step.h.row(row)[j] - candidate);
        kept[j] = r, kept[n + j] = z, kept[2 * n + j] = candidate, kept[3 * n + j] = q;
      } else {
        const T i = sigmoid(x[j] + y[j]), f = sigmoid(x[n + j] + y[n + j]);
        const T g = std::tanh(x[2 * n + j] + y[2 * n + j]),
                o = sigmoid(x[3 * n + j] + y[3 * n + j]);
        const T c = f * step.c.row(row)[j] + i * g, shown = std::tanh(c);
        step.c_next.row(row)[j] = c;
        h_next = o * shown;
        kept[j] = i, kept[n + j] = f, kept[2 * n + j] = g, kept[3 * n + j] = o;
        kept[4 * n + j] = shown;
      }
    }
  }
}

template <class T>
void cell_step(Cell cell, int64_t rows, int64_t n, const CellForward<T>& step) {
  const auto kernel = forward_kernel<T>(cell);
  parallel_for(rows, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    kernel(
        end - begin, n,
        {step.from_x.from(begin), step.from_h.from(begin), step.h.from(begin), step.c.from(begin),
         step.h_next.from(begin), step.c_next.from(begin), step.kept.from(begin)});
  });
}

template <class T>
void cell_step_backward(Cell cell, int64_t rows, int64_t n, const CellBackward<T>& step) {
  const auto kernel = backward_kernel<T>(cell);
  parallel_for(rows, rows_per_chunk(n), [&](int64_t begin, int64_t end) {
    kernel(end - begin, n,
           {step.kept.from(begin), step.h.from(begin), step.c.from(begin), step.dh_next.from(begin),
            step.dc_next.from(begin), step.d_from_x.from(begin), step.d_from_h.from(begin),
            step.dh.from(begin), step.dc.from(begin)});
  });
}

template void cell_step_definition(Cell, int64_t, int64_t, const CellForward<float>&);
template void cell_step_definition(Cell, int64_t, int64_t, const CellForward<double>&);
template void cell_step(Cell, int64_t, int64_t, const CellForward<float>&);
template void cell_step(Cell, int64_t, int64_t, const CellForward<double>&);
template void cell_step_backward(Cell, int64_t, int64_t, const CellBackward<float>&);
template void cell_step_backward(Cell, int64_t, int64_t, const CellBackward<double>&);

}  // namespace qkv::lib
