// The loss of a classifier, row by row, on raw pointers: the surprise at the right answer.
//
//   p = softmax(x),   loss = -Σ_j q_j log p_j,   q_j = (1 - s) [j is the target] + s / n
//        = log Σ exp(x - m) - (1 - s) (x_target - m) - s mean(x - m),   m = max x
//
// s spreads a share of the target evenly over all classes (label smoothing).
#pragma once

#include <cstdint>

namespace qkv::lib {

struct CrossEntropyShape {
  int64_t rows, n;  // rows of n classes, one behind the other
  double smoothing;
};

// REQUIRES: x and dx hold rows * n numbers; target, loss, m and inverse hold rows, and
// target < n. T is float or double.
//
// One pass over x: the loss of each row, its maximum and 1 / Σ exp(x - m), from which backward gets
// p again. A row with a negative target does not count: its loss is 0.
template <class T>
void cross_entropy(CrossEntropyShape shape, const T* x, const int64_t* target, T* loss, T* m,
                   T* inverse);

// dx = weight (p - q), and 0 in rows that do not count.
template <class T>
void cross_entropy_backward(CrossEntropyShape shape, T weight, const T* x, const int64_t* target,
                            const T* m, const T* inverse, T* dx);

}  // namespace qkv::lib
