// Vec for AVX-512 F, DQ, BW, VL: registers of 16 floats or 8 doubles. Each function computes what
// vec_scalar.h computes, in every lane. Included inside the namespace of its instruction set.

constexpr int kRegisterCount = 32;

template <class T>
struct Vec;

template <>
struct Vec<float> {
  static constexpr int kWidth = 16;
  struct Mask {
    __mmask16 m;
  };
  __m512 r;

  static __mmask16 first(int n) {
    return static_cast<__mmask16>(n >= 16 ? 0xffff : n <= 0 ? 0 : (1 << n) - 1);
  }
  static Vec broadcast(float x) { return {_mm512_set1_ps(x)}; }
  static Vec load(const float* p) { return {_mm512_loadu_ps(p)}; }
  static Vec load_first(const float* p, int n) { return {_mm512_maskz_loadu_ps(first(n), p)}; }
  static Vec load_first(const float* p, int n, float fill) {
    return {_mm512_mask_loadu_ps(_mm512_set1_ps(fill), first(n), p)};
  }
  void store(float* p) const { _mm512_storeu_ps(p, r); }
  using Part = __mmask16;
  static Part part(int n) { return static_cast<__mmask16>((1 << n) - 1); }
  static Vec load_part(const float* p, Part m) { return {_mm512_maskz_loadu_ps(m, p)}; }
  void store_part(float* p, Part m) const { _mm512_mask_storeu_ps(p, m, r); }
  void store_first(float* p, int n) const { _mm512_mask_storeu_ps(p, first(n), r); }
};

inline Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm512_add_ps(a.r, b.r)}; }
inline Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm512_sub_ps(a.r, b.r)}; }
inline Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm512_mul_ps(a.r, b.r)}; }
inline Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm512_div_ps(a.r, b.r)}; }
inline Vec<float>::Mask operator<(Vec<float> a, Vec<float> b) {
  return {_mm512_cmp_ps_mask(a.r, b.r, _CMP_LT_OQ)};
}

template <>
struct Vec<double> {
  static constexpr int kWidth = 8;
  struct Mask {
    __mmask8 m;
  };
  __m512d r;

  static __mmask8 first(int n) {
    return static_cast<__mmask8>(n >= 8 ? 0xff : n <= 0 ? 0 : (1 << n) - 1);
  }
  static Vec broadcast(double x) { return {_mm512_set1_pd(x)}; }
  static Vec load(const double* p) { return {_mm512_loadu_pd(p)}; }
  static Vec load_first(const double* p, int n) { return {_mm512_maskz_loadu_pd(first(n), p)}; }
  static Vec load_first(const double* p, int n, double fill) {
    return {_mm512_mask_loadu_pd(_mm512_set1_pd(fill), first(n), p)};
  }
  void store(double* p) const { _mm512_storeu_pd(p, r); }
  using Part = __mmask8;
  static Part part(int n) { return static_cast<__mmask8>((1 << n) - 1); }
  static Vec load_part(const double* p, Part m) { return {_mm512_maskz_loadu_pd(m, p)}; }
  void store_part(double* p, Part m) const { _mm512_mask_storeu_pd(p, m, r); }
  void store_first(double* p, int n) const { _mm512_mask_storeu_pd(p, first(n), r); }
};

