// Vec for any machine: a "register" of one number. Included inside the namespace of its instruction
// set. This file is the reference for the others: what each function must compute, to the bit.

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
  void store_one(T* p) const { *p = r; }  // the first lane
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

// 2^k for a whole number k in [-126, 127]: k + 127 is the exponent field of the result.
inline Vec<float> pow2(Vec<float> k) {
  return {__builtin_bit_cast(float, (static_cast<int>(k.r) + 127) << 23)};
}

// 2^k for t = 1.5 * 2^23 + 127 + k: the last bits of such a t are those of k + 127.
inline Vec<float> pow2_of_last_bits(Vec<float> t) {
  return {__builtin_bit_cast(float, __builtin_bit_cast(unsigned, t.r) << 23)};
}

// x = m 2^k with m in [√½, √2), for normal x > 0. Adding the distance from √½ to 1 carries into the
// exponent field exactly when the fraction is √½ or more: 0x3f3504f3 are the bits of √½.
inline void split_exponent(Vec<float> x, Vec<float>* m, Vec<float>* k) {
  const unsigned bits = __builtin_bit_cast(unsigned, x.r) + (0x3f800000u - 0x3f3504f3u);
  k->r = static_cast<float>(static_cast<int>(bits >> 23) - 127);
  m->r = __builtin_bit_cast(float, (bits & 0x007fffffu) + 0x3f3504f3u);
}
