// exp for arguments that are at most 0, or NaN: what softmax needs. The steps are those of exp in
// math_exp.inl, but 2^k exp(r) is one product: below x = -87.3, where k would leave [-126, 0] and
// exp(x) < 2^-125, the result counts as 0.
template <class T>
Vec<T> exp_nonpositive(Vec<T> x) {
  if constexpr (sizeof(T) == sizeof(float)) {
    using V = Vec<float>;
    const V t = fma(x, constant<V>(kLog2E), constant<V>(kRound));
    const V value = exp_reduced(x, t - constant<V>(kRound)) * pow2_of_rounded(t);
    return select(x < constant<V>(-87.3f), constant<V>(0.0f), value);
  } else {
    return exp(x);
  }
}

template <class T>
Lanes<T> exp_nonpositive(Lanes<T> a) {
  for (int i = 0; i < Lanes<T>::kRegisters; ++i) a.v[i] = exp_nonpositive(a.v[i]);
  return a;
}
