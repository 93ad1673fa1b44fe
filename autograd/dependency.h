// The dependency matrix: which positions of an input can influence which positions of an output.
// Backward is asked, once for each output position. A position is everything but the last axis,
// whose numbers are its features:
//
//   output (T, C)       row t: the size of the gradient that position t alone sends to each input
//   input  (T, C)       position:  # . .      causal: an output sees no later input
//                                  # # .
//                                  # # #
#pragma once

#include <string>

#include "autograd/variable.h"

namespace qkv::autograd {

struct Dependency {
  // (output positions, input positions) float64: the largest |gradient| among the input position's
  // features. Exactly 0: no influence at these numbers; a path that a relu has shut counts as none.
  // NaN if a gradient is.
  Tensor strength;
  Shape output, input;  // what a row and a column count through: all axes but the last

  // One line for each output position: # influence, . exactly none, ! not finite. Where the next
  // batch begins is a gap.
  [[nodiscard]] std::string str() const;
};

// `output` (..., C) and an `input` (..., D) that it was made of: a leaf, or what an operation has
// given. The features of a position are weighted with random numbers (standard normal, from the
// seed), so that no influence cancels. Nothing is left at leaves, and the graph is kept. Throws
// std::invalid_argument if either is a single number, or what grad() throws.
[[nodiscard]] Dependency dependency(const Variable& output, const Variable& input,
                                    uint64_t seed = 0);

}  // namespace qkv::autograd
