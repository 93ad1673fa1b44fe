// Exercise 09. What a query's output changes by: a covariance (chapter 8)
//
// One query q (D) looks over keys K (T, D) and values V (T, Dv):
//
//   a = softmax(scale K q)      output = sum_t a_t v_t      v_t is row t of V, k_t row t of K
//
// Return J = d output / d q (Dv, D), J_ij = d output_i / d q_j. It is
//
//   J = scale Cov_a(v, k) = scale sum_t a_t (v_t - mean v) (k_t - mean k)^T
//
// with means weighted by a: how far v and k leave their means together, which is called their
// covariance (Cov). Given are the weights a (T), K, V and the scale.
//
// Hint: a vector times a matrix is matmul(a, K) -> (D), here the mean of k. The sum over t of
// columns times rows is one product: matmul(transpose(V), K) is sum_t v_t k_t^T. With
// T = K.shape()[0], reshape(a, {T, 1}) makes a column of a, which multiplies row t by a_t.
#include "examples/exercises/exercise.h"

namespace qkv::examples {

Variable output_slope(const Variable& a, const Variable& K, const Variable& V, double scale) {
  return matmul(transpose(V), K);  // your code
}

}  // namespace qkv::examples
