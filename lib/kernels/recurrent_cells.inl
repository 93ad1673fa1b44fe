// Kernels of lib/recurrent_cells.h. A row is walked once, a Group or a register at a time: a few
// numbers of each gate come in, and all that they give goes out before the next.
//
// Products and sums are rounded one by one, as in the composition of simple operations: the results
// have its bits.
#include "lib/kernels/math.inl"

#include "lib/kernels/block.inl"

template <class V, bool kWhole, class T>
V take(const T* p, int rest) {
  if constexpr (kWhole) return V::load(p);
  return V::load_first(p, rest);
}
template <bool kWhole, class V, class T>
void put(V v, T* p, int rest) {
  if constexpr (kWhole) return v.store(p);
  v.store_first(p, rest);
}

// at<Group, true>(i) for as long as a Group fits, then at<Vec, true>(i), then the rest of a
// register.
template <class T, class Step>
[[gnu::flatten]] void along(int64_t n, const Step& step) {
  int64_t i = 0;
  for (; i + Block<T>::kWidth <= n; i += Block<T>::kWidth) step.template at<Block<T>, true>(i, 0);
  for (; i + Vec<T>::kWidth <= n; i += Vec<T>::kWidth) step.template at<Vec<T>, true>(i, 0);
  if (i < n) step.template at<Vec<T>, false>(i, static_cast<int>(n - i));
}

// ---- forward ------------------------------------------------------------------------------------

template <class T>
struct RnnStep {
  int64_t n;
  const T *from_x, *from_h;
  T *h_next, *kept;
  template <class V, bool kWhole>
  void at(int64_t i, int rest) const {
    const V h = tanh(take<V, kWhole>(from_x + i, rest) + take<V, kWhole>(from_h + i, rest));
    put<kWhole>(h, h_next + i, rest);
    put<kWhole>(h, kept + i, rest);
  }
};

template <class T>
struct GruStep {
  int64_t n;
  const T *from_x, *from_h, *h;
  T *h_next, *kept;
  template <class V, bool kWhole>
  V sum(int64_t i, int rest) const {
    return take<V, kWhole>(from_x + i, rest) + take<V, kWhole>(from_h + i, rest);
  }
  template <class V, bool kWhole>
  void at(int64_t i, int rest) const {
    const V r = sigmoid(sum<V, kWhole>(i, rest)), z = sigmoid(sum<V, kWhole>(n + i, rest));
    const V q = take<V, kWhole>(from_h + 2 * n + i, rest);
    const V candidate = tanh(take<V, kWhole>(from_x + 2 * n + i, rest) + r * q);
    const V before = take<V, kWhole>(h + i, rest);
    put<kWhole>(candidate + z * (before - candidate), h_next + i, rest);
    put<kWhole>(r, kept + i, rest);
    put<kWhole>(z, kept + n + i, rest);
    put<kWhole>(candidate, kept + 2 * n + i, rest);
    put<kWhole>(q, kept + 3 * n + i, rest);
  }
};

template <class T>
struct LstmStep {
  int64_t n;
  const T *from_x, *from_h, *c;
  T *h_next, *c_next, *kept;
  template <class V, bool kWhole>
  V sum(int64_t i, int rest) const {
    return take<V, kWhole>(from_x + i, rest) + take<V, kWhole>(from_h + i, rest);
  }
  template <class V, bool kWhole>
  void at(int64_t i, int rest) const {
    const V in = sigmoid(sum<V, kWhole>(i, rest)), forget = sigmoid(sum<V, kWhole>(n + i, rest));
    const V candidate = tanh(sum<V, kWhole>(2 * n + i, rest));
    const V out = sigmoid(sum<V, kWhole>(3 * n + i, rest));
    const V next = forget * take<V, kWhole>(c + i, rest) + in * candidate, shown = tanh(next);
    put<kWhole>(out * shown, h_next + i, rest);
    put<kWhole>(next, c_next + i, rest);
    put<kWhole>(in, kept + i, rest);
    put<kWhole>(forget, kept + n + i, rest);
    put<kWhole>(candidate, kept + 2 * n + i, rest);
    put<kWhole>(out, kept + 3 * n + i, rest);
    put<kWhole>(shown, kept + 4 * n + i, rest);
  }
};

template <class T>
void rnn_rows(int64_t rows, int64_t n, const CellForward<T>& s) {
  for (int64_t r = 0; r < rows; ++r) {
    along<T>(n, RnnStep<T>{n, s.from_x.row(r), s.from_h.row(r), s.h_next.row(r), s.kept.row(r)});
  }
}
template <class T>
void gru_rows(int64_t rows, int64_t n, const CellForward<T>& s) {
  for (int64_t r = 0; r < rows; ++r) {
    along<T>(n, GruStep<T>{n, s.from_x.row(r), s.from_h.row(r), s.h.row(r), s.h_next.row(r),
                           s.kept.row(r)});
  }
}
template <class T>
void lstm_rows(int64_t rows, int64_t n, const CellForward<T>& s) {
  for (int64_t r = 0; r < rows; ++r) {
    along<T>(n, LstmStep<T>{n, s.from_x.row(r), s.from_h.row(r), s.c.row(r), s.h_next.row(r),
                            s.c_next.row(r), s.kept.row(r)});
  }
}

// ---- backward -----------------------------------------------------------------------------------

