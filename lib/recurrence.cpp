// The walk along a sequence, and back.
#include "lib/recurrence.h"

#include <algorithm>

#include "lib/scratch.h"

namespace qkv::lib {
namespace {

// (B, T, width) at position t: a row per sequence.
template <class T>
Rows<T> at(T* data, int64_t t, const RecurrenceShape& s, int64_t width) {
  return data == nullptr ? Rows<T>{nullptr, 0} : Rows<T>{data + t * width, s.T * width};
}

// The state before position t: that of the position read before it, or the initial one.
template <class T>
Rows<const T> before(const T* initial, const T* states, int64_t t, const RecurrenceShape& s) {
  const int64_t last = s.reversed ? t + 1 : t - 1;
  if (last >= 0 && last < s.T) return at(states, last, s, s.n);
  return {initial, initial == nullptr ? 0 : s.n};
}

// Calls go_on(first, count) for each run of sequences that have a position t, and ended(b) for each
// that has none.
template <class GoOn, class Ended>
void for_each_run(const RecurrenceShape& s, int64_t t, const GoOn& go_on, const Ended& ended) {
  if (s.lengths == nullptr) return go_on(0, s.B);
  int64_t first = 0;
  for (int64_t b = 0; b < s.B; ++b) {
    if (t < s.lengths[b]) continue;
    if (b > first) go_on(first, b - first);
    ended(b);
    first = b + 1;
  }
  if (s.B > first) go_on(first, s.B - first);
}

template <class T>
void add_rows(const RecurrenceShape& s, Rows<const T> from, T* to) {
  for (int64_t b = 0; b < s.B; ++b) {
    for (int64_t j = 0; j < s.n; ++j) to[b * s.n + j] += from.row(b)[j];
  }
}

}  // namespace

template <class T>
void recurrence(const RecurrenceShape& s, const RecurrenceForward<T>& a) {
  const int64_t n = s.n, gates = gates_of(s.cell) * n, keeps = kept_of(s.cell) * n;
  const Scratch<T> product(s.B * gates);
  const Rows<const T> from_h = {product.data(), gates};
  const Matrix<const T> transposed = {a.W.data, a.W.col_stride, a.W.row_stride};
  for (int64_t step = 0; step < s.T; ++step) {
    const int64_t t = s.reversed ? s.T - 1 - step : step;
    const Rows<const T> h = before(a.h0, static_cast<const T*>(a.h), t, s);
    const Rows<const T> c = before(a.c0, static_cast<const T*>(a.c), t, s);
    const Rows<const T> from_x = at(a.from_x, t, s, gates);
    const Rows<T> h_next = at(a.h, t, s, n), c_next = at(a.c, t, s, n);
    const Rows<T> kept = {a.kept + t * s.B * keeps, keeps};
    matmul<T>({s.B, gates, n}, {h.data, h.stride, 1}, transposed, {product.data(), gates, 1},
              a.bias);
    for_each_run(
        s, t,
        [&](int64_t b, int64_t count) {
          cell_step<T>(s.cell, count, n,
                       {from_x.from(b), from_h.from(b), h.from(b), c.from(b), h_next.from(b),
                        c_next.from(b), kept.from(b)});
        },
        [&](int64_t b) {
          std::copy_n(h.row(b), n, h_next.row(b));
          if (a.c != nullptr) std::copy_n(c.row(b), n, c_next.row(b));
        });
  }
}

// dh and dc are what has come so far from the positions read later; each position adds its own.
template <class T>
void recurrence_backward(const RecurrenceShape& s, const RecurrenceBackward<T>& a) {
  const int64_t n = s.n, gates = gates_of(s.cell) * n, keeps = kept_of(s.cell) * n;
  const Rows<T> dh = {a.dh, n}, dc = {a.dc, a.dc == nullptr ? 0 : n};
  const Rows<const T> dh_next = {a.dh, n}, dc_next = {a.dc, dc.stride};
  std::fill_n(a.dh, s.B * n, T(0));
  if (a.dc != nullptr) std::fill_n(a.dc, s.B * n, T(0));
  for (int64_t step = s.T; step-- > 0;) {
    const int64_t t = s.reversed ? s.T - 1 - step : step;
    const Rows<const T> h = before(a.h0, a.h, t, s), c = before(a.c0, a.c, t, s);
    const Rows<const T> kept = {a.kept + t * s.B * keeps, keeps};
    const Rows<T> d_from_x = at(a.d_from_x, t, s, gates), d_from_h = at(a.d_from_h, t, s, gates);
    add_rows(s, at(a.dh_all, t, s, n), a.dh);
    if (a.dc != nullptr) add_rows(s, at(a.dc_all, t, s, n), a.dc);
    for_each_run(
        s, t,
        [&](int64_t b, int64_t count) {
          cell_step_backward<T>(
              s.cell, count, n,
              {kept.from(b), h.from(b), c.from(b), dh_next.from(b), dc_next.from(b),
               d_from_x.from(b), d_from_h.from(b), dh.from(b), dc.from(b)});
          // All of h went through the product; the GRU lets some pass beside it.
          if (s.cell != Cell::gru) std::fill_n(dh.row(b), count * n, T(0));
        },
        [&](int64_t b) {  // the state has passed unchanged, so its gradient does
          std::fill_n(d_from_x.row(b), gates, T(0));
          std::fill_n(d_from_h.row(b), gates, T(0));
        });
    matmul<T>({s.B, n, gates, true}, {d_from_h.data, d_from_h.stride, 1}, a.W, {a.dh, n, 1});
  }
}

template void recurrence(const RecurrenceShape&, const RecurrenceForward<float>&);
template void recurrence(const RecurrenceShape&, const RecurrenceForward<double>&);
template void recurrence_backward(const RecurrenceShape&, const RecurrenceBackward<float>&);
template void recurrence_backward(const RecurrenceShape&, const RecurrenceBackward<double>&);

}  // namespace qkv::lib