inline Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm512_add_pd(a.r, b.r)}; }
inline Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm512_sub_pd(a.r, b.r)}; }
inline Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm512_mul_pd(a.r, b.r)}; }
inline Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm512_div_pd(a.r, b.r)}; }
inline Vec<double>::Mask operator<(Vec<double> a, Vec<double> b) {
  return {_mm512_cmp_pd_mask(a.r, b.r, _CMP_LT_OQ)};
}

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm512_fmadd_ps(a.r, b.r, c.r)};
}
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm512_fmadd_pd(a.r, b.r, c.r)};
}
inline Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm512_max_ps(a.r, b.r)}; }
inline Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm512_max_pd(a.r, b.r)}; }
inline Vec<float> sqrt(Vec<float> a) { return {_mm512_sqrt_ps(a.r)}; }
inline Vec<double> sqrt(Vec<double> a) { return {_mm512_sqrt_pd(a.r)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm512_min_ps(a.r, b.r)}; }
inline Vec<float> select(Vec<float>::Mask m, Vec<float> yes, Vec<float> no) {
  return {_mm512_mask_blend_ps(m.m, no.r, yes.r)};
}
inline Vec<double> select(Vec<double>::Mask m, Vec<double> yes, Vec<double> no) {
  return {_mm512_mask_blend_pd(m.m, no.r, yes.r)};
}
inline Vec<float> abs(Vec<float> a) { return {_mm512_andnot_ps(_mm512_set1_ps(-0.0f), a.r)}; }
inline Vec<float> copy_sign(Vec<float> size, Vec<float> sign) {
  const __m512i bit = _mm512_castps_si512(_mm512_set1_ps(-0.0f));  // 0xca: bit ? sign : size
  return {_mm512_castsi512_ps(_mm512_ternarylogic_epi32(bit, _mm512_castps_si512(sign.r),
                                                        _mm512_castps_si512(size.r), 0xca))};
}

// A piece is 128 bits: four rows lie in one register (j, j + 4, j + 8, j + 12 for float), brought
// there by masked broadcasts from memory, and unpacking transposes within its quarters.
template <class T>
constexpr int kPiece = 16 / static_cast<int>(sizeof(T));
inline __m512 load_four_pieces(const float* p, int64_t stride) {
  __m512 r = _mm512_castps128_ps512(_mm_loadu_ps(p));
  r = _mm512_mask_broadcast_f32x4(r, 0x00f0, _mm_loadu_ps(p + stride));
  r = _mm512_mask_broadcast_f32x4(r, 0x0f00, _mm_loadu_ps(p + 2 * stride));
  return _mm512_mask_broadcast_f32x4(r, 0xf000, _mm_loadu_ps(p + 3 * stride));
}
inline __m512d load_four_pieces(const double* p, int64_t stride) {
  __m512d r = _mm512_castpd128_pd512(_mm_loadu_pd(p));
  r = _mm512_mask_broadcast_f64x2(r, 0x0c, _mm_loadu_pd(p + stride));
  r = _mm512_mask_broadcast_f64x2(r, 0x30, _mm_loadu_pd(p + 2 * stride));
  return _mm512_mask_broadcast_f64x2(r, 0xc0, _mm_loadu_pd(p + 3 * stride));
}
inline void load_columns(const float* rows, int64_t stride, Vec<float>* out) {
  const __m512 r0 = load_four_pieces(rows, 4 * stride);
  const __m512 r1 = load_four_pieces(rows + stride, 4 * stride);
  const __m512 r2 = load_four_pieces(rows + 2 * stride, 4 * stride);
  const __m512 r3 = load_four_pieces(rows + 3 * stride, 4 * stride);
  const __m512d r01_low = _mm512_castps_pd(_mm512_unpacklo_ps(r0, r1));
  const __m512d r01_high = _mm512_castps_pd(_mm512_unpackhi_ps(r0, r1));
  const __m512d r23_low = _mm512_castps_pd(_mm512_unpacklo_ps(r2, r3));
  const __m512d r23_high = _mm512_castps_pd(_mm512_unpackhi_ps(r2, r3));
  out[0].r = _mm512_castpd_ps(_mm512_unpacklo_pd(r01_low, r23_low));
  out[1].r = _mm512_castpd_ps(_mm512_unpackhi_pd(r01_low, r23_low));
  out[2].r = _mm512_castpd_ps(_mm512_unpacklo_pd(r01_high, r23_high));
  out[3].r = _mm512_castpd_ps(_mm512_unpackhi_pd(r01_high, r23_high));
}
inline void load_columns(const double* rows, int64_t stride, Vec<double>* out) {
  const __m512d r0 = load_four_pieces(rows, 2 * stride);
  const __m512d r1 = load_four_pieces(rows + stride, 2 * stride);
  out[0].r = _mm512_unpacklo_pd(r0, r1);
  out[1].r = _mm512_unpackhi_pd(r0, r1);
}

