// The keys and values of a sequence so far. A causal position never sees what comes after it, so
// its key and value never change: whoever writes a sequence symbol by symbol keeps them, and works
// out those of one position per step.
//
//   without    step t projects, and compares, all of 0 .. t        O(t²) scores for t symbols
//   with       step t projects position t, and compares it with t keys        O(t) per symbol
#pragma once

#include <vector>

#include "tensor/tensor.h"

namespace qkv::nn {

using tensor::Tensor;

// Of one layer, for R sequences of equal length at once.
class KeyValueCache {
 public:
  // Room for `capacity` positions. Throws std::invalid_argument if a size is below 1.
  KeyValueCache(int64_t rows, int64_t heads, int64_t capacity, int64_t width,
                tensor::Dtype dtype = tensor::Dtype::float32);

  // A copy would write its positions over ours: both have the same tensors.
  KeyValueCache(const KeyValueCache&) = delete;
  KeyValueCache& operator=(const KeyValueCache&) = delete;
  KeyValueCache(KeyValueCache&&) = default;
  KeyValueCache& operator=(KeyValueCache&&) = default;

  // The next T positions: (R, H, T, D) each. Throws std::invalid_argument if they do not fit.
  void append(const Tensor& keys, const Tensor& values);

  // All so far, (R, H, length, D): views, which later steps leave as they are.
  [[nodiscard]] Tensor keys() const;
  [[nodiscard]] Tensor values() const;
  [[nodiscard]] int64_t length() const { return length_; }

  // Row r goes on from what row rows[r] holds. Costs a copy of the positions so far.
  void reorder(const std::vector<int64_t>& rows);

 private:
  Tensor keys_, values_;  // (R, H, capacity, D)
  int64_t length_ = 0;
};

// The rows of x with the numbers given, in that order; x itself if they are 0, 1 ... to its last.
[[nodiscard]] Tensor chosen_rows(const Tensor& x, const std::vector<int64_t>& rows);

}  // namespace qkv::nn
