// Forward. From three passes to one (Milakov and Gimelshein 2018, algorithm 3; Dao et al. 2022):
//
//   three passes   m = max_j s_j,    l = Σ_j exp(s_j - m),    o = Σ_j exp(s_j - m) v_j / l
//
// The second and third need the maximum of the whole row. Suppose they were begun with m, that of
// the keys so far, and a further tile has keys with maximum m' > m. What was summed has the wrong
// shift, but exp(s - m') = exp(s - m) exp(m - m'): one factor mends all of it. So, tile by tile,
//
//   m' = max(m, max_j s_j)       a = exp(m - m')        (0 for the first tile: m = -inf)
//   p_j = exp(s_j - m')          l = a l + Σ_j p_j,     o = a o + Σ_j p_j v_j
//
// and o / l at the end. No score outlives its tile. For backward, L = m + log l is kept: the final
// weights are exp(s_j - L). A row of a single tile has a = 0 and is never rescaled.
//
// No argument of exp is above 0, and hidden scores are -inf: exp_nonpositive gives them 0 at once.
// Plain exp would let 2^k underflow (become too small for a float's full precision), for which
// processors stop a hundred cycles in every register.

template <class T>
constexpr T lowest_finite() {
  if constexpr (sizeof(T) == sizeof(float)) {
    return -__FLT_MAX__;
  } else {
    return -__DBL_MAX__;
  }
}

// The running quantities of a tile of queries.
template <class T>
struct Running {
  T *max, *sum, *factor;  // m, l, a
};

// One step of the recurrence for all queries: S (keys x ld, ld being the queries rounded up to
// whole registers) becomes P. Four maxima run side by side, as one would wait for itself.
template <class T>
void online_softmax(int64_t keys, T* S, int64_t ld, const Running<T>& running) {
  const Vec<T> lowest = Vec<T>::broadcast(lowest_finite<T>());
  for (int64_t i = 0; i < ld; i += Vec<T>::kWidth) {
    T* const column = S + i;
    const Vec<T> before = Vec<T>::load(running.max + i);
    Vec<T> m[4] = {before, before, before, before};
    int64_t j = 0;
    for (; j + 4 <= keys; j += 4) {
#pragma GCC unroll 4
      for (int k = 0; k < 4; ++k) m[k] = max(Vec<T>::load(column + (j + k) * ld), m[k]);
    }
    for (; j < keys; ++j) m[0] = max(Vec<T>::load(column + j * ld), m[0]);
    const Vec<T> now = max(max(m[0], m[1]), max(m[2], m[3]));
    now.store(running.max + i);
    const Vec<T> shift = max(now, lowest);  // nothing but -inf so far: exp(-inf - lowest) = 0
    Vec<T> total = Vec<T>::broadcast(0);
    for (j = 0; j < keys; ++j) {
      const Vec<T> p = exp_nonpositive(Vec<T>::load(column + j * ld) - shift);
      p.store(column + j * ld);
      total = total + p;
    }
    const Vec<T> factor = exp_nonpositive(before - shift);
    factor.store(running.factor + i);
    fma(Vec<T>::load(running.sum + i), factor, total).store(running.sum + i);
  }
}

// A tile of queries on its way past the keys: what it takes along.
template <class T>
struct ForwardTile {
  int64_t query, queries, ld;
  T* Qt;          // scale Qᵀ (D x ld)
  HeadRows<T> O;  // (queries x Dv), so far
  Running<T> running;
  bool begun;  // has it met a key yet?
};

// S (128 x ld) is working space. Rows of K and V are those of the block.
template <class T>
void attention_forward_tile(const AttentionHead<T>& head, ForwardTile<T>* tile, const Block& block,
                            HeadRows<const T> K, HeadRows<const T> V, T* S) {
  const int64_t D = head.width, Dv = head.value_width, ld = tile->ld, keys = block.keys;
  // S = K (scale Q)ᵀ                                                 (keys x queries)
  multiply_block<T>(keys, ld, D, K.data, K.stride, 1, tile->Qt, ld, S, ld, false);
  lower_by_distance(head, block, S, ld);
  hide_scores(head.mask, block, S, ld);
  online_softmax(keys, S, ld, tile->running);
  for (int64_t i = 0; tile->begun && i < block.queries; ++i) {
    T* const o = tile->O.data + i * tile->O.stride;
    if (tile->running.factor[i] != 1) scale_row(Dv, o, tile->running.factor[i], o);
  }
  // o = a o + P V, where Pᵀ is what S holds                          (queries x Dv)
  if (Dv > 0) {
    multiply_block<T>(block.queries, Dv, keys, S, 1, ld, V.data, V.stride, tile->O.data,
                      tile->O.stride, tile->begun);
  }
  tile->begun = true;
}

