// Backward, from dO to dQ, dK, dV. Forward line by line, and what undoes it (shapes of one head):
//
//   S = scale Q Kᵀ     (Tq, Tk)        dQ = scale dS K,  dK = scale dSᵀ Q
//   P = softmax(S)     (Tq, Tk)        dS_ij = P_ij (dP_ij - Σ_k P_ik dP_ik)    (its Jacobian)
//   O = P V            (Tq, Dv)        dP = dO Vᵀ,  dV = Pᵀ dO
//
// Tile by tile, P is computed again, from the log-sum-exp that forward has kept:
// P_ij = exp(S_ij - L_i) is the final weight at once. Only Σ_k P_ik dP_ik needs a whole row, and
// that sum is known beforehand, from the output alone (Dao et al. 2022, equation 4):
//
//   Σ_k P_ik dP_ik = Σ_k P_ik Σ_d dO_id V_kd = Σ_d dO_id Σ_k P_ik V_kd = Σ_d dO_id O_id = delta_i
//
// Distances (ALiBi) are added to S here as in forward; they are constants, and change nothing else.
// A row that attends to nobody has L = +inf, so P = 0 and every gradient of it is 0.
//
// Each element of dQ is one chain over keys in their order, each of dK and dV one over queries:
// which tiles are visited when, and by which thread, changes no bit.

// What a tile of queries brings along. The transposed matrices have row stride ld.
template <class T>
struct BackwardTile {
  int64_t query, queries, ld;
  T *Qt, *dOt;           // scale Qᵀ (D x ld), dOᵀ (Dv x ld)
  HeadRows<T> Q, dO;     // scale Q (queries x D), dO (queries x Dv)
  HeadRows<T> dQ;        // (queries x D), so far, before its factor scale
  T *logsumexp, *delta;  // (ld)
  bool begun;            // is there anything in dQ yet?
};

// The space of a tile of queries, at *space, which moves behind it.
template <class T>
BackwardTile<T> begin_tile(const AttentionHead<T>& head, const HeadGradients<T>& grads,
                           int64_t query, int64_t queries, T** space) {
  const int64_t D = head.width, Dv = head.value_width, ld = whole_registers<T>(queries);
  const int64_t stride = whole_registers<T>(D), value_stride = whole_registers<T>(Dv);
  BackwardTile<T> t;
  t.query = query, t.queries = queries, t.ld = ld, t.begun = false;
  t.Qt = *space;
  t.dOt = t.Qt + D * ld;
  t.Q = {t.dOt + Dv * ld, stride};
  t.dO = {t.Q.data + queries * stride, value_stride};
  t.dQ = {t.dO.data + queries * value_stride, stride};
  t.logsumexp = t.dQ.data + queries * stride;
  t.delta = t.logsumexp + ld;
  *space = t.delta + ld;

  const HeadRows<const T> Q = {head.Q.data + query * head.Q.stride, head.Q.stride};
  const HeadRows<const T> O = {grads.O.data + query * grads.O.stride, grads.O.stride};
  const HeadRows<const T> dO = {grads.dO.data + query * grads.dO.stride, grads.dO.stride};
  transpose_rows(queries, D, Q, head.scale, t.Qt, ld);
  transpose_rows(queries, Dv, dO, T(1), t.dOt, ld);
  scale_rows(queries, D, Q, head.scale, t.Q);
  copy_rows(queries, Dv, dO, t.dO);
  dot_rows(queries, Dv, t.dOt, ld, O, t.delta);
  fill(t.logsumexp, ld, T(0));
  for (int64_t i = 0; i < queries; ++i) t.logsumexp[i] = grads.logsumexp[query + i];
  return t;
}

// P = exp(S - L) in place of S, dS = P (dP - delta) in place of dP.
template <class T>
void weights_and_slopes(int64_t keys, const BackwardTile<T>& t, T* P, T* dS) {
  for (int64_t i = 0; i < t.ld; i += Vec<T>::kWidth) {
    const Vec<T> L = Vec<T>::load(t.logsumexp + i), delta = Vec<T>::load(t.delta + i);
    for (int64_t j = 0; j < keys; ++j) {
      const int64_t at = j * t.ld + i;
      const Vec<T> p = exp_nonpositive(Vec<T>::load(P + at) - L);
      p.store(P + at);
      (p * (Vec<T>::load(dS + at) - delta)).store(dS + at);
    }
  }
}

// A tile of keys while the tiles of queries pass it, and what they have added to its gradients.
template <class T>
struct KeyTile {
  HeadRows<const T> K, V;
  HeadRows<T> dK, dV;
};

