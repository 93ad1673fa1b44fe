// Vec for 64-bit ARM: registers of 4 floats or 2 doubles. Each function computes what vec_scalar.h
// computes, in every lane. Included inside the namespace of its instruction set.

constexpr int kRegisterCount = 32;

template <class T>
struct Vec;

template <>
struct Vec<float> {
  static constexpr int kWidth = 4;
  struct Mask {
    uint32x4_t m;
  };
  float32x4_t r;

  static Vec broadcast(float x) { return {vdupq_n_f32(x)}; }
  static Vec load(const float* p) { return {vld1q_f32(p)}; }
  static Vec load_first(const float* p, int n) { return load_first(p, n, 0); }
  static Vec load_first(const float* p, int n, float fill) {
    float window[4] = {fill, fill, fill, fill};
    for (int i = 0; i < n && i < 4; ++i) window[i] = p[i];
    return {vld1q_f32(window)};
  }
  void store(float* p) const { vst1q_f32(p, r); }
  using Part = int;
  static Part part(int n) { return n; }
  static Vec load_part(const float* p, Part n) { return load_first(p, n); }
  void store_part(float* p, Part n) const { store_first(p, n); }
  void store_first(float* p, int n) const {
    float window[4];
    vst1q_f32(window, r);
    for (int i = 0; i < n && i < 4; ++i) p[i] = window[i];
  }
};

inline Vec<float> operator+(Vec<float> a, Vec<float> b) { return {vaddq_f32(a.r, b.r)}; }
inline Vec<float> operator-(Vec<float> a, Vec<float> b) { return {vsubq_f32(a.r, b.r)}; }
inline Vec<float> operator*(Vec<float> a, Vec<float> b) { return {vmulq_f32(a.r, b.r)}; }
inline Vec<float> operator/(Vec<float> a, Vec<float> b) { return {vdivq_f32(a.r, b.r)}; }
inline Vec<float>::Mask operator<(Vec<float> a, Vec<float> b) { return {vcltq_f32(a.r, b.r)}; }

template <>
struct Vec<double> {
  static constexpr int kWidth = 2;
  struct Mask {
    uint64x2_t m;
  };
  float64x2_t r;

  static Vec broadcast(double x) { return {vdupq_n_f64(x)}; }
  static Vec load(const double* p) { return {vld1q_f64(p)}; }
  static Vec load_first(const double* p, int n) { return load_first(p, n, 0); }
  static Vec load_first(const double* p, int n, double fill) {
    const double window[2] = {n > 0 ? p[0] : fill, n > 1 ? p[1] : fill};
    return {vld1q_f64(window)};
  }
  void store(double* p) const { vst1q_f64(p, r); }
  using Part = int;
  static Part part(int n) { return n; }
  static Vec load_part(const double* p, Part n) { return load_first(p, n); }
  void store_part(double* p, Part n) const { store_first(p, n); }
  void store_first(double* p, int n) const {
    if (n > 0) p[0] = vgetq_lane_f64(r, 0);
    if (n > 1) p[1] = vgetq_lane_f64(r, 1);
  }
};

