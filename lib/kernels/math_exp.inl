// exp and log. How the coefficients were found: weighted least squares over 60 Chebyshev points of
// the interval, weights chosen for the relative error of the result, in 50-digit arithmetic; the
// lowest coefficient is rounded to a float, then those above it are fitted again, and so on.

// Adding kRound = 1.5 * 2^23 + 127 leaves no bits for a fraction, so x + kRound is x rounded to a
// whole number k, and its low bits are those of k + 127: the exponent field of 2^k.
constexpr float kRound = 12582912.0f + 127.0f;
constexpr float kLog2E = 1.44269504f;

// ln 2 in two parts: the first has 14 bits, so that its product with a whole number below 2^10 is
// exact.
constexpr float kLn2High = 0.693145752f, kLn2Low = 1.42860677e-6f;

// exp(r) = 1 + r + c2 r² + ... + c6 r⁶ for |r| <= ln 2 / 2: relative error 5.1e-9 (of exp(r) - 1:
// 1.4e-8, a fifth of half a unit in the last place).
constexpr float kExp2 = 0.49999997f, kExp3 = 0.16666542f, kExp4 = 0.0416675247f,
                kExp5 = 0.00836667884f, kExp6 = 0.00138624292f;

// ---- exp ----------------------------------------------------------------------------------------
//
//   reduce        x = k ln 2 + r,  k = round(x / ln 2),  |r| <= ln 2 / 2 = 0.347
//   approximate   exp(r) by the polynomial above
//   reconstruct   exp(x) = 2^k exp(r), rounded once, also where that is subnormal
//
// exp(x - k ln 2), the first two steps.
template <class V>
V exp_reduced(V x, V k) {
  V r = fma(k, constant<V>(-kLn2High), x);
  r = fma(k, constant<V>(-kLn2Low), r);
  V p = constant<V>(kExp6);
  p = fma(p, r, constant<V>(kExp5));
  p = fma(p, r, constant<V>(kExp4));
  p = fma(p, r, constant<V>(kExp3));
  p = fma(p, r, constant<V>(kExp2));
  p = fma(p, r, constant<V>(1.0f));
  return fma(p, r, constant<V>(1.0f));
}

// Below -104 the result is 0, above 89 infinity: clamping there keeps k in range. NaN is neither
// smaller nor larger than a bound, and min and max return their second operand then.
template <class V>
V exp_between(float low, float high, V x) {
  x = max(constant<V>(low), min(constant<V>(high), x));
  const V k = fma(x, constant<V>(kLog2E), constant<V>(kRound)) - constant<V>(kRound);
  return times_pow2(exp_reduced(x, k), k);
}
template <class V>
V exp(V x) {
  return exp_between(-104.0f, 89.0f, x);
}

// ---- log ----------------------------------------------------------------------------------------
//
//   reduce        x = m 2^k,  m in [3/4, 3/2),  f = m - 1, exact
//   approximate   ln m = f - f²/2 + f³ R(f),  R of degree 7: relative error 5.7e-9
//   reconstruct   ln x = k ln 2 + ln m, the largest part last
//
// The special values need no care here: k is -inf for 0, inf for inf and NaN below 0.
template <class V>
V log(V x) {
  V m, k;
  split_exponent(x, &m, &k);
  const V f = m - constant<V>(1.0f), square = f * f;
  V p = constant<V>(-0.0444467776f);
  p = fma(p, f, constant<V>(0.104018509f));
  p = fma(p, f, constant<V>(-0.131546497f));
  p = fma(p, f, constant<V>(0.144861832f));
  p = fma(p, f, constant<V>(-0.166485876f));
  p = fma(p, f, constant<V>(0.199904874f));
  p = fma(p, f, constant<V>(-0.250000566f));
  p = fma(p, f, constant<V>(0.333334565f));
  p = fma(p, f, constant<V>(-0.5f));
  const V tail = fma(p, square, k * constant<V>(kLn2Low));
  return fma(k, constant<V>(kLn2High), f + tail);
}
