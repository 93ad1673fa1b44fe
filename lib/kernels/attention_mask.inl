// Masks and distances on tiles of scores, which lie keys x queries (attention.inl). A tile whose
// keys are all hidden is skipped; in others, hidden scores become -inf before anybody looks.
//
//   causal, offset 0, tile of 4 keys x 4 queries on the diagonal:      key 0   s  s  s  s
//   row j is hidden from queries before j                              key 1   -  s  s  s
//                                                                      key 2   -  -  s  s

// The part of the scores that is being worked on: a tile, or a range of tiles.
struct Block {
  int64_t query, queries, key, keys;  // the first one and their number
};

// Keys 0 .. result-1 are what queries before `query_end` may see, `allowed` aside.
inline int64_t visible_keys(const HeadMask& mask, int64_t query_end) {
  const int64_t last = query_end + mask.offset;
  const int64_t keys = mask.causal && last < mask.keys ? last : mask.keys;
  return keys > 0 ? keys : 0;
}

// The first j >= begin with flags[j * stride] == value; n if there is none. Eight neighbours are
// compared at once.
inline int64_t find_flag(const bool* flags, int64_t stride, int64_t begin, int64_t n, bool value) {
  constexpr uint64_t kAllTrue = 0x0101010101010101;
  int64_t j = begin;
  while (j < n) {
    if (stride == 1 && j + 8 <= n) {
      uint64_t eight;
      __builtin_memcpy(&eight, flags + j, 8);
      if (eight == (value ? 0 : kAllTrue)) {
        j += 8;
        continue;
      }
    }
    if (flags[j * stride] == value) return j;
    ++j;
  }
  return n;
}

// Does `allowed` hide every score of the block from every query?
inline bool hides_all(const HeadMask& mask, const Block& block) {
  if (!mask.allowed) return false;
  const bool* row = mask.allowed + block.query * mask.query_stride + block.key * mask.key_stride;
  for (int64_t i = 0; i < block.queries; ++i, row += mask.query_stride) {
    if (find_flag(row, mask.key_stride, 0, block.keys, true) < block.keys) return false;
    if (mask.query_stride == 0) break;
  }
  return true;
}

// S (keys x queries) of the block, row stride ld: hidden scores become -inf.
template <class T>
void hide_scores(const HeadMask& mask, const Block& block, T* S, int64_t ld) {
  const T hidden = static_cast<T>(-__builtin_inf());
  // Key j is seen by queries from j - offset on.
  for (int64_t j = 0; mask.causal && j < block.keys; ++j) {
    const int64_t before = block.key + j - mask.offset - block.query;
    if (before > 0) fill(S + j * ld, before < block.queries ? before : block.queries, hidden);
  }
  if (!mask.allowed) return;
  const bool* row = mask.allowed + block.query * mask.query_stride + block.key * mask.key_stride;
  if (mask.query_stride == 0) {  // the same keys for all queries
    for (int64_t j = 0; j < block.keys; ++j) {
      if (!row[j * mask.key_stride]) fill(S + j * ld, block.queries, hidden);
    }
    return;
  }
  for (int64_t i = 0; i < block.queries; ++i, row += mask.query_stride) {
    int64_t j = find_flag(row, mask.key_stride, 0, block.keys, false);
    while (j < block.keys) {
      S[j * ld + i] = hidden;
      j = find_flag(row, mask.key_stride, j + 1, block.keys, false);
    }
  }
}

// S_ji -= slope |i + offset - j| for the scores of the block: what is far away counts less.
template <class T>
void lower_by_distance(const AttentionHead<T>& head, const Block& block, T* S, int64_t ld) {
  if (head.slope == 0) return;
  T positions[kQueryTile];  // of the queries, among the keys: exact up to 2^24
  for (int64_t i = 0; i < kQueryTile; ++i) {
    positions[i] = static_cast<T>(block.query + i + head.mask.offset - block.key);
  }
  const Vec<T> falling = Vec<T>::broadcast(-head.slope), zero = Vec<T>::broadcast(T(0));
  for (int64_t j = 0; j < block.keys; ++j) {
    const Vec<T> key = Vec<T>::broadcast(static_cast<T>(j));
    for (int64_t i = 0; i < ld; i += Vec<T>::kWidth) {
      const Vec<T> ahead = Vec<T>::load(positions + i) - key;
      const Vec<T> distance = max(ahead, zero - ahead);
      fma(falling, distance, Vec<T>::load(S + j * ld + i)).store(S + j * ld + i);
    }
  }
}
