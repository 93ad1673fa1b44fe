// The patterns, from the plainest to the most particular. A pattern proposes the gradient that its
// mistake would give, made from the right one, and has to meet the analytic gradient everywhere.
#include "autograd/diagnosis.h"

#include <algorithm>
#include <cmath>

#include "autograd/diagnosis_case.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

using lib::str;
using tensor::Shape;

size_t count(const Values& values, bool (*what)(double)) {
  return static_cast<size_t>(std::count_if(values.begin(), values.end(), what));
}

// ---- values that are no numbers, or zero -------------------------------------------------------

std::string non_finite(const Case& c) {
  const auto bad = [](double v) { return !std::isfinite(v); };
  const size_t analytic = count(c.g.analytic, bad), numeric = count(c.g.numeric, bad);
  const size_t n = c.g.analytic.size();
  if (numeric > 0) {
    return str("non-finite function: around this point its value is NaN or infinite, so ", numeric,
               " of ", n, " slopes are unknown; choose inputs where it is defined");
  }
  if (analytic == 0) return "";
  return str("non-finite: ", analytic, " of ", n,
             " elements are NaN or infinite where the slope is not; look for 0/0, log 0, 1/√0 or "
             "a row that is fully masked");
}

std::string disconnected(const Case& c) {
  if (count(c.g.analytic, [](double v) { return v != 0; }) > 0) return "";
  return "disconnected: backward sends nothing but zeros although the result depends on this "
         "input; perhaps it was detached, made a constant, or left out of the gradients";
}

// Wrong only where the slope is exactly zero: the result does not depend on these elements.
std::string leaking(const Case& c) {
  const double scale = std::max(largest(c.g.analytic), largest(c.g.numeric));
  size_t wrong = 0;
  for (size_t i = 0; i < c.g.analytic.size(); ++i) {
    if (close(c.g.analytic[i], c.g.numeric[i], scale)) continue;
    if (c.g.numeric[i] != 0) return "";
    ++wrong;
  }
  if (wrong == 0) return "";
  return str("leak: the result does not depend on ", wrong, " of ", c.g.analytic.size(),
             " elements (their slope is exactly 0), yet backward sends them a gradient; perhaps a "
             "mask is forgotten there");
}

// ---- the right numbers in the wrong places -----------------------------------------------------

std::string swapped(const Case& c) {
  for (size_t i = 0; i < c.all.inputs.size(); ++i) {
    if (i == c.input || c.all.inputs[i].shape != c.g.shape) continue;
    if (explains(c, c.all.inputs[i].numeric)) {
      return str("swapped: this is the gradient of input ", i,
                 "; the gradients are returned in the wrong order");
    }
  }
  return "";
}

// The last two axes exchanged: dW for dWᵀ. Where they differ in size, the numbers were written in
// the order of the transposed matrix.
std::string transposed(const Case& c) {
  const int rank = c.g.shape.rank();
  if (rank < 2) return "";
  const auto rows = static_cast<size_t>(c.g.shape[rank - 2]);
  const auto columns = static_cast<size_t>(c.g.shape[rank - 1]);
  Values turned(c.g.numeric.size());
  for (size_t i = 0; i < turned.size(); ++i) {
    const size_t matrix = i / (rows * columns), place = i % (rows * columns);
    turned[matrix * rows * columns + place % columns * rows + place / columns] = c.g.numeric[i];
  }
  if (!explains(c, turned)) return "";
  return "transposed: these are the right numbers of the transposed matrix; a transpose() is "
         "missing or too many";
}

// Elements in front of an axis, and behind it: row-major index = (before, along, behind).
struct Axis {
  size_t size, behind;
  Axis(const Shape& shape, int axis) : size(static_cast<size_t>(shape[axis])), behind(1) {
    for (int a = axis + 1; a < shape.rank(); ++a) behind *= static_cast<size_t>(shape[a]);
  }
  [[nodiscard]] size_t along(size_t place) const { return place / behind % size; }
};

// An off-by-one slice: every element has its neighbour's gradient, and what lies at the edge has
// one that fell out, or zero.
std::string shifted(const Case& c) {
  for (int a = 0; a < c.g.shape.rank(); ++a) {
    const Axis axis(c.g.shape, a);
    for (const bool later : {true, false}) {
      Values moved = c.g.analytic;  // the edge explains itself
      for (size_t i = 0; i < moved.size(); ++i) {
        if (later && axis.along(i) > 0) moved[i] = c.g.numeric[i - axis.behind];
        if (!later && axis.along(i) + 1 < axis.size) moved[i] = c.g.numeric[i + axis.behind];
      }
      if (axis.size < 2 || !explains(c, moved)) continue;
      return str("shifted: along axis ", a, " every element has the gradient of the one ",
                 later ? "before" : "after", " it; a slice begins one place too ",
                 later ? "late" : "early");
    }
  }
  return "";
}

// ---- where in the result the gradient comes from -----------------------------------------------

// The gradient with the cotangents given, in place of r.
Values gradient_of(const Case& c, const Values& cotangents) {
  Values sums(c.g.numeric.size());
  for (size_t e = 0; e < sums.size(); ++e) {
    for (size_t o = 0; o < cotangents.size(); ++o) {
      sums[e] += c.g.slopes[e * cotangents.size() + o] * cotangents[o];
    }
  }
  return sums;
}

// L = Σ over the slices of the result: does backward answer for one of them, and forget the sum?
std::string missing_sum(const Case& c) {
  if (c.g.slopes.empty()) return "";
  const auto about = [](const std::string& where) {
    return "missing sum: this is the gradient through " + where +
           " of the result alone; what is broadcast forward is summed backward (reduce_to)";
  };
  for (int a = 0; a < c.all.output.rank(); ++a) {
    const Axis axis(c.all.output, a);
    for (size_t k = 0; k < axis.size && axis.size > 1; ++k) {
      Values slice = c.all.r;
      for (size_t o = 0; o < slice.size(); ++o) slice[o] *= axis.along(o) == k;
      if (explains(c, gradient_of(c, slice))) return about(str("index ", k, " of axis ", a));
    }
    Values corner = c.all.r;  // index 0 of this axis and of all before it
    for (size_t o = axis.behind; o < corner.size(); ++o) corner[o] = 0;
    if (a > 0 && explains(c, gradient_of(c, corner))) return about(str("index 0 of axes 0 to ", a));
  }
  return "";
}

std::string forgotten_cotangent(const Case& c) {
  if (c.g.slopes.empty() || !explains(c, gradient_of(c, Values(c.all.r.size(), 1)))) return "";
  return "dy is forgotten: this is the gradient of the plain sum of the result; multiply by what "
         "comes back from it";
}

std::string unknown(const Case& c) {
  const double scale = std::max(largest(c.g.analytic), largest(c.g.numeric));
  size_t right = 0;
  for (size_t i = 0; i < c.g.analytic.size(); ++i) {
    right += close(c.g.analytic[i], c.g.numeric[i], scale);
  }
  return str("no known pattern: ", right, " of ", c.g.analytic.size(), " elements are right");
}

}  // namespace

std::string diagnose(const Evidence& evidence, size_t input) {
  const Case c{evidence, input, evidence.inputs[input]};
  if (equal(c.g.analytic, c.g.numeric)) return "";
  for (const auto pattern :
       {non_finite, disconnected, constant_factor, leaking, swapped, transposed, missing_sum,
        forgotten_cotangent, varying_factor, shifted}) {
    if (std::string sentence = pattern(c); !sentence.empty()) return sentence;
  }
  return unknown(c);
}

}  // namespace qkv::autograd
