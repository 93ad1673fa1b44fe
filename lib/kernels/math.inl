// exp, log, tanh, sigmoid, erf and gelu of a register of floats. Each has three steps: reduce the
// argument to a small interval, approximate there by a polynomial, reconstruct. Only correctly
// rounded operations are used (no estimates), so every instruction set gives the same bits.
// In double precision the standard library's functions are applied lane by lane.

inline Vec<float> constant(float x) { return Vec<float>::broadcast(x); }

// The nearest whole number, for |x| < 2^22: adding 1.5 * 2^23 leaves no bits for a fraction.
inline Vec<float> round(Vec<float> x) { return x + constant(12582912.0f) - constant(12582912.0f); }

// The result, but x where x is not a number: NaN is neither below 1 nor above 0.
inline Vec<float> keep_nan(Vec<float> x, Vec<float> result) {
  return select(x < constant(1.0f), result, select(constant(0.0f) < x, result, x));
}

// ---- exp ----------------------------------------------------------------------------------------
//
//   reduce        x = k ln 2 + r,  k = round(x / ln 2),  |r| <= ln 2 / 2 = 0.347
//   approximate   (exp(r) - 1) / r = 1 + r/2! + r²/3! + ... + r⁶/7!,  relative error below 6e-9
//   reconstruct   exp(x) = 2^k exp(r), by two factors since 2^k alone may over- or underflow
//
// ln 2 is the sum of a short constant, whose product with k is exact, and the rest.
struct ExpParts {
  Vec<float> k, r, series;  // series = (exp(r) - 1) / r
};

inline ExpParts reduce_exp(Vec<float> x) {
  const Vec<float> k = round(x * constant(1.44269504f));
  Vec<float> r = fma(k, constant(-0.693359375f), x);
  r = fma(k, constant(2.12194440e-4f), r);
  Vec<float> p = constant(1.0f / 5040);
  p = fma(p, r, constant(1.0f / 720));
  p = fma(p, r, constant(1.0f / 120));
  p = fma(p, r, constant(1.0f / 24));
  p = fma(p, r, constant(1.0f / 6));
  p = fma(p, r, constant(0.5f));
  p = fma(p, r, constant(1.0f));
  return {k, r, p};
}

// Below -104 the result is 0, above 89 infinity: clamping there keeps k small. NaN is put back
// last.
inline Vec<float> exp(Vec<float> x) {
  Vec<float> clamped = select(x < constant(89.0f), x, constant(89.0f));
  clamped = select(constant(-104.0f) < clamped, clamped, constant(-104.0f));
  const ExpParts e = reduce_exp(clamped);
  const Vec<float> half = round(e.k * constant(0.5f));
  const Vec<float> value = fma(e.series, e.r, constant(1.0f));
  return keep_nan(x, value * pow2(half) * pow2(e.k - half));
}

// ---- log ----------------------------------------------------------------------------------------
//
//   reduce        x = m 2^k,  m in [√½, √2),  f = m - 1,  s = f / (2 + f),  |s| <= 0.172
//   approximate   ln m = 2 artanh s = 2s + s R,   R = 2 (s²/3 + s⁴/5 + s⁶/7 + s⁸/9)
//                 and, since 2s = f - s f,  ln m = f - (f²/2 - s (f²/2 + R)):  f is exact
//   reconstruct   ln x = k ln 2 + ln m
inline Vec<float> log(Vec<float> x) {
  const Vec<float> zero = constant(0.0f), smallest_normal = constant(1.17549435e-38f);
  const auto subnormal = x < smallest_normal;
  Vec<float> m, k;
  split_exponent(select(subnormal, x * constant(33554432.0f), x), &m, &k);  // 2^25
  k = select(subnormal, k - constant(25.0f), k);
  const Vec<float> f = m - constant(1.0f);
  const Vec<float> s = f / (constant(2.0f) + f), z = s * s;
  Vec<float> p = constant(2.0f / 9);
  p = fma(p, z, constant(2.0f / 7));
  p = fma(p, z, constant(2.0f / 5));
  p = fma(p, z, constant(2.0f / 3));
  const Vec<float> half_square = constant(0.5f) * f * f;
  const Vec<float> tail = fma(s, fma(p, z, half_square), k * constant(-2.12194440e-4f));
  const Vec<float> result = fma(k, constant(0.693359375f), f - (half_square - tail));
  const Vec<float> infinity = constant(__builtin_inff());
  const Vec<float> positive = select(zero < x, result, zero - infinity);  // ln 0 = -inf
  const Vec<float> bounded = select(x < infinity, positive, x);           // inf and NaN: themselves
  return select(x < zero, constant(__builtin_nanf("")), bounded);
}