inline Vec<double> operator+(Vec<double> a, Vec<double> b) { return {vaddq_f64(a.r, b.r)}; }
inline Vec<double> operator-(Vec<double> a, Vec<double> b) { return {vsubq_f64(a.r, b.r)}; }
inline Vec<double> operator*(Vec<double> a, Vec<double> b) { return {vmulq_f64(a.r, b.r)}; }
inline Vec<double> operator/(Vec<double> a, Vec<double> b) { return {vdivq_f64(a.r, b.r)}; }
inline Vec<double>::Mask operator<(Vec<double> a, Vec<double> b) { return {vcltq_f64(a.r, b.r)}; }

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {vfmaq_f32(c.r, a.r, b.r)};
}
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {vfmaq_f64(c.r, a.r, b.r)};
}
inline Vec<float> max(Vec<float> a, Vec<float> b) {
  return {vbslq_f32(vcgtq_f32(a.r, b.r), a.r, b.r)};
}
inline Vec<double> max(Vec<double> a, Vec<double> b) {
  return {vbslq_f64(vcgtq_f64(a.r, b.r), a.r, b.r)};
}
inline Vec<float> sqrt(Vec<float> a) { return {vsqrtq_f32(a.r)}; }
inline Vec<double> sqrt(Vec<double> a) { return {vsqrtq_f64(a.r)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) {
  return {vbslq_f32(vcltq_f32(a.r, b.r), a.r, b.r)};
}
inline Vec<float> select(Vec<float>::Mask m, Vec<float> yes, Vec<float> no) {
  return {vbslq_f32(m.m, yes.r, no.r)};
}
inline Vec<double> select(Vec<double>::Mask m, Vec<double> yes, Vec<double> no) {
  return {vbslq_f64(m.m, yes.r, no.r)};
}
inline Vec<float> abs(Vec<float> a) { return {vabsq_f32(a.r)}; }
inline Vec<float> copy_sign(Vec<float> size, Vec<float> sign) {
  return {vbslq_f32(vdupq_n_u32(0x80000000u), sign.r, size.r)};
}

template <class T>
constexpr int kPiece = 16 / static_cast<int>(sizeof(T));
inline void load_columns(const float* rows, int64_t stride, Vec<float>* out) {
  const float32x4_t r0 = vld1q_f32(rows), r1 = vld1q_f32(rows + stride);
  const float32x4_t r2 = vld1q_f32(rows + 2 * stride), r3 = vld1q_f32(rows + 3 * stride);
  const float32x4_t even01 = vtrn1q_f32(r0, r1), odd01 = vtrn2q_f32(r0, r1);
  const float32x4_t even23 = vtrn1q_f32(r2, r3), odd23 = vtrn2q_f32(r2, r3);
  out[0].r = vcombine_f32(vget_low_f32(even01), vget_low_f32(even23));
  out[1].r = vcombine_f32(vget_low_f32(odd01), vget_low_f32(odd23));
  out[2].r = vcombine_f32(vget_high_f32(even01), vget_high_f32(even23));
  out[3].r = vcombine_f32(vget_high_f32(odd01), vget_high_f32(odd23));
}
inline void load_columns(const double* rows, int64_t stride, Vec<double>* out) {
  const float64x2_t r0 = vld1q_f64(rows), r1 = vld1q_f64(rows + stride);
  out[0].r = vzip1q_f64(r0, r1);
  out[1].r = vzip2q_f64(r0, r1);
}

inline Vec<float> pow2(Vec<float> k) {
  return {vreinterpretq_f32_s32(vshlq_n_s32(vaddq_s32(vcvtq_s32_f32(k.r), vdupq_n_s32(127)), 23))};
}

inline Vec<float> pow2_of_rounded(Vec<float> t) {
  return {vreinterpretq_f32_u32(vshlq_n_u32(vreinterpretq_u32_f32(t.r), 23))};
}
inline Vec<float> times_pow2(Vec<float> x, Vec<float> k) {
  const uint32x4_t sum = vreinterpretq_u32_f32(vaddq_f32(k.r, vdupq_n_f32(12582912.0f + 254.0f)));
  const uint32x4_t half = vshrq_n_u32(sum, 1), rest = vsubq_u32(sum, half);
  const float32x4_t once = vmulq_f32(x.r, vreinterpretq_f32_u32(vshlq_n_u32(half, 23)));
  return {vmulq_f32(once, vreinterpretq_f32_u32(vshlq_n_u32(rest, 23)))};
}

inline void split_exponent(Vec<float> x, Vec<float>* m, Vec<float>* k) {
  const Vec<float> zero = Vec<float>::broadcast(0), inf = Vec<float>::broadcast(__builtin_inff());
  const Vec<float>::Mask subnormal = x < Vec<float>::broadcast(1.17549435e-38f);
  const Vec<float> normal = select(subnormal, x * Vec<float>::broadcast(33554432.0f), x);
  const int32x4_t bits = vreinterpretq_s32_f32(normal.r);
  const int32x4_t whole = vshrq_n_s32(vsubq_s32(bits, vdupq_n_s32(0x3f400000)), 23);
  m->r = vreinterpretq_f32_s32(vsubq_s32(bits, vshlq_n_s32(whole, 23)));
  const Vec<float> exponent = {vcvtq_f32_s32(whole)};
  *k = select(subnormal, exponent - Vec<float>::broadcast(25.0f), exponent);
  *k = select(x < inf, *k, x);
  *k = select(zero < x, *k, select(x < zero, Vec<float>::broadcast(__builtin_nanf("")), x - inf));
}

struct Index {
  uint8x16_t i;
};
template <int kShift>
Index index_bits(Vec<float> x) {  // entry e is the bytes 4e, 4e + 1, 4e + 2, 4e + 3
  const uint32x4_t entry =
      vandq_u32(vshrq_n_u32(vreinterpretq_u32_f32(x.r), kShift), vdupq_n_u32(7));
  return {vreinterpretq_u8_u32(vmlaq_n_u32(vdupq_n_u32(0x03020100u), entry, 0x04040404u))};
}
inline Vec<float> lookup(const float* table, Index index) {
  const uint8x16x2_t bytes = {
      {vreinterpretq_u8_f32(vld1q_f32(table)), vreinterpretq_u8_f32(vld1q_f32(table + 4))}};
  return {vreinterpretq_f32_u8(vqtbl2q_u8(bytes, index.i))};
}

// The two folds of lanes.inl: halves of 4 lanes and of 2 fall onto each other.
template <class Op>
Vec<float> fold(Vec<float> a) {
  a = Op::apply(a, Vec<float>{vextq_f32(a.r, a.r, 2)});
  return Op::apply(a, Vec<float>{vrev64q_f32(a.r)});
}

template <class Op>
Vec<float> fold_rows(const Vec<float>* row) {
  Vec<float> pair[2];
  for (int j = 0; j < 2; ++j) {  // rows j and j + 2
    const float64x2_t a = vreinterpretq_f64_f32(row[j].r);
    const float64x2_t b = vreinterpretq_f64_f32(row[j + 2].r);
    pair[j] = Op::apply(Vec<float>{vreinterpretq_f32_f64(vzip1q_f64(a, b))},
                        Vec<float>{vreinterpretq_f32_f64(vzip2q_f64(a, b))});
  }
  return Op::apply(Vec<float>{vtrn1q_f32(pair[0].r, pair[1].r)},
                   Vec<float>{vtrn2q_f32(pair[0].r, pair[1].r)});
}
