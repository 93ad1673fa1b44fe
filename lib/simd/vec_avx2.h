// Vec for AVX2 + FMA: registers of 8 floats or 4 doubles. Each function computes what vec_scalar.h
// computes, in every lane. Included inside the namespace of its instruction set.

constexpr int kRegisterCount = 16;

template <class T>
struct Vec;

inline __m256i first_lanes_32(int n) {  // all ones in lanes 0 .. n-1
  return _mm256_cmpgt_epi32(_mm256_set1_epi32(n), _mm256_setr_epi32(0, 1, 2, 3, 4, 5, 6, 7));
}
inline __m256i first_lanes_64(int n) {
  return _mm256_cmpgt_epi64(_mm256_set1_epi64x(n), _mm256_setr_epi64x(0, 1, 2, 3));
}

template <>
struct Vec<float> {
  static constexpr int kWidth = 8;
  struct Mask {
    __m256 m;
  };
  __m256 r;

  static Vec broadcast(float x) { return {_mm256_set1_ps(x)}; }
  static Vec load(const float* p) { return {_mm256_loadu_ps(p)}; }
  static Vec load_first(const float* p, int n) {
    return {_mm256_maskload_ps(p, first_lanes_32(n))};
  }
  static Vec load_first(const float* p, int n, float fill) {
    const __m256i first = first_lanes_32(n);
    return {_mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, first),
                             _mm256_castsi256_ps(first))};
  }
  void store(float* p) const { _mm256_storeu_ps(p, r); }
  using Part = __m256i;
  static Part part(int n) { return first_lanes_32(n); }
  static Vec load_part(const float* p, Part m) { return {_mm256_maskload_ps(p, m)}; }
  void store_part(float* p, Part m) const { _mm256_maskstore_ps(p, m, r); }
  void store_first(float* p, int n) const { _mm256_maskstore_ps(p, first_lanes_32(n), r); }
};

inline Vec<float> operator+(Vec<float> a, Vec<float> b) { return {_mm256_add_ps(a.r, b.r)}; }
inline Vec<float> operator-(Vec<float> a, Vec<float> b) { return {_mm256_sub_ps(a.r, b.r)}; }
inline Vec<float> operator*(Vec<float> a, Vec<float> b) { return {_mm256_mul_ps(a.r, b.r)}; }
inline Vec<float> operator/(Vec<float> a, Vec<float> b) { return {_mm256_div_ps(a.r, b.r)}; }
inline Vec<float>::Mask operator<(Vec<float> a, Vec<float> b) {
  return {_mm256_cmp_ps(a.r, b.r, _CMP_LT_OQ)};
}

template <>
struct Vec<double> {
  static constexpr int kWidth = 4;
  struct Mask {
    __m256d m;
  };
  __m256d r;

  static Vec broadcast(double x) { return {_mm256_set1_pd(x)}; }
  static Vec load(const double* p) { return {_mm256_loadu_pd(p)}; }
  static Vec load_first(const double* p, int n) {
    return {_mm256_maskload_pd(p, first_lanes_64(n))};
  }
  static Vec load_first(const double* p, int n, double fill) {
    const __m256i first = first_lanes_64(n);
    return {_mm256_blendv_pd(_mm256_set1_pd(fill), _mm256_maskload_pd(p, first),
                             _mm256_castsi256_pd(first))};
  }
  void store(double* p) const { _mm256_storeu_pd(p, r); }
  using Part = __m256i;
  static Part part(int n) { return first_lanes_64(n); }
  static Vec load_part(const double* p, Part m) { return {_mm256_maskload_pd(p, m)}; }
  void store_part(double* p, Part m) const { _mm256_maskstore_pd(p, m, r); }
  void store_first(double* p, int n) const { _mm256_maskstore_pd(p, first_lanes_64(n), r); }
};

inline Vec<double> operator+(Vec<double> a, Vec<double> b) { return {_mm256_add_pd(a.r, b.r)}; }
inline Vec<double> operator-(Vec<double> a, Vec<double> b) { return {_mm256_sub_pd(a.r, b.r)}; }
inline Vec<double> operator*(Vec<double> a, Vec<double> b) { return {_mm256_mul_pd(a.r, b.r)}; }
inline Vec<double> operator/(Vec<double> a, Vec<double> b) { return {_mm256_div_pd(a.r, b.r)}; }
inline Vec<double>::Mask operator<(Vec<double> a, Vec<double> b) {
  return {_mm256_cmp_pd(a.r, b.r, _CMP_LT_OQ)};
}

