// The definition with its two loops over positions, and the running sums with one.
#include "lib/causal_product.h"

#include <algorithm>

#include "lib/parallel.h"
#include "lib/scratch.h"

namespace qkv::lib {
namespace {

// Where the batch numbered b begins, in each operand.
template <class T>
struct Batch {
  Batch(CausalProductShape s, int64_t b, const T* Q, const T* K, const T* V, T* Y)
      : q(Q + b * s.queries * s.D),
        k(K + b * s.keys * s.D),
        v(V + b * s.keys * s.Dv),
        y(Y + b * s.queries * s.Dv) {}
  const T *q, *k, *v;
  T* y;
};

// a += factor * b, n numbers: each element by itself, so vectors of any width give the same bits.
template <class T>
void add_scaled(int64_t n, T factor, const T* b, T* a) {
  for (int64_t i = 0; i < n; ++i) a[i] += factor * b[i];
}

// One batch, from the first row on or from the last:  sums (D, Dv) is S.
//
//   2 rows, 4 keys     row 0   # # # .        reverse   row 1   . . . #
//                      row 1   # # # #                  row 0   . . # #
template <class T>
void run(CausalProductShape s, const Batch<T>& at, T* sums) {
  std::fill(sums, sums + s.D * s.Dv, T(0));
  int64_t taken = 0;  // keys that are in the sums
  for (int64_t row = 0; row < s.queries; ++row) {
    const int64_t until = s.reverse ? std::min(row + 1, s.keys) : row + 1 + s.keys - s.queries;
    for (; taken < until; ++taken) {
      const int64_t j = s.reverse ? s.keys - 1 - taken : taken;
      for (int64_t d = 0; d < s.D; ++d) {
        add_scaled(s.Dv, at.k[j * s.D + d], at.v + j * s.Dv, sums + d * s.Dv);
      }
    }
    const int64_t i = s.reverse ? s.queries - 1 - row : row;
    T* const y = at.y + i * s.Dv;
    std::fill(y, y + s.Dv, T(0));
    for (int64_t d = 0; d < s.D; ++d) add_scaled(s.Dv, at.q[i * s.D + d], sums + d * s.Dv, y);
  }
}

// Batches in a chunk: about 20 microseconds' worth.
int64_t batches_per_chunk(CausalProductShape s) {
  const int64_t work = (s.queries + s.keys) * s.D * s.Dv;
  return std::max<int64_t>(1, 65'536 / std::max<int64_t>(1, work));
}

}  // namespace

template <class T>
void causal_product_definition(CausalProductShape s, const T* Q, const T* K, const T* V, T* Y) {
  for (int64_t b = 0; b < s.batches; ++b) {
    const Batch<T> at(s, b, Q, K, V, Y);
    for (int64_t i = 0; i < s.queries; ++i) {
      T* const y = at.y + i * s.Dv;
      std::fill(y, y + s.Dv, T(0));
      for (int64_t j = 0; j < s.keys; ++j) {
        const int64_t itself = i + s.keys - s.queries;
        if (s.reverse ? j < itself : j > itself) continue;
        T product = 0;
        for (int64_t d = 0; d < s.D; ++d) product += at.q[i * s.D + d] * at.k[j * s.D + d];
        add_scaled(s.Dv, product, at.v + j * s.Dv, y);
      }
    }
  }
}

template <class T>
void causal_product(CausalProductShape s, const T* Q, const T* K, const T* V, T* Y) {
  parallel_for(s.batches, batches_per_chunk(s), [&](int64_t begin, int64_t end) {
    const Scratch<T> sums(s.D * s.Dv);
    for (int64_t b = begin; b < end; ++b) run(s, Batch<T>(s, b, Q, K, V, Y), sums.data());
  });
}

template void causal_product_definition(CausalProductShape, const float*, const float*,
                                        const float*, float*);
template void causal_product_definition(CausalProductShape, const double*, const double*,
                                        const double*, double*);
template void causal_product(CausalProductShape, const float*, const float*, const float*, float*);
template void causal_product(CausalProductShape, const double*, const double*, const double*,
                             double*);

}  // namespace qkv::lib
