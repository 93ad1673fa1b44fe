// The same bits everywhere: the recurrent cells and sequences, forwards and back.
#include "lib/recurrence.h"
#include "tensor/matmul.h"
#include "tests/determinism/computation.h"

using namespace qkv::tests;
using qkv::lib::Cell;
using qkv::tensor::dispatch_floating;

namespace {

// Steps of one row and of more rows than a chunk has, and what is kept and sent back.
std::vector<Tensor> steps(Cell cell, Dtype dtype) {
  std::vector<Tensor> results;
  for (const auto& size : {std::pair<int64_t, int64_t>{1, 3}, {7, 64}, {301, 33}, {3, 1000}}) {
    const int64_t rows = size.first, n = size.second;
    const int64_t gates = qkv::lib::gates_of(cell) * n, keeps = qkv::lib::kept_of(cell) * n;
    const Tensor x = normals({rows, gates}, dtype), y = normals({rows, gates}, dtype, 2);
    const Tensor h = normals({rows, n}, dtype, 3), dh = normals({rows, n}, dtype);
    Tensor h_next = h.clone(), c_next = h.clone(), d_before = h.clone();
    Tensor kept = normals({rows, keeps}, dtype), dx = x.clone(), dy = y.clone();
    dispatch_floating("steps", dtype, [&]<class T>(T) {
      qkv::lib::cell_step<T>(cell, rows, n,
                             {{x.data<T>(), gates},
                              {y.data<T>(), gates},
                              {h.data<T>(), n},
                              {h.data<T>(), n},
                              {h_next.mutable_data<T>(), n},
                              {c_next.mutable_data<T>(), n},
                              {kept.mutable_data<T>(), keeps}});
      qkv::lib::cell_step_backward<T>(cell, rows, n,
                                      {{kept.data<T>(), keeps},
                                       {h.data<T>(), n},
                                       {h.data<T>(), n},
                                       {dh.data<T>(), n},
                                       {dh.data<T>(), n},
                                       {dx.mutable_data<T>(), gates},
                                       {dy.mutable_data<T>(), gates},
                                       {d_before.mutable_data<T>(), n},
                                       {d_before.mutable_data<T>(), n}});
    });
    for (const Tensor& t : {h_next, c_next, kept, dx, dy, d_before}) results.push_back(t);
  }
  return results;
}

std::vector<Tensor> sequences(Cell cell, Dtype dtype) {
  const int64_t B = 3, T = 7, n = 37, gates = qkv::lib::gates_of(cell) * n;
  const int64_t keeps = qkv::lib::kept_of(cell) * n;
  const int64_t lengths[] = {7, 0, 4};
  std::vector<Tensor> results;
  for (const bool reversed : {false, true}) {
    const Tensor x = normals({B, T, gates}, dtype), W = normals({gates, n}, dtype, 2);
    const Tensor b = normals({gates}, dtype, 3), h0 = normals({B, n}, dtype, 3);
    const Tensor slopes = normals({B, T, n}, dtype, 2);
    Tensor h = slopes.clone(), c = slopes.clone(), dx = x.clone(), dy = x.clone();
    Tensor kept = qkv::tensor::zeros({T, B, keeps}, dtype), dh = h0.clone(), dc = h0.clone();
    const qkv::lib::RecurrenceShape shape = {cell, B, T, n, lengths, reversed};
    dispatch_floating("sequences", dtype, [&]<class S>(S) {
      const bool lstm = cell == Cell::lstm;
      const qkv::lib::Matrix<const S> rows = {W.data<S>(), n, 1};
      qkv::lib::recurrence<S>(
          shape,
          {x.data<S>(), rows, b.data<S>(), h0.data<S>(), lstm ? h0.data<S>() : nullptr,
           h.mutable_data<S>(), lstm ? c.mutable_data<S>() : nullptr, kept.mutable_data<S>()});
      qkv::lib::recurrence_backward<S>(
          shape, {rows, h0.data<S>(), lstm ? h0.data<S>() : nullptr, h.data<S>(),
                  lstm ? c.data<S>() : nullptr, kept.data<S>(), slopes.data<S>(),
                  lstm ? slopes.data<S>() : nullptr, dx.mutable_data<S>(), dy.mutable_data<S>(),
                  dh.mutable_data<S>(), lstm ? dc.mutable_data<S>() : nullptr});
    });
    for (const Tensor& t : {h, c, kept, dx, dy, dh, dc}) results.push_back(t);
  }
  return results;
}

const std::vector<Computation>& recurrent() {
  static const std::vector<Computation> list = {
      {"rnn steps", 0x16003e5f5b98eb5a, [](Dtype d) { return steps(Cell::rnn, d); }},
      {"gru steps", 0x5451184bb24932bb, [](Dtype d) { return steps(Cell::gru, d); }},
      {"lstm steps", 0x2f724c56a77f4e01, [](Dtype d) { return steps(Cell::lstm, d); }},
      {"rnn sequences", 0x85bc7240ea087599, [](Dtype d) { return sequences(Cell::rnn, d); }},
      {"gru sequences", 0x14904b424bc77ea6, [](Dtype d) { return sequences(Cell::gru, d); }},
      {"lstm sequences", 0x9adb0ed3b582764f, [](Dtype d) { return sequences(Cell::lstm, d); }},
  };
  return list;
}

}  // namespace

TEST_CASE("recurrent kernels have the same bits for every instruction set and number of threads") {
  check_all(recurrent());
}

TEST_CASE("recurrent float32 results are the same on every machine and with every compiler") {
  check_pinned(recurrent());
}