inline Vec<float> fma(Vec<float> a, Vec<float> b, Vec<float> c) {
  return {_mm256_fmadd_ps(a.r, b.r, c.r)};
}
inline Vec<double> fma(Vec<double> a, Vec<double> b, Vec<double> c) {
  return {_mm256_fmadd_pd(a.r, b.r, c.r)};
}
inline Vec<float> max(Vec<float> a, Vec<float> b) { return {_mm256_max_ps(a.r, b.r)}; }
inline Vec<double> max(Vec<double> a, Vec<double> b) { return {_mm256_max_pd(a.r, b.r)}; }
inline Vec<float> sqrt(Vec<float> a) { return {_mm256_sqrt_ps(a.r)}; }
inline Vec<double> sqrt(Vec<double> a) { return {_mm256_sqrt_pd(a.r)}; }
inline Vec<float> min(Vec<float> a, Vec<float> b) { return {_mm256_min_ps(a.r, b.r)}; }
inline Vec<float> select(Vec<float>::Mask m, Vec<float> yes, Vec<float> no) {
  return {_mm256_blendv_ps(no.r, yes.r, m.m)};
}
inline Vec<double> select(Vec<double>::Mask m, Vec<double> yes, Vec<double> no) {
  return {_mm256_blendv_pd(no.r, yes.r, m.m)};
}
inline Vec<float> abs(Vec<float> a) { return {_mm256_andnot_ps(_mm256_set1_ps(-0.0f), a.r)}; }
inline Vec<float> copy_sign(Vec<float> size, Vec<float> sign) {
  const __m256 bit = _mm256_set1_ps(-0.0f);
  return {_mm256_or_ps(_mm256_andnot_ps(bit, size.r), _mm256_and_ps(bit, sign.r))};
}

// A piece is 128 bits: two rows lie in one register, and unpacking (taking lanes of two registers
// in turn) transposes within its halves.
template <class T>
constexpr int kPiece = 16 / static_cast<int>(sizeof(T));
inline __m256 load_two_pieces(const float* low, const float* high) {
  return _mm256_insertf128_ps(_mm256_castps128_ps256(_mm_loadu_ps(low)), _mm_loadu_ps(high), 1);
}
inline void load_columns(const float* rows, int64_t stride, Vec<float>* out) {
  const float* const high = rows + 4 * stride;
  const __m256 r0 = load_two_pieces(rows, high);
  const __m256 r1 = load_two_pieces(rows + stride, high + stride);
  const __m256 r2 = load_two_pieces(rows + 2 * stride, high + 2 * stride);
  const __m256 r3 = load_two_pieces(rows + 3 * stride, high + 3 * stride);
  const __m256d r01_low = _mm256_castps_pd(_mm256_unpacklo_ps(r0, r1));
  const __m256d r01_high = _mm256_castps_pd(_mm256_unpackhi_ps(r0, r1));
  const __m256d r23_low = _mm256_castps_pd(_mm256_unpacklo_ps(r2, r3));
  const __m256d r23_high = _mm256_castps_pd(_mm256_unpackhi_ps(r2, r3));
  out[0].r = _mm256_castpd_ps(_mm256_unpacklo_pd(r01_low, r23_low));
  out[1].r = _mm256_castpd_ps(_mm256_unpackhi_pd(r01_low, r23_low));
  out[2].r = _mm256_castpd_ps(_mm256_unpacklo_pd(r01_high, r23_high));
  out[3].r = _mm256_castpd_ps(_mm256_unpackhi_pd(r01_high, r23_high));
}
inline void load_columns(const double* rows, int64_t stride, Vec<double>* out) {
  const double* const high = rows + 2 * stride;
  const __m256d r0 =
      _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(rows)), _mm_loadu_pd(high), 1);
  const __m256d r1 = _mm256_insertf128_pd(_mm256_castpd128_pd256(_mm_loadu_pd(rows + stride)),
                                          _mm_loadu_pd(high + stride), 1);
  out[0].r = _mm256_unpacklo_pd(r0, r1);
  out[1].r = _mm256_unpackhi_pd(r0, r1);
}

inline Vec<float> pow2(Vec<float> k) {
  const __m256i field = _mm256_add_epi32(_mm256_cvttps_epi32(k.r), _mm256_set1_epi32(127));
  return {_mm256_castsi256_ps(_mm256_slli_epi32(field, 23))};
}

