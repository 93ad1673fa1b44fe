// Sums over a row, in lanes: element i is added to lane i % 16 (doubles: i % 8), and the lanes are
// added by the fixed tree of simd/lanes.inl. The order, and so every bit, is the same everywhere.
//
// An addition takes about four cycles, and the next into the same lane has to wait for it. So four
// long rows are added up side by side: their chains do not wait for each other. Short rows the
// processor overlaps by itself, and reads faster one by one.
constexpr int64_t kLongRow = 512;

// kRows rows that lie n apart, and their totals.
template <int kRows, class T>
struct SumStep {
  const T* x;
  int64_t n;
  Lanes<T> total[kRows];
  template <bool kWhole>
  void at(int64_t i, int rest) {
    for (int r = 0; r < kRows; ++r) total[r] = add(total[r], load<kWhole>(x + r * n + i, rest));
  }
};
template <int kRows, class T>
struct DotStep {
  const T *x, *y;
  int64_t n;
  Lanes<T> total[kRows];
  template <bool kWhole>
  void at(int64_t i, int rest) {
    for (int r = 0; r < kRows; ++r) {
      const int64_t at = r * n + i;
      total[r] = fma(load<kWhole>(x + at, rest), load<kWhole>(y + at, rest), total[r]);
    }
  }
};

template <int kRows, class T>
void sum_lanes_of(int64_t n, const T* x, Lanes<T>* part) {
  SumStep<kRows, T> step = {x, n, {}};
  walk<T>(n, step);
  for (int r = 0; r < kRows; ++r) part[r] = step.total[r];
}
template <int kRows, class T>
void dot_lanes_of(int64_t n, const T* x, const T* y, Lanes<T>* part) {
  DotStep<kRows, T> step = {x, y, n, {}};
  walk<T>(n, step);
  for (int r = 0; r < kRows; ++r) part[r] = step.total[r];
}

// part[r] = Σ x by lanes, for each row r.
template <class T>
void sum_lanes(int rows, int64_t n, const T* x, Lanes<T>* part) {
  int r = 0;
  if (n >= kLongRow) {
    for (; r + 4 <= rows; r += 4) sum_lanes_of<4>(n, x + r * n, part + r);
  }
  for (; r < rows; ++r) sum_lanes_of<1>(n, x + r * n, part + r);
}
// part[r] = Σ x y by lanes, for each row r.
template <class T>
void dot_lanes(int rows, int64_t n, const T* x, const T* y, Lanes<T>* part) {
  int r = 0;
  if (n >= kLongRow) {
    for (; r + 4 <= rows; r += 4) dot_lanes_of<4>(n, x + r * n, y + r * n, part + r);
  }
  for (; r < rows; ++r) dot_lanes_of<1>(n, x + r * n, y + r * n, part + r);
}

template <class T>
T sum_row(int64_t n, const T* x) {
  Lanes<T> part;
  sum_lanes_of<1>(n, x, &part);
  return sum(part);
}
template <class T>
T dot_row(int64_t n, const T* x, const T* y) {
  Lanes<T> part;
  dot_lanes_of<1>(n, x, y, &part);
  return sum(part);
}