// One tile of scores: adds what it contributes to the gradients. P and dS (128 x ld) are working
// space.
template <class T>
void attention_backward_tile(const AttentionHead<T>& head, const HeadGradients<T>& grads,
                             const Block& block, BackwardTile<T>* t, const KeyTile<T>& k, T* P,
                             T* dS) {
  const int64_t D = head.width, Dv = head.value_width, ld = t->ld;
  const int64_t keys = block.keys, queries = block.queries;
  // S = K (scale Q)ᵀ,  dP = V dOᵀ                                    (keys x queries)
  multiply_block<T>(keys, ld, D, k.K.data, k.K.stride, 1, t->Qt, ld, P, ld, false);
  multiply_block<T>(keys, ld, Dv, k.V.data, k.V.stride, 1, t->dOt, ld, dS, ld, false);
  lower_by_distance(head, block, P, ld);
  hide_scores(head.mask, block, P, ld);
  weights_and_slopes(keys, *t, P, dS);
  // dK += dSᵀ (scale Q),  dV += Pᵀ dO                                (keys x D, keys x Dv)
  if (grads.dK.data && D > 0) {
    multiply_block<T>(keys, D, queries, dS, ld, 1, t->Q.data, t->Q.stride, k.dK.data, k.dK.stride,
                      true);
  }
  if (grads.dV.data && Dv > 0) {
    multiply_block<T>(keys, Dv, queries, P, ld, 1, t->dO.data, t->dO.stride, k.dV.data, k.dV.stride,
                      true);
  }
  // dQ += dS K, its factor scale later                               (queries x D)
  if (grads.dQ.data && D > 0) {
    multiply_block<T>(queries, D, keys, dS, 1, ld, k.K.data, k.K.stride, t->dQ.data, t->dQ.stride,
                      t->begun);
  }
  t->begun = true;
}

// At most 8 tiles of queries, past the keys of a range.
template <class T>
void attention_backward_block(const AttentionHead<T>& head, const HeadGradients<T>& grads,
                              Range queries, Range keys, T* scratch) {
  const int64_t D = head.width, Dv = head.value_width;
  BackwardTile<T> tiles[kTilesOfBlock];
  int64_t count = 0;
  for (int64_t i = queries.begin; i < queries.end; i += kQueryTile) {
    const int64_t left = queries.end - i;
    tiles[count++] = begin_tile(head, grads, i, left < kQueryTile ? left : kQueryTile, &scratch);
  }
  T *const P = scratch, *const dS = P + kKeyTile * kQueryTile;
  T *const spaces = dS + kKeyTile * kQueryTile, *const spaces_of_values =
                                                    spaces + 2 * kKeyTile * whole_registers<T>(D);
  const int64_t visible = visible_keys(head.mask, queries.end);
  const int64_t end = visible < keys.end ? visible : keys.end;
  const bool copy = count > 1;
  for (int64_t key = keys.begin; key < end; key += kKeyTile) {
    const int64_t n = end - key < kKeyTile ? end - key : kKeyTile;
    T* const next = spaces + kKeyTile * whole_registers<T>(D);
    T* const next_of_values = spaces_of_values + kKeyTile * whole_registers<T>(Dv);
    const KeyTile<T> k = {gathered(head.K, key, n, D, copy, spaces),
                          gathered(head.V, key, n, Dv, copy, spaces_of_values),
                          gathered_sum(grads.dK, key, n, D, copy, next),
                          gathered_sum(grads.dV, key, n, Dv, copy, next_of_values)};
    for (int64_t t = 0; t < count; ++t) {
      const int64_t seen = visible_keys(head.mask, tiles[t].query + tiles[t].queries) - key;
      const Block block = {tiles[t].query, tiles[t].queries, key, seen < n ? seen : n};
      if (block.keys <= 0 || hides_all(head.mask, block)) continue;
      attention_backward_tile(head, grads, block, &tiles[t], k, P, dS);
    }
    if (copy) scatter_sum(k.dK, key, n, D, grads.dK);
    if (copy) scatter_sum(k.dV, key, n, Dv, grads.dV);
  }
  for (int64_t t = 0; grads.dQ.data && t < count; ++t) {
    const HeadRows<T> dQ = {grads.dQ.data + tiles[t].query * grads.dQ.stride, grads.dQ.stride};
    if (!tiles[t].begun) zero_rows(dQ, 0, tiles[t].queries, D);
    if (tiles[t].begun) scale_rows<T>(tiles[t].queries, D, read(tiles[t].dQ), head.scale, dQ);
  }
}

// The gradients that the scores of these queries and keys contribute. dQ is complete if `keys` are
// all of them, dK and dV if `queries` are. REQUIRES: keys.begin is a multiple of kKeyTile.
template <class T>
void attention_backward(const AttentionHead<T>& head, const HeadGradients<T>& grads, Range queries,
                        Range keys, T* scratch) {
  if (grads.dK.data) zero_rows(grads.dK, keys.begin, keys.end, head.width);
  if (grads.dV.data) zero_rows(grads.dV, keys.begin, keys.end, head.value_width);
  for (int64_t i = queries.begin; i < queries.end; i += kQueryBlock) {
    const int64_t end = queries.end - i < kQueryBlock ? queries.end : i + kQueryBlock;
    attention_backward_block(head, grads, {i, end}, keys, scratch);
  }
}