inline Vec<float> pow2(Vec<float> k) {
  const __m512i field = _mm512_add_epi32(_mm512_cvttps_epi32(k.r), _mm512_set1_epi32(127));
  return {_mm512_castsi512_ps(_mm512_slli_epi32(field, 23))};
}

inline Vec<float> pow2_of_rounded(Vec<float> t) {
  return {_mm512_castsi512_ps(_mm512_slli_epi32(_mm512_castps_si512(t.r), 23))};
}
inline Vec<float> times_pow2(Vec<float> x, Vec<float> k) { return {_mm512_scalef_ps(x.r, k.r)}; }

// getexp(x) is the whole part of log2 |x|, -inf for 0; getmant gives NaN below 0.
inline void split_exponent(Vec<float> x, Vec<float>* m, Vec<float>* k) {
  m->r = _mm512_getmant_ps(x.r, _MM_MANT_NORM_p75_1p5, _MM_MANT_SIGN_nan);
  k->r = _mm512_sub_ps(_mm512_getexp_ps(x.r), _mm512_getexp_ps(m->r));
}

struct Index {
  __m512i i;
};
template <int kShift>
Index index_bits(Vec<float> x) {
  return {_mm512_srli_epi32(_mm512_castps_si512(x.r), kShift)};
}
inline Vec<float> lookup(const float* table, Index index) {  // twice the table: four bits count
  return {_mm512_permutexvar_ps(index.i, _mm512_broadcast_f32x8(_mm256_loadu_ps(table)))};
}

// The two folds of lanes.inl: halves of 16 lanes, of 8, of 4 and of 2 fall onto each other.
template <class Op>
Vec<float> fold(Vec<float> a) {
  a = Op::apply(a, Vec<float>{_mm512_shuffle_f32x4(a.r, a.r, 0x4e)});
  a = Op::apply(a, Vec<float>{_mm512_shuffle_f32x4(a.r, a.r, 0xb1)});
  a = Op::apply(a, Vec<float>{_mm512_permute_ps(a.r, 0x4e)});
  return Op::apply(a, Vec<float>{_mm512_permute_ps(a.r, 0xb1)});
}

// [a's first halves, b's first halves] Op [a's second halves, b's second halves], halves of 8 lanes
// or of 4: kFirst and kSecond choose them, in quarters of a register.
template <class Op, int kFirst, int kSecond>
Vec<float> fold_two(Vec<float> a, Vec<float> b) {
  return Op::apply(Vec<float>{_mm512_shuffle_f32x4(a.r, b.r, kFirst)},
                   Vec<float>{_mm512_shuffle_f32x4(a.r, b.r, kSecond)});
}

// Rows j, j + 4, j + 8 and j + 12 come to share a register, a quarter each; then j = 0 .. 3 do.
template <class Op>
Vec<float> fold_rows(const Vec<float>* row) {
  Vec<float> four[4];
  for (int j = 0; j < 4; ++j) {
    four[j] = fold_two<Op, 0x88, 0xdd>(fold_two<Op, 0x44, 0xee>(row[j], row[j + 4]),
                                       fold_two<Op, 0x44, 0xee>(row[j + 8], row[j + 12]));
  }
  for (int j = 0; j < 4; j += 2) {
    const __m512d a = _mm512_castps_pd(four[j].r), b = _mm512_castps_pd(four[j + 1].r);
    four[j] = Op::apply(Vec<float>{_mm512_castpd_ps(_mm512_unpacklo_pd(a, b))},
                        Vec<float>{_mm512_castpd_ps(_mm512_unpackhi_pd(a, b))});
  }
  return Op::apply(Vec<float>{_mm512_shuffle_ps(four[0].r, four[2].r, 0x88)},
                   Vec<float>{_mm512_shuffle_ps(four[0].r, four[2].r, 0xdd)});
}

// p where allowed, fill elsewhere; what is not allowed is not read.
inline Vec<float> load_where(const bool* allowed, const float* p, float fill) {
  const __m128i bytes = _mm_loadu_si128(reinterpret_cast<const __m128i*>(allowed));
  return {_mm512_mask_loadu_ps(_mm512_set1_ps(fill), _mm_test_epi8_mask(bytes, bytes), p)};
}
