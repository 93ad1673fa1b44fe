// Pair: two registers, or two pairs, that go through a function side by side. One register after
// the other would leave the multipliers idle, as each step waits four cycles for the one before;
// with the same step of four registers in a row, one is always ready:
//
//   fma(a, b, c)   is   fma(a0, b0, c0)  fma(a1, b1, c1)  fma(a2, b2, c2)  fma(a3, b3, c3)

template <class I>
struct Two {
  I a, b;
};

template <class V>
struct Pair {
  static constexpr int kWidth = 2 * V::kWidth;
  using Mask = Two<typename V::Mask>;
  V a, b;

  static Pair broadcast(float x) { return {V::broadcast(x), V::broadcast(x)}; }
  static Pair load(const float* p) { return {V::load(p), V::load(p + V::kWidth)}; }
  // The first n elements, then zeros. Nothing beyond p[n - 1] is read.
  static Pair load_first(const float* p, int n) {
    return {V::load_first(p, n), V::load_first(n > V::kWidth ? p + V::kWidth : p, n - V::kWidth)};
  }
  void store(float* p) const {
    a.store(p);
    b.store(p + V::kWidth);
  }
  void store_first(float* p, int n) const {
    a.store_first(p, n);
    b.store_first(n > V::kWidth ? p + V::kWidth : p, n - V::kWidth);
  }
};

template <class V>
Pair<V> operator+(Pair<V> x, Pair<V> y) {
  return {x.a + y.a, x.b + y.b};
}
template <class V>
Pair<V> operator-(Pair<V> x, Pair<V> y) {
  return {x.a - y.a, x.b - y.b};
}
template <class V>
Pair<V> operator*(Pair<V> x, Pair<V> y) {
  return {x.a * y.a, x.b * y.b};
}
template <class V>
Pair<V> operator/(Pair<V> x, Pair<V> y) {
  return {x.a / y.a, x.b / y.b};
}
template <class V>
typename Pair<V>::Mask operator<(Pair<V> x, Pair<V> y) {
  return {x.a < y.a, x.b < y.b};
}
template <class V>
Pair<V> fma(Pair<V> x, Pair<V> y, Pair<V> z) {
  return {fma(x.a, y.a, z.a), fma(x.b, y.b, z.b)};
}
template <class V>
Pair<V> max(Pair<V> x, Pair<V> y) {
  return {max(x.a, y.a), max(x.b, y.b)};
}
template <class V>
Pair<V> min(Pair<V> x, Pair<V> y) {
  return {min(x.a, y.a), min(x.b, y.b)};
}
template <class V>
Pair<V> select(typename Pair<V>::Mask m, Pair<V> yes, Pair<V> no) {
  return {select(m.a, yes.a, no.a), select(m.b, yes.b, no.b)};
}
template <class V>
Pair<V> abs(Pair<V> x) {
  return {abs(x.a), abs(x.b)};
}
template <class V>
Pair<V> copy_sign(Pair<V> size, Pair<V> sign) {
  return {copy_sign(size.a, sign.a), copy_sign(size.b, sign.b)};
}
template <class V>
Pair<V> pow2_of_rounded(Pair<V> t) {
  return {pow2_of_rounded(t.a), pow2_of_rounded(t.b)};
}
template <class V>
Pair<V> times_pow2(Pair<V> x, Pair<V> k) {
  return {times_pow2(x.a, k.a), times_pow2(x.b, k.b)};
}
template <class V>
void split_exponent(Pair<V> x, Pair<V>* m, Pair<V>* k) {
  split_exponent(x.a, &m->a, &k->a);
  split_exponent(x.b, &m->b, &k->b);
}
template <int kShift, class V>
auto index_bits(Pair<V> x) {
  return Two<decltype(index_bits<kShift>(x.a))>{index_bits<kShift>(x.a), index_bits<kShift>(x.b)};
}
template <class I>
auto lookup(const float* table, Two<I> index) {
  return Pair<decltype(lookup(table, index.a))>{lookup(table, index.a), lookup(table, index.b)};
}

// What a kernel takes through a function at a time: four registers where there are 32 of them.
template <int kRegisters>
struct GroupOf {
  using Type = Pair<Vec<float>>;
};
template <>
struct GroupOf<32> {
  using Type = Pair<Pair<Vec<float>>>;
};
using Group = GroupOf<kRegisterCount>::Type;
