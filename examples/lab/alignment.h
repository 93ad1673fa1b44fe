// Which word of the source an answer's word comes from: what the grammar knows, what an attention
// map says, and how far they differ.
//
//   le   chat   noir          gold links  0-0  1-2  2-1
//    \       \ /
//   the  black cat            argmax of each row of the map: one link for each word of the answer
#pragma once

#include <cstdint>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::examples {

// Word number `target` of the answer comes from word number `source` of the source, both from 0.
struct Link {
  int64_t target, source;
  friend bool operator==(const Link&, const Link&) = default;
};

// The hard alignment in a soft one: for each of the first `targets` rows of weights (T, S), the
// place of its largest weight among the first `sources` columns (the first of equal ones). Rows of
// the end symbol and columns of padding are left out by `targets` and `sources`. Throws
// std::invalid_argument if the weights are no floating matrix with that many rows and columns.
[[nodiscard]] std::vector<Link> strongest_links(const tensor::Tensor& weights, int64_t targets,
                                                int64_t sources);

// Alignment error rate over a number of phrases: AER = 1 - (|A ∩ S| + |A ∩ P|) / (|A| + |S|), with
// A the links found, S the sure and P the possible gold links. Here every gold link is sure, S = P,
// so AER = 1 - 2 |A ∩ S| / (|A| + |S|): 0 is perfect, 1 has no link right. The links of one side of
// a phrase must be different. Throws std::invalid_argument if the lists are not equally long, or
// if there is no link at all.
// Source: Och and Ney, "A systematic comparison of various statistical alignment models", 2003.
[[nodiscard]] double alignment_error_rate(const std::vector<std::vector<Link>>& found,
                                          const std::vector<std::vector<Link>>& gold);

}  // namespace qkv::examples
