// Products with running sums: every row sees what came before it, at a cost that does not grow with
// how much that was. Linear attention is made of these.
//
//   y_i = Σ_{j <= i} (q_i · k_j) v_j = q_i S_i,    S_i = S_{i-1} + k_i v_iᵀ       S is (D, Dv)
#pragma once

#include <cstdint>

namespace qkv::lib {

// `batches` independent products: Q (queries, D), K (keys, D), V (keys, Dv) -> Y (queries, Dv).
// Row i takes in the keys j <= i + keys - queries, so the last row all of them; in reverse the keys
// j >= i + keys - queries: what a key takes in when roles change, on the way back.
struct CausalProductShape {
  int64_t batches, queries, keys, D, Dv;
  bool reverse = false;
};

// REQUIRES: all row-major, one batch after the other; Y overlaps nothing. T is float or double.
// Rung 0, the definition: O(queries · keys). The running sums: O(queries + keys), with the products
// in another order, so they agree but for rounding. Each gives the same bits on every machine.
//
// Source: Katharopoulos et al., "Transformers are RNNs", 2020, equations 9, 18 to 20.
template <class T>
void causal_product_definition(CausalProductShape shape, const T* Q, const T* K, const T* V, T* Y);
template <class T>
void causal_product(CausalProductShape shape, const T* Q, const T* K, const T* V, T* Y);

}  // namespace qkv::lib
