// Vec for any machine: a "register" of one number, that is, of one lane. Included inside the
// namespace of its instruction set. This file is the reference for the others: what each function
// must compute, to the bit, in every lane.

constexpr int kRegisterCount = 16;

template <class T>
struct Vec {
  static constexpr int kWidth = 1;
  struct Mask {
    bool m;
  };
  T r;

  static Vec broadcast(T x) { return {x}; }
  static Vec load(const T* p) { return {*p}; }
  static Vec load_first(const T* p, int n) { return {n > 0 ? *p : T(0)}; }  // the rest is zero
  static Vec load_first(const T* p, int n, T fill) { return {n > 0 ? *p : fill}; }
  void store(T* p) const { *p = r; }
  // The first n of kWidth elements, n from 1 on: what depends on n alone is made once, by part(n).
  using Part = int;
  static Part part(int n) { return n; }
  static Vec load_part(const T* p, Part) { return {*p}; }
  void store_part(T* p, Part) const { *p = r; }
  void store_first(T* p, int n) const {
    if (n > 0) *p = r;
  }
};

template <class T>
Vec<T> operator+(Vec<T> a, Vec<T> b) {
  return {a.r + b.r};
}
template <class T>
Vec<T> operator-(Vec<T> a, Vec<T> b) {
  return {a.r - b.r};
}
template <class T>
Vec<T> operator*(Vec<T> a, Vec<T> b) {
  return {a.r * b.r};
}
template <class T>
Vec<T> operator/(Vec<T> a, Vec<T> b) {
  return {a.r / b.r};
}
template <class T>
typename Vec<T>::Mask operator<(Vec<T> a, Vec<T> b) {
  return {a.r < b.r};
}

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {__builtin_fmaf(a.r, b.r, c.r)};
}
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {__builtin_fma(a.r, b.r, c.r)};
}

// b where a is not larger, so also where either is NaN: what x86 does.
template <class T>
Vec<T> max(Vec<T> a, Vec<T> b) {
  return {a.r > b.r ? a.r : b.r};
}
inline Vec<float> sqrt(Vec<float> a) { return {__builtin_sqrtf(a.r)}; }
inline Vec<double> sqrt(Vec<double> a) { return {__builtin_sqrt(a.r)}; }
// b where a is not smaller, so also where either is NaN.
template <class T>
Vec<T> min(Vec<T> a, Vec<T> b) {
  return {a.r < b.r ? a.r : b.r};
}
template <class T>
Vec<T> select(typename Vec<T>::Mask m, Vec<T> yes, Vec<T> no) {
  return m.m ? yes : no;
}
inline Vec<float> abs(Vec<float> a) { return {__builtin_fabsf(a.r)}; }
inline Vec<float> copy_sign(Vec<float> size, Vec<float> sign) {
  return {__builtin_copysignf(size.r, sign.r)};
}

// Turns a block of kWidth rows, kPiece numbers from each, into columns: lane j of out[i] is
// rows[j * stride + i].
template <class T>
constexpr int kPiece = 1;
template <class T>
void load_columns(const T* rows, int64_t, Vec<T>* out) {
  out[0].r = *rows;
}

// 2^k for a whole number k in [-126, 127]: k + 127 is the exponent field of the result. (A float
// has a sign bit, this field of 8 bits, and 23 bits of the fraction.)
inline Vec<float> pow2(Vec<float> k) {
  return {__builtin_bit_cast(float, (static_cast<int>(k.r) + 127) << 23)};
}

// 2^k again, but for k as it comes out of a rounding: t = k + (1.5 * 2^23 + 127). The low bits of
// such a t are those of k + 127, and moving them up to the exponent field is all there is to do.
inline Vec<float> pow2_of_rounded(Vec<float> t) {
  return {__builtin_bit_cast(float, __builtin_bit_cast(unsigned, t.r) << 23)};
}

// x 2^k, rounded once, for a whole number k in [-252, 254]: two factors of about 2^(k/2), since 2^k
// alone may be too large or too small. The first product must be exact: |x| in [2^-24, 2^24], or
// k = 0.
// The low bits of t are those of k + 254; each half of that number is an exponent field.
inline Vec<float> times_pow2(Vec<float> x, Vec<float> k) {
  const float t = k.r + (12582912.0f + 254.0f);
  const unsigned sum = __builtin_bit_cast(unsigned, t), half = sum >> 1;
  return {x.r * __builtin_bit_cast(float, half << 23) *
          __builtin_bit_cast(float, (sum - half) << 23)};
}

// x = m 2^k with m in [3/4, 3/2), for any x > 0. k is -inf for 0, inf for inf, and NaN below 0 and
// for NaN: then m may be anything. Subtracting the bits of 3/4 leaves k in the exponent field.
// Subnormal numbers, those below 2^-126, have an exponent field of 0: they are made larger first.
inline void split_exponent(Vec<float> x, Vec<float>* m, Vec<float>* k) {
  const bool subnormal = x.r < 1.17549435e-38f;
  const float normal = subnormal ? x.r * 33554432.0f : x.r;  // 2^25
  const unsigned bits = __builtin_bit_cast(unsigned, normal);
  const int whole = static_cast<int>(bits - 0x3f400000u) >> 23;
  m->r = __builtin_bit_cast(float, bits - (static_cast<unsigned>(whole) << 23));
  const float exponent = static_cast<float>(whole) - (subnormal ? 25.0f : 0.0f);
  const float special = x.r == 0 ? -__builtin_inff() : x.r < 0 ? __builtin_nanf("") : x.r;
  k->r = x.r > 0 && x.r < __builtin_inff() ? exponent : special;
}

// Three bits of x, from bit kShift on: the number of a table's entry.
struct Index {
  unsigned i;
};
template <int kShift>
Index index_bits(Vec<float> x) {
  return {(__builtin_bit_cast(unsigned, x.r) >> kShift) & 7};
}
inline Vec<float> lookup(const float* table, Index index) { return {table[index.i]}; }
