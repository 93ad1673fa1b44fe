// sigmoid, tanh and the tanh form of gelu: quotients of exponentials. Written so that nothing
// cancels or overflows, and with as few roundings as possible: each may cost one unit in the last
// place.

// ---- sigmoid ------------------------------------------------------------------------------------
//
//   sigmoid x = 1 / (1 + exp(-x))
//
//   reduce        x = k ln 2 + r, as for exp
//   approximate   exp(-r) = 1 - r P(r),  P = 1 - c2 r + c3 r² - ..., the coefficients of exp
//   reconstruct   sigmoid x = 2^k / (2^k + exp(-r)):  the sum is the last fma of the polynomial,
//                 and the power of two above is applied last, so that tiny results stay exact
//
// Below -104 the result is 0, beyond 17.4 it is 1; at 18.5 we clamp.
//
// The sum 2^k + 1 is exact for |k| < 24. At k = -24 it is 1 and what is lost counts; it is made
// good for by exp(-(r - lost)) = exp(-r) + lost, nearly.
template <class V>
struct OnePlusPow2 {
  V sum, lost;
};
template <class V>
OnePlusPow2<V> one_plus_pow2(V t) {
  const V one = constant<V>(1.0f);
  const V scale = pow2_of_rounded(max(constant<V>(kRound - 126.0f), t));  // 2^k, but normal
  const V sum = scale + one;
  return {sum, scale - (sum - one)};
}

template <class V>
V sigmoid(V x) {
  x = max(constant<V>(-104.0f), min(constant<V>(18.5f), x));
  const V t = fma(x, constant<V>(kLog2E), constant<V>(kRound)), k = t - constant<V>(kRound);
  V r = fma(k, constant<V>(-kLn2High), x);
  const OnePlusPow2<V> head = one_plus_pow2(t);
  r = fma(k, constant<V>(-kLn2Low), r) - head.lost;
  V p = constant<V>(kExp6);
  p = fma(p, r, constant<V>(-kExp5));
  p = fma(p, r, constant<V>(kExp4));
  p = fma(p, r, constant<V>(-kExp3));
  p = fma(p, r, constant<V>(kExp2));
  p = fma(p, r, constant<V>(-1.0f));
  return times_pow2(constant<V>(1.0f) / fma(p, r, head.sum), k);
}

// ---- tanh ---------------------------------------------------------------------------------------
//
//   tanh a = (exp(2a) - 1) / (exp(2a) + 1),   a = |x|
//
//   reduce        2a = k ln 2 + 2r,  so  exp(2a) = 2^k exp(2r),  |r| <= 0.174
//   approximate   s = (1 - exp(-2r)) / 2 = r - r² (2 c2 - 4 c3 r + ...), the coefficients of exp
//   reconstruct   tanh a = (2^k - exp(-2r)) / (2^k + exp(-2r))
//                        = ((2^k - 1) / 2 + s) / ((2^k + 1) / 2 - s),  then the sign of x
//
// Near 0, k = 0, and s / (1 - s) loses no digit. Beyond 9.01 the result is 1; at 10 we clamp.
template <class V>
V tanh(V x) {
  const V a = min(constant<V>(10.0f), abs(x)), half = constant<V>(0.5f);
  const V t = fma(a, constant<V>(2 * kLog2E), constant<V>(kRound)), k = t - constant<V>(kRound);
  V r = fma(k, constant<V>(-0.5f * kLn2High), a);
  r = fma(k, constant<V>(-0.5f * kLn2Low), r);
  V p = constant<V>(-32 * kExp6);
  p = fma(p, r, constant<V>(16 * kExp5));
  p = fma(p, r, constant<V>(-8 * kExp4));
  p = fma(p, r, constant<V>(4 * kExp3));
  p = fma(p, r, constant<V>(-2 * kExp2));
  const V s = fma(r * r, p, r), scale = pow2_of_rounded(t);
  const V above = fma(scale, half, constant<V>(-0.5f)) + s;
  const V below = fma(scale, half, half) - s;
  return copy_sign(above / below, x);
}

// ---- backward: dx from the result y, and dy -----------------------------------------------------

