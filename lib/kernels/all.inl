// Every kernel template, and the table that points at their instances. Included once per
// instruction set, inside its namespace and target region, after its Vec and its tile size.
#include "lib/simd/lanes.inl"

#include "lib/kernels/math.inl"

#include "lib/kernels/rows.inl"

#include "lib/kernels/matmul.inl"

template <class T>
constexpr Kernels<T> table() {
  return {
      .exp = map<Exp, T>,
      .log = map<Log, T>,
      .tanh = map<Tanh, T>,
      .sigmoid = map<Sigmoid, T>,
      .erf = map<Erf, T>,
      .gelu = map<Gelu, T>,
      .gelu_slope = map<GeluSlope, T>,
      .sum_row = sum_row<T>,
      .dot_row = dot_row<T>,
      .max_row = max_row<T>,
      .exp_row = exp_row<T>,
      .softmax_rows = softmax_rows<T>,
      .tile_rows = Tile<T>::kRows,
      .tile_cols = Tile<T>::kCols,
      .pack_a = pack_a<T>,
      .pack_b = pack_b<T>,
      .multiply_block = multiply_block<T>,
  };
}
