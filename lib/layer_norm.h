// Layer normalisation of rows, on raw pointers, and its simpler sister. The definition and the fast
// kernels have one signature.
//
//   layer_norm   mean = Σ x / n,  inverse = 1 / √(Σ (x - mean)² / n + eps)
//                normal = (x - mean) inverse,   y = normal gamma + beta
//   rms_norm     inverse = 1 / √(Σ x² / n + eps),   normal = x inverse,   y = normal gamma
#pragma once

#include <cstdint>

namespace qkv::lib {

struct NormShape {
  int64_t rows, n;  // n >= 1
};

// REQUIRES, here and below: x, y, dy and dx hold rows * n numbers; gamma, beta, dgamma and dbeta n;
// mean and inverse rows, and forward fills them in for backward. y does not overlap x. T is float
// or double.
//
// Source: Ba, Kiros, Hinton, "Layer normalization", 2016. Rung 0 adds one by one.
template <class T>
void layer_norm_definition(NormShape shape, const T* x, const T* gamma, const T* beta, T eps, T* y,
                           T* mean, T* inverse);
template <class T>
void layer_norm(NormShape shape, const T* x, const T* gamma, const T* beta, T eps, T* y, T* mean,
                T* inverse);

// From the gradient dy of y to those of x, gamma and beta; mean() is over a row:
//
//   dn = dy gamma,   dx = inverse (dn - mean(dn) - normal mean(dn normal))
//   dgamma = Σ_rows dy normal,   dbeta = Σ_rows dy
//
// The two means are what moving one x does to the row's mean and to its deviation. The sums over
// rows go from top to bottom in chunks of rows, and then over the chunks. dx may be dy.
template <class T>
void layer_norm_backward(NormShape shape, const T* dy, const T* x, const T* mean, const T* inverse,
                         const T* gamma, T* dx, T* dgamma, T* dbeta);

// The same without mean and beta; dx = inverse (dn - normal mean(dn normal)).
// Source: Zhang and Sennrich, "Root mean square layer normalization", 2019.
template <class T>
void rms_norm_definition(NormShape shape, const T* x, const T* gamma, T eps, T* y, T* inverse);
template <class T>
void rms_norm(NormShape shape, const T* x, const T* gamma, T eps, T* y, T* inverse);
template <class T>
void rms_norm_backward(NormShape shape, const T* dy, const T* x, const T* inverse, const T* gamma,
                       T* dx, T* dgamma);

}  // namespace qkv::lib