// O = o / l, L = m + log l.
template <class T>
void finish_tile(const ForwardTile<T>& tile, int64_t width, HeadRows<T> O, T* logsumexp) {
  const Running<T>& running = tile.running;
  if (!tile.begun) zero_rows(O, tile.query, tile.query + tile.queries, width);
  for (int64_t i = 0; tile.begun && i < tile.queries; ++i) {
    const T total = running.sum[i], inverse = total == 0 ? T(0) : 1 / total;
    scale_row(width, tile.O.data + i * tile.O.stride, inverse,
              O.data + (tile.query + i) * O.stride);
  }
  if (!logsumexp) return;
  for (int64_t i = 0; i < tile.ld; i += Vec<T>::kWidth) {
    (Vec<T>::load(running.max + i) + log(Vec<T>::load(running.sum + i))).store(running.factor + i);
  }
  for (int64_t i = 0; i < tile.queries; ++i) {
    logsumexp[tile.query + i] =
        running.sum[i] == 0 ? static_cast<T>(__builtin_inf()) : running.factor[i];
  }
}

// The space of a tile of queries, at *space, which moves behind it.
template <class T>
ForwardTile<T> begin_tile(const AttentionHead<T>& head, int64_t query, int64_t queries, T** space) {
  ForwardTile<T> tile;
  const int64_t ld = whole_registers<T>(queries), stride = whole_registers<T>(head.value_width);
  tile.query = query, tile.queries = queries, tile.ld = ld, tile.begun = false;
  tile.Qt = *space;
  tile.O = {tile.Qt + head.width * ld, stride};
  T* const state = tile.O.data + queries * stride;
  tile.running = {state, state + ld, state + 2 * ld};
  *space = state + 3 * ld;
  fill(tile.running.max, ld, static_cast<T>(-__builtin_inf()));
  fill(tile.running.sum, ld, T(0));
  transpose_rows<T>(queries, head.width, {head.Q.data + query * head.Q.stride, head.Q.stride},
                    head.scale, tile.Qt, ld);
  return tile;
}

// A block of queries, at most 8 tiles, past all keys that they may see.
template <class T>
void attention_forward(const AttentionHead<T>& head, Range queries, HeadRows<T> O, T* logsumexp,
                       T* scratch) {
  ForwardTile<T> tiles[kTilesOfBlock];
  int64_t count = 0;
  for (int64_t i = queries.begin; i < queries.end; i += kQueryTile) {
    const int64_t left = queries.end - i;
    tiles[count++] = begin_tile(head, i, left < kQueryTile ? left : kQueryTile, &scratch);
  }
  const int64_t end = visible_keys(head.mask, queries.end);
  T* const S = scratch;
  T* const space_of_K = S + kKeyTile * kQueryTile;
  T* const space_of_V = space_of_K + kKeyTile * whole_registers<T>(head.width);
  for (int64_t key = 0; key < end; key += kKeyTile) {
    const int64_t keys = end - key < kKeyTile ? end - key : kKeyTile;
    const bool copy = count > 1;
    const HeadRows<const T> K = gathered(head.K, key, keys, head.width, copy, space_of_K);
    const HeadRows<const T> V = gathered(head.V, key, keys, head.value_width, copy, space_of_V);
    for (int64_t t = 0; t < count; ++t) {
      const int64_t seen = visible_keys(head.mask, tiles[t].query + tiles[t].queries) - key;
      const Block block = {tiles[t].query, tiles[t].queries, key, seen < keys ? seen : keys};
      if (block.keys <= 0 || hides_all(head.mask, block)) continue;
      attention_forward_tile(head, &tiles[t], block, K, V, S);
    }
  }
  for (int64_t t = 0; t < count; ++t) finish_tile(tiles[t], head.value_width, O, logsumexp);
}
