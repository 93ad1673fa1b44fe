// Transposing W x W numbers in W registers of W: halves are exchanged, then quarters, ..., then
// neighbours. Row i and row i + h exchange their off-diagonal blocks of width h:
//
//   h = 2   a0 a1 a2 a3      a0 a1 c0 c1      h = 1   a0 b0 c0 d0
//           b0 b1 b2 b3      b0 b1 d0 d1              a1 b1 c1 d1
//           c0 c1 c2 c3  ->  a2 a3 c2 c3  ->          a2 b2 c2 d2
//           d0 d1 d2 d3      b2 b3 d2 d3              a3 b3 c3 d3

template <int... I>
struct Indices {};
template <int kWidth>
struct UpTo;
template <>
struct UpTo<2> {
  using Type = Indices<0, 1>;
};
template <>
struct UpTo<4> {
  using Type = Indices<0, 1, 2, 3>;
};
template <>
struct UpTo<8> {
  using Type = Indices<0, 1, 2, 3, 4, 5, 6, 7>;
};
template <>
struct UpTo<16> {
  using Type = Indices<0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15>;
};

// The columns of the two results of an exchange, counted through a, then b.
template <int kHalf, class Register, int... I>
void exchange(Register* a, Register* b, Indices<I...>) {
  constexpr int kWidth = sizeof...(I);
  const Register x = *a, y = *b;
  *a = __builtin_shufflevector(x, y, (I & kHalf ? kWidth + I - kHalf : I)...);
  *b = __builtin_shufflevector(x, y, (I & kHalf ? kWidth + I : I + kHalf)...);
}

template <int kHalf, class T>
void transpose_halves(Vec<T>* rows) {
  if constexpr (kHalf > 0) {
    constexpr int kWidth = Vec<T>::kWidth;
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) {
      if ((i & kHalf) == 0) {
        exchange<kHalf>(&rows[i].r, &rows[i + kHalf].r, typename UpTo<kWidth>::Type());
      }
    }
    transpose_halves<kHalf / 2>(rows);
  }
}

// Rows 0 .. count-1 at p, their first `cols` columns, transposed into columns of `rows`; the rest
// is zero. REQUIRES: count, cols >= 1.
template <class T>
void load_transposed(const T* p, int64_t stride, int64_t count, int64_t cols, Vec<T>* rows) {
  constexpr int kWidth = Vec<T>::kWidth;
  if (cols >= kWidth) {
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) {
      rows[i] = i < count ? Vec<T>::load(p + i * stride) : Vec<T>::broadcast(0);
    }
  } else {
    const int n = static_cast<int>(cols);
#pragma GCC unroll 16
    for (int i = 0; i < kWidth; ++i) {
      rows[i] = i < count ? Vec<T>::load_first(p + i * stride, n) : Vec<T>::broadcast(0);
    }
  }
  transpose_halves<kWidth / 2>(rows);
}