// ---- tanh and sigmoid ---------------------------------------------------------------------------
//
//   tanh |x| = -e / (e + 2)  with  e = exp(-2|x|) - 1 = 2^k (exp(r) - 1) + (2^k - 1),
// which loses nothing near 0, where k = 0 and e is the series itself.
inline Vec<float> tanh(Vec<float> x) {
  const Vec<float> size = abs(x);
  const Vec<float> clamped = select(size < constant(10.0f), size, constant(10.0f));
  const ExpParts part = reduce_exp(constant(-2.0f) * clamped);
  const Vec<float> scale = pow2(part.k);
  const Vec<float> e = fma(scale, part.series * part.r, scale - constant(1.0f));
  return keep_nan(x, copy_sign((constant(0.0f) - e) / (e + constant(2.0f)), x));
}

//   sigmoid x = 1 / (1 + exp(-x)) = exp(x) / (1 + exp(x)), the latter for x < 0: no overflow
inline Vec<float> sigmoid(Vec<float> x) {
  const Vec<float> one = constant(1.0f);
  const Vec<float> e = exp(constant(0.0f) - abs(x));
  return select(x < constant(0.0f), e, one) / (one + e);
}

// ---- erf and gelu -------------------------------------------------------------------------------
//
//   |x| < 1    erf x = x P(x²), P of degree 6 fitted to erf(√z)/√z on [0, 1]: relative error 1.3e-9
//   |x| >= 1   erf x = 1 - exp(G(|x| - 2.5)), G of degree 8 fitted to ln erfc on [0.95, 4]: 2e-9
//              beyond 4 the result rounds to 1
// Both polynomials interpolate at Chebyshev points.
inline Vec<float> erf(Vec<float> x) {
  const Vec<float> size = abs(x);
  const Vec<float> z = x * x;
  Vec<float> p = constant(7.875875050e-5f);
  p = fma(p, z, constant(-8.016864283e-4f));
  p = fma(p, z, constant(5.189087423e-3f));
  p = fma(p, z, constant(-2.685421201e-2f));
  p = fma(p, z, constant(1.128359472e-1f));
  p = fma(p, z, constant(-3.761262667e-1f));
  p = fma(p, z, constant(1.128379166e+0f));
  const Vec<float> clamped = select(size < constant(4.0f), size, constant(4.0f));
  const Vec<float> u = clamped - constant(2.5f);
  Vec<float> g = constant(1.642678969e-6f);
  g = fma(g, u, constant(-1.331120579e-5f));
  g = fma(g, u, constant(7.726235407e-5f));
  g = fma(g, u, constant(-4.201344945e-4f));
  g = fma(g, u, constant(2.165350435e-3f));
  g = fma(g, u, constant(-1.085853182e-2f));
  g = fma(g, u, constant(-9.438937275e-1f));
  g = fma(g, u, constant(-5.352680676e+0f));
  g = fma(g, u, constant(-7.806815271e+0f));
  const Vec<float> tail = copy_sign(constant(1.0f) - exp(g), x);
  return keep_nan(x, select(size < constant(1.0f), x * p, tail));
}

//   gelu x = x Φ(x),  Φ(x) = (1 + erf(x / √2)) / 2
inline Vec<float> normal_distribution(Vec<float> x) {
  return fma(erf(x * constant(0.707106781f)), constant(0.5f), constant(0.5f));
}
inline Vec<float> gelu(Vec<float> x) { return x * normal_distribution(x); }

//   gelu' x = Φ(x) + x φ(x),  φ(x) = exp(-x²/2) / √(2π)
inline Vec<float> gelu_slope(Vec<float> x) {
  const Vec<float> density = constant(0.398942280f) * exp(constant(-0.5f) * x * x);
  return fma(x, density, normal_distribution(x));
}

// ---- double precision: the standard library, lane by lane ---------------------------------------

template <double (*f)(double)>
Vec<double> each_lane(Vec<double> v) {
  double lane[Vec<double>::kWidth];
  v.store(lane);
  for (int i = 0; i < Vec<double>::kWidth; ++i) lane[i] = f(lane[i]);
  return Vec<double>::load(lane);
}

inline Vec<double> exp(Vec<double> x) { return each_lane<::exp>(x); }
inline Vec<double> log(Vec<double> x) { return each_lane<::log>(x); }
inline Vec<double> tanh(Vec<double> x) { return each_lane<::tanh>(x); }
inline Vec<double> sigmoid(Vec<double> x) { return each_lane<scalar_sigmoid>(x); }
inline Vec<double> erf(Vec<double> x) { return each_lane<::erf>(x); }
inline Vec<double> gelu(Vec<double> x) { return each_lane<scalar_gelu>(x); }
inline Vec<double> gelu_slope(Vec<double> x) { return each_lane<scalar_gelu_slope>(x); }
