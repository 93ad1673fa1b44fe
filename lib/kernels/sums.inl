// Sums over a row, in lanes: element i is added to lane i % 16 (doubles: i % 8), and the lanes are
// added by the fixed tree of simd/lanes.inl. The order, and so every bit, is the same everywhere.
//
// An addition takes about four cycles, and the next into the same lane has to wait for it. So four
// rows are added up side by side: their chains do not wait for each other.

// part[r] = Σ term.load(r, i), lane by lane, for row = first .. first + kRows - 1.
template <int kRows, class T, class Term>
void term_lanes(int64_t n, int first, Term term, Lanes<T>* part) {
  constexpr int kCount = Lanes<T>::kCount;
  Lanes<T> total[kRows];
  for (int r = 0; r < kRows; ++r) total[r] = Lanes<T>::broadcast(0);
  int64_t i = 0;
  for (; i + kCount <= n; i += kCount) {
    for (int r = 0; r < kRows; ++r) total[r] = term.add_to(total[r], (first + r) * n + i);
  }
  const int rest = static_cast<int>(n - i);
  for (int r = 0; r < kRows; ++r) {
    part[first + r] = rest > 0 ? term.add_first_to(total[r], (first + r) * n + i, rest) : total[r];
  }
}

template <class T, class Term>
void term_lanes(int rows, int64_t n, Term term, Lanes<T>* part) {
  int r = 0;
  for (; r + 4 <= rows; r += 4) term_lanes<4>(n, r, term, part);
  for (; r < rows; ++r) term_lanes<1>(n, r, term, part);
}

template <class T>
struct SumTerm {
  const T* x;
  Lanes<T> add_to(Lanes<T> total, int64_t i) const { return add(total, Lanes<T>::load(x + i)); }
  Lanes<T> add_first_to(Lanes<T> total, int64_t i, int rest) const {
    return add(total, Lanes<T>::load_first(x + i, rest));
  }
};
template <class T>
struct DotTerm {
  const T *x, *y;
  Lanes<T> add_to(Lanes<T> total, int64_t i) const {
    return fma(Lanes<T>::load(x + i), Lanes<T>::load(y + i), total);
  }
  Lanes<T> add_first_to(Lanes<T> total, int64_t i, int rest) const {
    return fma(Lanes<T>::load_first(x + i, rest), Lanes<T>::load_first(y + i, rest), total);
  }
};

template <class T>
void sum_lanes(int rows, int64_t n, const T* x, Lanes<T>* part) {
  term_lanes(rows, n, SumTerm<T>{x}, part);
}
template <class T>
void dot_lanes(int rows, int64_t n, const T* x, const T* y, Lanes<T>* part) {
  term_lanes(rows, n, DotTerm<T>{x, y}, part);
}

template <class T>
T sum_row(int64_t n, const T* x) {
  Lanes<T> part;
  sum_lanes(1, n, x, &part);
  return sum(part);
}
template <class T>
T dot_row(int64_t n, const T* x, const T* y) {
  Lanes<T> part;
  dot_lanes(1, n, x, y, &part);
  return sum(part);
}
