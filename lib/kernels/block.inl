// What goes through a function of kernels/math.inl at a time: a Group of floats, or one register of
// doubles.

template <class T>
struct BlockOf {
  using Type = Vec<T>;
};
template <>
struct BlockOf<float> {
  using Type = Group;
};
template <class T>
using Block = typename BlockOf<T>::Type;