inline Vec<float> pow2_of_rounded(Vec<float> t) {
  return {_mm256_castsi256_ps(_mm256_slli_epi32(_mm256_castps_si256(t.r), 23))};
}
inline Vec<float> times_pow2(Vec<float> x, Vec<float> k) {
  const __m256 t = _mm256_add_ps(k.r, _mm256_set1_ps(12582912.0f + 254.0f));
  const __m256i sum = _mm256_castps_si256(t), half = _mm256_srli_epi32(sum, 1);
  const __m256i rest = _mm256_sub_epi32(sum, half);
  const __m256 once = _mm256_mul_ps(x.r, _mm256_castsi256_ps(_mm256_slli_epi32(half, 23)));
  return {_mm256_mul_ps(once, _mm256_castsi256_ps(_mm256_slli_epi32(rest, 23)))};
}

inline void split_exponent(Vec<float> x, Vec<float>* m, Vec<float>* k) {
  const Vec<float> zero = Vec<float>::broadcast(0), inf = Vec<float>::broadcast(__builtin_inff());
  const Vec<float>::Mask subnormal = x < Vec<float>::broadcast(1.17549435e-38f);
  const Vec<float> normal = select(subnormal, x * Vec<float>::broadcast(33554432.0f), x);
  const __m256i bits = _mm256_castps_si256(normal.r);
  const __m256i whole =
      _mm256_srai_epi32(_mm256_sub_epi32(bits, _mm256_set1_epi32(0x3f400000)), 23);
  m->r = _mm256_castsi256_ps(_mm256_sub_epi32(bits, _mm256_slli_epi32(whole, 23)));
  const Vec<float> exponent = {_mm256_cvtepi32_ps(whole)};
  *k = select(subnormal, exponent - Vec<float>::broadcast(25.0f), exponent);
  *k = select(x < inf, *k, x);
  *k = select(zero < x, *k, select(x < zero, Vec<float>::broadcast(__builtin_nanf("")), x - inf));
}

struct Index {
  __m256i i;
};
template <int kShift>
Index index_bits(Vec<float> x) {
  return {_mm256_srli_epi32(_mm256_castps_si256(x.r), kShift)};
}
inline Vec<float> lookup(const float* table, Index index) {
  return {_mm256_permutevar8x32_ps(_mm256_loadu_ps(table), index.i)};
}

// The two folds of lanes.inl: halves of 8 lanes, of 4 and of 2 fall onto each other.
template <class Op>
Vec<float> fold(Vec<float> a) {
  a = Op::apply(a, Vec<float>{_mm256_permute2f128_ps(a.r, a.r, 1)});
  a = Op::apply(a, Vec<float>{_mm256_permute_ps(a.r, 0x4e)});
  return Op::apply(a, Vec<float>{_mm256_permute_ps(a.r, 0xb1)});
}

// Rows j and j + 4 share a register first, then rows j and j + 1, then all four pairs.
template <class Op>
Vec<float> fold_rows(const Vec<float>* row) {
  Vec<float> pair[4];
  for (int j = 0; j < 4; ++j) {
    const __m256 a = row[j].r, b = row[j + 4].r;
    pair[j] = Op::apply(Vec<float>{_mm256_permute2f128_ps(a, b, 0x20)},
                        Vec<float>{_mm256_permute2f128_ps(a, b, 0x31)});
  }
  for (int j = 0; j < 4; j += 2) {
    const __m256d a = _mm256_castps_pd(pair[j].r), b = _mm256_castps_pd(pair[j + 1].r);
    pair[j] = Op::apply(Vec<float>{_mm256_castpd_ps(_mm256_unpacklo_pd(a, b))},
                        Vec<float>{_mm256_castpd_ps(_mm256_unpackhi_pd(a, b))});
  }
  return Op::apply(Vec<float>{_mm256_shuffle_ps(pair[0].r, pair[2].r, 0x88)},
                   Vec<float>{_mm256_shuffle_ps(pair[0].r, pair[2].r, 0xdd)});
}

// p where allowed, fill elsewhere; what is not allowed is not read.
inline Vec<float> load_where(const bool* allowed, const float* p, float fill) {
  const __m128i bytes = _mm_loadl_epi64(reinterpret_cast<const __m128i*>(allowed));
  const __m256i lanes = _mm256_cmpgt_epi32(_mm256_cvtepu8_epi32(bytes), _mm256_setzero_si256());
  return {_mm256_blendv_ps(_mm256_set1_ps(fill), _mm256_maskload_ps(p, lanes),
                           _mm256_castsi256_ps(lanes))};
}
