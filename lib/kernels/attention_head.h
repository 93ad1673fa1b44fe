// One head of an attention, as its kernels see it: plain matrices of rows, and a mask.
// Next: attention.inl.
#pragma once

#include <cstdint>

namespace qkv::lib {

template <class T>
struct HeadRows {
  T* data;
  int64_t stride;
};

// AttentionMask (lib/attention.h) for one head.
struct HeadMask {
  int64_t keys;    // only keys 0 .. keys-1 exist for this batch
  int64_t offset;  // query i stands beside key i + offset; causal: it sees keys 0 .. i + offset
  bool causal;
  const bool* allowed;  // or nullptr
  int64_t query_stride, key_stride;
};

template <class T>
struct AttentionHead {
  int64_t width, value_width;
  T scale;
  T slope;  // of the scores over distance, 0 for none
  HeadMask mask;
  HeadRows<const T> Q, K, V;
};

// What backward reads and writes besides. dQ without data, or dK and dV without, are not wanted.
template <class T>
struct HeadGradients {
  HeadRows<const T> O, dO;
  const T* logsumexp;
  HeadRows<T> dQ, dK, dV;
};

struct Range {
  int64_t begin, end;
};

// The size of a tile of scores. Between tiles of keys sums are rescaled, so their size decides bits
// and is the same on every machine. That of queries decides nothing but speed.
//
//   128 x 64 floats = 32 KB: the tile stays in the first two levels of cache between its uses
inline constexpr int64_t kKeyTile = 128, kQueryTile = 64;

// Queries that pass a tile of keys together: 8 tiles of them. The keys are fetched once for all.
inline constexpr int64_t kTilesOfBlock = 8, kQueryBlock = kTilesOfBlock * kQueryTile;

}  // namespace qkv::lib