// (1 - y)(1 + y) rather than 1 - y²: where y is nearly 1, 1 - y is exact and the rounded y² is not.
template <class V>
V tanh_backward(V y, V dy) {
  const V one = V::broadcast(1);
  return dy * ((one - y) * (one + y));
}
template <class V>
V sigmoid_backward(V y, V dy) {
  return dy * (y * (V::broadcast(1) - y));
}

// ---- gelu, the tanh form ------------------------------------------------------------------------
//
//   gelu_tanh x = x (1 + tanh(√(2/π) (x + 0.044715 x³))) / 2 = x sigmoid(u),
//   u = 2 √(2/π) 0.044715 x (x² + C) = c x (x² + C),   c = 0.0713548163,  C = 1 / 0.044715
//
//   reduce        u / c = k (ln 2 / c) + r.  At x = -10 u is -87: an error of half a unit in its
//                 last place would be one of 32 units in exp(u). So x² + C = high + low, where high
//                 is a multiple of 1/256 and low = x² + (C - high) is one fma, which rounds only
//                 the small difference; and likewise r = x high - k (ln 2 / c) + x low
//   approximate   exp(-c r) = 1 - r P(r), a polynomial of degree 6 in r: relative error 4.7e-9
//   reconstruct   x 2^k / (2^k + exp(-c r)), as for sigmoid
//
// Below -11 the result is 0, from 5.25 on it is x.
constexpr float kGeluRound = 49152.0f;    // 1.5 * 2^15: adding it leaves 8 binary places
constexpr float kGeluHigh = 22.3632812f;  // C to 8 binary places
constexpr float kGeluLow = 5.78752253e-4f;

template <class V>
struct GeluTanhParts {
  V k, r, p;  // exp(-c r) = 1 + r p
  V denominator;
};

// REQUIRES: x in [-11, 6], or NaN.
template <class V>
GeluTanhParts<V> gelu_tanh_parts(V x) {
  const V shift = constant<V>(kGeluRound + kGeluHigh), shifted = fma(x, x, shift);
  const V high = shifted - constant<V>(kGeluRound);
  const V low = fma(x, x, shift - shifted) + constant<V>(kGeluLow);
  const V t = fma(x * constant<V>(0.102943242f), high, constant<V>(kRound));  // u / ln 2
  const V k = t - constant<V>(kRound);
  const OnePlusPow2<V> head = one_plus_pow2(t);
  V rest = fma(k, constant<V>(-2.23840529e-4f), x * low);
  rest = fma(min(constant<V>(0x1p-24f), head.lost), constant<V>(-14.0144710f), rest);  // lost / c
  const V r = fma(x, high, k * constant<V>(-9.71386719f)) + rest;  // 15 bits of ln 2 / c
  V p = constant<V>(1.8393688e-10f);
  p = fma(p, r, constant<V>(-1.55017261e-08f));
  p = fma(p, r, constant<V>(1.08013978e-06f));
  p = fma(p, r, constant<V>(-6.05493915e-05f));
  p = fma(p, r, constant<V>(0.00254575489f));
  p = fma(p, r, constant<V>(-0.0713548213f));
  return {k, r, p, fma(p, r, head.sum)};
}

template <class V>
V gelu_tanh(V x) {
  x = max(constant<V>(-11.0f), x);
  const GeluTanhParts<V> e = gelu_tanh_parts(min(constant<V>(5.25f), x));
  return times_pow2(x / e.denominator, e.k);
}

//   gelu_tanh' x = σ + x σ (1 - σ) u' = σ (1 + x u' (1 - σ)),   σ = sigmoid(u),  u' = c (3 x² + C),
//   σ = 2^k / (2^k + exp(-c r)),   1 - σ = exp(-c r) / (2^k + exp(-c r))
template <class V>
V gelu_tanh_slope(V x) {
  const V one = constant<V>(1.0f);
  x = max(constant<V>(-11.0f), min(constant<V>(6.0f), x));
  const GeluTanhParts<V> e = gelu_tanh_parts(x);
  const V inverse = one / e.denominator, rest = fma(e.p, e.r, one) * inverse;  // 1 - σ
  const V slope_of_u = fma(x * constant<V>(0.214064449f), x, constant<V>(1.59576917f));
  return times_pow2(inverse * fma(x * slope_of_u, rest, one), e.k);
}
