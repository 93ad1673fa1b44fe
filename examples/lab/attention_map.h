// An attention map as text: a row per query, a column per key, darker (or brighter) where the query
// attends more. Every softmax row sums to 1; the sums are printed so that it can be seen.
//
//   keys   7  3  1  0   sum
//      7           @@   1.0000      the first answer looks at the last symbol
//      3        %% ::   1.0000
#pragma once

#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::examples {

// none: shade characters, for files and for readers who asked for no colour. The others paint the
// background of each cell: palette with the 24 greys of 256 colours, truecolor from dark violet to
// yellow.
enum class Colors { none, palette, truecolor };

// What to use for a file descriptor (1: stdout): none unless it is a terminal, TERM is set and not
// "dumb", and NO_COLOR is unset or empty (no-color.org); truecolor if COLORTERM says so.
[[nodiscard]] Colors supported_colors(int fd);

// The rule itself, on the environment's values; nullptr is an unset variable.
[[nodiscard]] Colors choose_colors(bool terminal, const char* no_color, const char* term,
                                   const char* colorterm);

// weights (Tq, Tk), floating. One label per row and per column; they are escaped, and cut after 8
// characters. The shades span 0 (or the smallest weight, if negative) to the largest weight; the
// last line says so. NaN and infinities are drawn as '?'. Throws std::invalid_argument if the
// tensor is not a floating matrix with at least one element, or the labels are too many or too few.
[[nodiscard]] std::string draw_attention_map(const tensor::Tensor& weights,
                                             const std::vector<std::string>& queries,
                                             const std::vector<std::string>& keys, Colors colors);

}  // namespace qkv::examples
