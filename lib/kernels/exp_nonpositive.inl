// exp for arguments that are at most 0, or NaN: what softmax needs. The steps are those of exp in
// math.inl, but the range is smaller, so fewer are needed.
//
//   reduce        t = x / ln 2 + (1.5 * 2^23 + 127): the addition rounds to a whole number, so the
//                 last bits of t are those of k + 127, and a shift makes 2^k of them
//   approximate   exp(r) = 1 + r (1 + r Q(r)), Q fitted so that the relative error is below 2e-9
//   reconstruct   2^k exp(r), one product; below x = -87.3, where k would leave [-126, 0] and
//                 exp(x) < 2^-125, the result counts as 0
inline Vec<float> exp_nonpositive(Vec<float> x) {
  const Vec<float> whole = constant(12583039.0f);
  const Vec<float> t = fma(x, constant(1.44269504f), whole);
  const Vec<float> k = t - whole;
  Vec<float> r = fma(k, constant(-0.693359375f), x);
  r = fma(k, constant(2.12194440e-4f), r);
  Vec<float> p = constant(1.3843607e-3f);
  p = fma(p, r, constant(8.3741956e-3f));
  p = fma(p, r, constant(4.1668005e-2f));
  p = fma(p, r, constant(1.6666431e-1f));
  p = fma(p, r, constant(0.49999994f));
  p = fma(p, r, constant(1.0f));
  p = fma(p, r, constant(1.0f));
  return select(x < constant(-87.3f), constant(0.0f), p * pow2_of_last_bits(t));
}
inline Vec<double> exp_nonpositive(Vec<double> x) { return exp(x); }

template <class T>
Lanes<T> exp_nonpositive(Lanes<T> a) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = exp_nonpositive(a.v[i]);
  return a;
}
