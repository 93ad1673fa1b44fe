// erf, gelu and its slope: functions of the normal distribution. Their polynomials are in pieces.h,
// by intervals; a table lookup within a register finds the coefficients of each lane.

template <class V, class I>
V piecewise(const Pieces& pieces, I interval, V a) {
  const V d = a - lookup(pieces.centre, interval);
  V p = lookup(pieces.c[7], interval);
  for (int i = 6; i > 0; --i) p = fma(p, d, lookup(pieces.c[i], interval));
  return fma(p, d, fma(lookup(pieces.head, interval), d, lookup(pieces.c[0], interval)));
}

// ---- erf ----------------------------------------------------------------------------------------
//
// The interval of a = |x| is numbered by the first three fraction bits of a + 4, in [4, 8). Beyond
// 3.92 erf rounds to 1; we clamp before a + 4 reaches 8.
template <class V>
V erf(V x) {
  const V a = min(constant<V>(3.96875f), abs(x));
  return copy_sign(piecewise(kErf, index_bits<20>(a + constant<V>(4.0f)), a), x);
}

// ---- gelu ---------------------------------------------------------------------------------------
//
//   gelu x = x Φ(x) = max(x, 0) - h(|x|),   h(a) = a Φ(-a)     since Φ(x) = 1 - Φ(-x)
//
// For x < 0 the result is -h, and 1 + erf(x/√2), which cancels, is never formed. For x > 0 at most
// half of x is taken away.
//
//   reduce        exp(-a²/2) = 2^k exp(-r/2),  r = a² + k 2 ln 2, in which fma keeps a² exact
//   approximate   s = exp(-r/2) - 1, the coefficients of exp;  w = a Φ(-a) exp(a²/2), by pieces
//   reconstruct   h = (w + w s) 2^k
//
// Beyond 14.5 h is 0; we clamp before 2a + 2 reaches 32.
template <class V>
struct NormalTail {
  V a, k, s;
};

template <class V>
NormalTail<V> reduce_normal_tail(V x) {
  const V a = min(constant<V>(14.875f), abs(x));
  const V t = fma(a * constant<V>(-0.5f * kLog2E), a, constant<V>(kRound));
  const V k = t - constant<V>(kRound);
  V r = fma(a, a, k * constant<V>(2 * kLn2High));
  r = fma(k, constant<V>(2 * kLn2Low), r);
  V p = constant<V>(kExp6 / 64);
  p = fma(p, r, constant<V>(-kExp5 / 32));
  p = fma(p, r, constant<V>(kExp4 / 16));
  p = fma(p, r, constant<V>(-kExp3 / 8));
  p = fma(p, r, constant<V>(kExp2 / 4));
  const V s = fma(r * r, p, constant<V>(-0.5f) * r);
  return {a, k, s};
}

template <class V>
V relu(V x) {
  return max(constant<V>(0.0f), x);
}

template <class V>
V by_interval(const Pieces& pieces, V a) {
  return piecewise(pieces, index_bits<22>(fma(a, constant<V>(2.0f), constant<V>(2.0f))), a);
}

template <class V>
V gelu(V x) {
  const NormalTail<V> tail = reduce_normal_tail(x);
  const V w = by_interval(kNormalTail, tail.a);
  return relu(x) - times_pow2(fma(w, tail.s, w), tail.k);
}

//   gelu' x = Φ(x) + x φ(x);   for x < 0 that is q(|x|), q(a) = Φ(-a) - a φ(a), for x > 0 1 - q(x)
template <class V>
V gelu_slope(V x) {
  const NormalTail<V> tail = reduce_normal_tail(x);
  const V w = by_interval(kNormalTailSlope, tail.a);
  const V q = times_pow2(fma(w, tail.s, w), tail.k);
  return select(x < constant<V>(0.0f), q, constant<V>(1.0f) - q);
}