//   h' = tanh(from_x + from_h)
template <class T>
struct RnnBack {
  int64_t n;
  const T *kept, *dh_next;
  T* d_gates;
  template <class V, bool kWhole>
  void at(int64_t i, int rest) const {
    const V h = take<V, kWhole>(kept + i, rest), dh = take<V, kWhole>(dh_next + i, rest);
    put<kWhole>(tanh_backward(h, dh), d_gates + i, rest);
  }
};

//   h' = n + z (h - n):      dn = dh' - dh' z,  dz = dh' (h - n),  dh = dh' z
//   n = tanh(x_n + r q):     dx_n = dn (1 - n²),  dr = dx_n q,  dq = dx_n r
template <class T>
struct GruBack {
  int64_t n;
  const T *kept, *h, *dh_next;
  T *d_from_x, *d_from_h, *dh;
  template <class V, bool kWhole>
  void at(int64_t i, int rest) const {
    const V r = take<V, kWhole>(kept + i, rest), z = take<V, kWhole>(kept + n + i, rest);
    const V candidate = take<V, kWhole>(kept + 2 * n + i, rest);
    const V q = take<V, kWhole>(kept + 3 * n + i, rest), before = take<V, kWhole>(h + i, rest);
    const V d_after = take<V, kWhole>(dh_next + i, rest), through = d_after * z;
    const V d_candidate = tanh_backward(candidate, d_after - through);
    const V d_reset = sigmoid_backward(r, d_candidate * q);
    const V d_update = sigmoid_backward(z, d_after * (before - candidate));
    put<kWhole>(through, dh + i, rest);
    put<kWhole>(d_reset, d_from_x + i, rest);
    put<kWhole>(d_reset, d_from_h + i, rest);
    put<kWhole>(d_update, d_from_x + n + i, rest);
    put<kWhole>(d_update, d_from_h + n + i, rest);
    put<kWhole>(d_candidate, d_from_x + 2 * n + i, rest);
    put<kWhole>(d_candidate * r, d_from_h + 2 * n + i, rest);
  }
};

//   h' = o tanh(c'):         do = dh' tanh(c'),  dc' += dh' o (1 - tanh²(c'))
//   c' = f c + i g:          di = dc' g,  df = dc' c,  dg = dc' i,  dc = dc' f
template <class T, bool kMoreOfC>
struct LstmBack {
  int64_t n;
  const T *kept, *c, *dh_next, *dc_next;
  T *d_gates, *dc;
  template <class V, bool kWhole>
  void at(int64_t i, int rest) const {
    const V in = take<V, kWhole>(kept + i, rest), forget = take<V, kWhole>(kept + n + i, rest);
    const V candidate = take<V, kWhole>(kept + 2 * n + i, rest);
    const V out = take<V, kWhole>(kept + 3 * n + i, rest);
    const V shown = take<V, kWhole>(kept + 4 * n + i, rest);
    const V before = take<V, kWhole>(c + i, rest), dh = take<V, kWhole>(dh_next + i, rest);
    V d_after = tanh_backward(shown, dh * out);
    if constexpr (kMoreOfC) d_after = d_after + take<V, kWhole>(dc_next + i, rest);
    put<kWhole>(d_after * forget, dc + i, rest);
    put<kWhole>(sigmoid_backward(in, d_after * candidate), d_gates + i, rest);
    put<kWhole>(sigmoid_backward(forget, d_after * before), d_gates + n + i, rest);
    put<kWhole>(tanh_backward(candidate, d_after * in), d_gates + 2 * n + i, rest);
    put<kWhole>(sigmoid_backward(out, dh * shown), d_gates + 3 * n + i, rest);
  }
};

template <class T>
void rnn_backward_rows(int64_t rows, int64_t n, const CellBackward<T>& s) {
  for (int64_t r = 0; r < rows; ++r) {
    along<T>(n, RnnBack<T>{n, s.kept.row(r), s.dh_next.row(r), s.d_from_x.row(r)});
  }
}
template <class T>
void gru_backward_rows(int64_t rows, int64_t n, const CellBackward<T>& s) {
  for (int64_t r = 0; r < rows; ++r) {
    along<T>(n, GruBack<T>{n, s.kept.row(r), s.h.row(r), s.dh_next.row(r), s.d_from_x.row(r),
                           s.d_from_h.row(r), s.dh.row(r)});
  }
}
template <class T, bool kMoreOfC>
void lstm_backward_walk(int64_t rows, int64_t n, const CellBackward<T>& s) {
  for (int64_t r = 0; r < rows; ++r) {
    along<T>(n, LstmBack<T, kMoreOfC>{n, s.kept.row(r), s.c.row(r), s.dh_next.row(r),
                                      s.dc_next.row(r), s.d_from_x.row(r), s.dc.row(r)});
  }
}
template <class T>
void lstm_backward_rows(int64_t rows, int64_t n, const CellBackward<T>& s) {
  if (s.dc_next.data != nullptr) return lstm_backward_walk<T, true>(rows, n, s);
  lstm_backward_walk<T, false>(rows, n, s);
}

template <class T>
constexpr Kernels<T> table() {
  return {
      .rnn = rnn_rows<T>,
      .gru = gru_rows<T>,
      .lstm = lstm_rows<T>,
      .rnn_backward = rnn_backward_rows<T>,
      .gru_backward = gru_backward_rows<T>,
      .lstm_backward = lstm_backward_rows<T>,
  };
}
