// The peak probe. The latency of a fused multiply-add is 4 cycles and two can start in each, so 8
// chains would do if they were placed perfectly; 14 are safe, and with their constant they fit into
// the 16 registers of AVX2. The chains are named, not an array, so that no compiler puts them into
// memory; they start from different numbers, so that it cannot merge them, and end in the result,
// so that it cannot leave them out:   a0 = a0 f + f,  a1 = a1 f + f,  ...  a13 = a13 f + f.

constexpr int64_t kChains = 14;

template <class T>
T fma_chains(int64_t rounds) {
  using V = Vec<T>;
  const V f = V::broadcast(T(0.5));
  V a0 = V::broadcast(T(0)), a1 = V::broadcast(T(1)), a2 = V::broadcast(T(2));
  V a3 = V::broadcast(T(3)), a4 = V::broadcast(T(4)), a5 = V::broadcast(T(5));
  V a6 = V::broadcast(T(6)), a7 = V::broadcast(T(7)), a8 = V::broadcast(T(8));
  V a9 = V::broadcast(T(9)), a10 = V::broadcast(T(10)), a11 = V::broadcast(T(11));
  V a12 = V::broadcast(T(12)), a13 = V::broadcast(T(13));
  for (int64_t i = 0; i < rounds; ++i) {
    a0 = fma(a0, f, f), a1 = fma(a1, f, f), a2 = fma(a2, f, f), a3 = fma(a3, f, f);
    a4 = fma(a4, f, f), a5 = fma(a5, f, f), a6 = fma(a6, f, f), a7 = fma(a7, f, f);
    a8 = fma(a8, f, f), a9 = fma(a9, f, f), a10 = fma(a10, f, f), a11 = fma(a11, f, f);
    a12 = fma(a12, f, f), a13 = fma(a13, f, f);
  }
  const V sum = a0 + a1 + a2 + a3 + a4 + a5 + a6 + a7 + a8 + a9 + a10 + a11 + a12 + a13;
  T lanes[V::kWidth];
  sum.store(lanes);
  return lanes[0];
}

template <class T>
constexpr Kernels<T> table() {
  return {fma_chains<T>, kChains * Vec<T>::kWidth * 2};
}
