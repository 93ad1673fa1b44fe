// The kinds of positions. Their sines and cosines are lib's portable ones: the same bits on every
// machine.
#include "nn/positions.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/elementary.h"
#include "lib/text.h"
#include "tensor/views.h"

namespace qkv::nn {
namespace {

// ω_i = base^(-2i / width): how far the clock of columns 2i and 2i+1 moves from a position to the
// next.
double speed_of_clock(int64_t i, int64_t width, double base) {
  const double exponent = static_cast<double>(2 * i) / static_cast<double>(width);
  return lib::portable_exp(-exponent * lib::portable_log(base));
}

// J, a product with which turns every pair of columns by a quarter:
//
//                 0  1  .  .
//   (a b c d)    -1  0  .  .   =   (-b a -d c)
//                 .  .  0  1
//                 .  . -1  0
Tensor quarter_turn(int64_t width, Dtype dtype) {
  std::vector<double> J(static_cast<size_t>(width * width), 0.0);
  for (int64_t even = 0; even < width; even += 2) {
    J[static_cast<size_t>(even * width + even + 1)] = 1;
    J[static_cast<size_t>((even + 1) * width + even)] = -1;
  }
  return Tensor::of(J, {width, width}).to(dtype);
}

}  // namespace

Tensor sinusoidal_positions(int64_t length, int64_t width, Dtype dtype) {
  std::vector<double> values;
  values.reserve(static_cast<size_t>(length * width));
  for (int64_t t = 0; t < length; ++t) {
    for (int64_t column = 0; column < width; ++column) {
      const double angle = static_cast<double>(t) * speed_of_clock(column / 2, width, 10000);
      values.push_back(column % 2 == 0 ? lib::portable_sin(angle) : lib::portable_cos(angle));
    }
  }
  return Tensor::of(values, {length, width}).to(dtype);
}

LearnedPositions::LearnedPositions(int64_t max_length, int64_t width, lib::Generator& generator)
    : weight(autograd::parameter(tensor::normal({max_length, width}, 0, 0.02, generator))) {
  add("weight", weight);
}

Variable LearnedPositions::forward(const Variable& x, int64_t first) const {
  const int64_t end = first + x.shape().from_end(2);
  if (end > weight.shape()[0]) {
    lib::fail("LearnedPositions: sequence length ", end, " exceeds max_length ", weight.shape()[0]);
  }
  return x + slice(weight, 0, first, end);  // (B, T, C) + (T, C)
}

// ---- rotary -------------------------------------------------------------------------------------
//
//   one pair of row t, a = (first + t) ω_i:     y_even = x_even cos a - x_odd sin a
//                                               y_odd  = x_odd cos a + x_even sin a
//
// Why: let R_t be that rotation of all pairs. R_sᵀ R_t = R_(t-s), so
// (R_s q)ᵀ (R_t k) = qᵀ R_(t-s) k: the score knows the distance t - s only.
//
// In whole rows, y = x cos + (x J) sin (Su et al. 2021, equation 34): x J is x with every pair a
// quarter turn on.
Variable rotary_embedding(const Variable& x, double base, int64_t first) {
  if (x.rank() < 2 || x.shape().from_end(1) % 2 != 0) {
    lib::fail("rotary_embedding: x is ", x.shape(), "; need (..., T, D) with an even width D");
  }
  if (!(base >= 1 && std::isfinite(base))) {
    lib::fail("rotary_embedding: base is ", base, "; need a finite number of at least 1");
  }
  const int64_t T = x.shape().from_end(2), D = x.shape().from_end(1);
  constexpr int64_t kFar = 1'000'000;  // the sines of lib are exact up to there
  if (first < -kFar || first > kFar || T - 1 > kFar - first) {
    lib::fail("rotary_embedding: positions ", first, " to ", first, " + ", T,
              "; need all of them between -1000000 and 1000000");
  }
  std::vector<double> speeds, cosines, sines;
  for (int64_t i = 0; i < D / 2; ++i) speeds.push_back(speed_of_clock(i, D, base));
  for (int64_t t = 0; t < T; ++t) {
    for (const double speed : speeds) {
      const double angle = static_cast<double>(first + t) * speed;
      cosines.insert(cosines.end(), 2, lib::portable_cos(angle));
      sines.insert(sines.end(), 2, lib::portable_sin(angle));
    }
  }
  const Variable cosine = Tensor::of(cosines, {T, D}).to(x.dtype());
  const Variable sine = Tensor::of(sines, {T, D}).to(x.dtype());
  const Variable turned = matmul(x, Variable(quarter_turn(D, x.dtype())));  // (..., T, D)
  return x * cosine + turned * sine;                                        // (..., T, D)
}

// ---- alibi --------------------------------------------------------------------------------------
//
//   slope_h = 2^(-8 h / H), h = 1 .. H        score_ij -= slope_h |i - j|
//
// Shifting all positions changes nothing, and no position is new to the model: a sequence longer
// than any in training only has keys still further away. Whole powers of two are exact.
Tensor alibi_slopes(int64_t heads, Dtype dtype) {
  require_size("alibi_slopes", "heads", heads);
  const double ln2 = lib::portable_log(2);
  std::vector<double> slopes;
  for (int64_t h = 1; h <= heads; ++h) {
    const int64_t whole = 8 * h / heads, rest = 8 * h % heads;
    const double part = static_cast<double>(rest) / static_cast<double>(heads);
    slopes.push_back(std::ldexp(lib::portable_exp(-part * ln2), static_cast<int>(-whole)));
  }
  return Tensor::of(slopes, {heads}).to(dtype);
}

// ---- what a model adds --------------------------------------------------------------------------

AddedPositions::AddedPositions(const char* model, Positions kind, int64_t max_length, int64_t width,
                               lib::Generator& generator)
    : model_(model), kind_(kind), max_length_(max_length) {
  require_size(model, "max_length", max_length);
  if (kind == Positions::sinusoidal) sinusoids_ = sinusoidal_positions(max_length, width);
  if (kind != Positions::learned) return;
  learned_ = std::make_unique<LearnedPositions>(max_length, width, generator);
  add("weight", learned_->weight);
}

Variable AddedPositions::forward(const Variable& x, int64_t first) {
  const int64_t end = first + x.shape()[1];
  if (end > max_length_) {
    lib::fail(model_, ": sequence length ", end, " exceeds max_length ", max_length_);
  }
  if (learned_) return learned_->forward(x, first);
  if (kind_ != Positions::sinusoidal) return x;
  const Tensor sinusoids = sinusoids_.dtype() == x.dtype()
                               ? sinusoids_
                               : sinusoidal_positions(max_length_, x.shape()[2], x.dtype());
  return x + Variable(tensor::slice(sinusoids, 0, first, end));  // (B, T, C) + (T, C)
}

}  // namespace qkv::nn
