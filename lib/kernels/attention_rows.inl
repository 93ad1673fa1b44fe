// Rows on their way into and out of the tiles of attention.inl: copied, scaled, transposed.

#include "lib/kernels/transpose.inl"

// n rounded up to whole registers: the row stride of a tile.
template <class T>
int64_t whole_registers(int64_t n) {
  return (n + Vec<T>::kWidth - 1) / Vec<T>::kWidth * Vec<T>::kWidth;
}

template <class T>
void fill(T* x, int64_t n, T value) {
  const Vec<T> v = Vec<T>::broadcast(value);
  int64_t i = 0;
  for (; i + Vec<T>::kWidth <= n; i += Vec<T>::kWidth) v.store(x + i);
  if (i < n) v.store_first(x + i, static_cast<int>(n - i));
}

// y = factor x
template <class T>
void scale_row(int64_t n, const T* x, T factor, T* y) {
  const Vec<T> f = Vec<T>::broadcast(factor);
  int64_t i = 0;
  for (; i + Vec<T>::kWidth <= n; i += Vec<T>::kWidth) (Vec<T>::load(x + i) * f).store(y + i);
  const int rest = static_cast<int>(n - i);
  if (rest > 0) (Vec<T>::load_first(x + i, rest) * f).store_first(y + i, rest);
}

template <class T>
void scale_rows(int64_t rows, int64_t width, HeadRows<const T> x, T factor, HeadRows<T> y) {
  for (int64_t i = 0; i < rows; ++i) {
    scale_row(width, x.data + i * x.stride, factor, y.data + i * y.stride);
  }
}

template <class T>
void copy_rows(int64_t rows, int64_t width, HeadRows<const T> x, HeadRows<T> y) {
  for (int64_t i = 0; i < rows; ++i) {
    const T* const from = x.data + i * x.stride;
    T* const to = y.data + i * y.stride;
    int64_t d = 0;
    for (; d + Vec<T>::kWidth <= width; d += Vec<T>::kWidth) Vec<T>::load(from + d).store(to + d);
    const int rest = static_cast<int>(width - d);
    if (rest > 0) Vec<T>::load_first(from + d, rest).store_first(to + d, rest);
  }
}

template <class T>
void zero_rows(HeadRows<T> m, int64_t begin, int64_t end, int64_t width) {
  for (int64_t i = begin; i < end; ++i) fill(m.data + i * m.stride, width, T(0));
}

// x (n rows of `width`) -> factor xᵀ (width x ld), columns n .. ld-1 zero.
template <class T>
void transpose_rows(int64_t n, int64_t width, HeadRows<const T> x, T factor, T* y, int64_t ld) {
  constexpr int kWidth = Vec<T>::kWidth;
  const Vec<T> f = Vec<T>::broadcast(factor);
  for (int64_t i = 0; i < n; i += kWidth) {
    for (int64_t d = 0; d < width; d += kWidth) {
      Vec<T> block[kWidth];
      load_transposed(x.data + i * x.stride + d, x.stride, n - i, width - d, block);
      const int64_t rows = width - d < kWidth ? width - d : kWidth;
#pragma GCC unroll 16
      for (int r = 0; r < kWidth; ++r) {
        if (r < rows) (f * block[r]).store(y + (d + r) * ld + i);
      }
    }
  }
}

// y_i = Σ_d xᵀ_di z_id for n rows z of `width`, given xᵀ (width x ld): one chain over d.
template <class T>
void dot_rows(int64_t n, int64_t width, const T* xt, int64_t ld, HeadRows<const T> z, T* y) {
  constexpr int kWidth = Vec<T>::kWidth;
  for (int64_t i = 0; i < n; i += kWidth) {
    Vec<T> total = Vec<T>::broadcast(0);
    for (int64_t d = 0; d < width; d += kWidth) {
      Vec<T> block[kWidth];
      load_transposed(z.data + i * z.stride + d, z.stride, n - i, width - d, block);
      const int64_t rows = width - d < kWidth ? width - d : kWidth;
#pragma GCC unroll 16
      for (int r = 0; r < kWidth; ++r) {
        if (r < rows) total = fma(Vec<T>::load(xt + (d + r) * ld + i), block[r], total);
      }
    }
    total.store(y + i);
  }
}

template <class T>
HeadRows<const T> read(HeadRows<T> m) {
  return {m.data, m.stride};
}

// Rows first .. first + rows - 1, to be used again and again: where they lie, or, with `copy`,
// without gaps in `space`. The rows of a head lie H * D apart in a projection: 128 of them are on
// as many pages, and in few places of the cache.
template <class T>
HeadRows<const T> gathered(HeadRows<const T> m, int64_t first, int64_t rows, int64_t width,
                           bool copy, T* space) {
  const HeadRows<const T> there = {m.data + first * m.stride, m.stride};
  if (!copy) return there;
  const HeadRows<T> here = {space, whole_registers<T>(width)};
  copy_rows(rows, width, there, here);
  return read(here);
}

// The same for rows that are added to; scatter_sum brings a copy back. Does nothing for a matrix
// without data.
template <class T>
HeadRows<T> gathered_sum(HeadRows<T> m, int64_t first, int64_t rows, int64_t width, bool copy,
                         T* space) {
  const HeadRows<T> there = {m.data + first * m.stride, m.stride};
  if (!m.data || !copy) return there;
  const HeadRows<T> here = {space, whole_registers<T>(width)};
  copy_rows(rows, width, read(there), here);
  return here;
}
template <class T>
void scatter_sum(HeadRows<T> here, int64_t first, int64_t rows, int64_t width, HeadRows<T> m) {
  if (!m.data) return;
  copy_rows<T>(rows, width, read(here), {m.data + first * m.stride, m.stride});
}
