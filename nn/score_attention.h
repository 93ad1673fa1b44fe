// Attention of encoder-decoder networks, where one part reads and the other writes: a query looks
// over a sequence, and a score function says how well it matches each key. All that differs from
// one kind to another is that function.
// Sources: Bahdanau, Cho, Bengio 2015, section 3.1; Luong, Pham, Manning 2015, section 3.1.
// Next: recurrent.h, whose states are the queries and keys.
#pragma once

#include "nn/attention.h"

namespace qkv::nn {

//   keys k_1 ... k_T, query q:    score(q, k_1) ... score(q, k_T)     one number per key
//                                 -> softmax -> weights               over the allowed keys
//                                 -> Σ_t weights_t values_t           the context
//
// A sequence that many queries look over, one after the other: what concerns its keys alone is
// worked out once. Made by Attention::remember.
struct AttentionMemory {
  Variable keys, values;  // (B, T, Ck), (B, T, Cv)
  Variable prepared;      // the keys as the score wants them: W_k k of additive attention
  Mask mask;
};

// Which kind of attention it is, a model need not know: it is given an Attention.
class Attention : public Module {
 public:
  // query (B, Cq), keys (B, T, Ck), values (B, T, Cv) -> output (B, Cv), weights (B, T); or many
  // queries at once, (B, Tq, Cq) -> output (B, Tq, Cv), weights (B, Tq, T). The mask broadcasts to
  // (B, 1, Tq, T), with Tq = 1 for one query: Mask::padding(lengths, T), which hides what shorter
  // sequences are filled up with, fits. A query whose mask allows no key gets weights 0 and output
  // 0. Throws std::invalid_argument if shapes do not fit.
  [[nodiscard]] AttentionOutput forward(const Variable& query, const Variable& keys,
                                        const Variable& values, const Mask& mask = {}) const;

  // The same in two steps: forward(q, k, v, mask) is attend(q, remember(k, v, mask)), to the bit.
  // Each throws std::invalid_argument if what it is given does not fit.
  [[nodiscard]] AttentionMemory remember(const Variable& keys, const Variable& values,
                                         const Mask& mask = {}) const;
  [[nodiscard]] AttentionOutput attend(const Variable& query, const AttentionMemory& memory) const;

 protected:
  // `name` is used in messages. A width of 0 stands for any, the same for queries and keys.
  Attention(const char* name, int64_t query_width, int64_t key_width);

 private:
  // The part of the score that needs no query:  keys (B, T, Ck) -> (B, T, any width)
  [[nodiscard]] virtual Variable prepare(const Variable& keys) const { return keys; }
  // query (B, Tq, Cq), keys prepared -> scores (B, Tq, T)
  [[nodiscard]] virtual Variable score(const Variable& query, const Variable& keys) const = 0;
  // Scores (B, 1, Tq, T), as if of one head -> weights (B, 1, Tq, T): a softmax, for all but one.
  [[nodiscard]] virtual Variable weigh(const Variable& query, const Variable& scores,
                                       const Mask& mask) const;
  void check_keys(const Variable& keys, const Variable& values) const;
  void check_query(const Variable& query, const AttentionMemory& memory) const;

  const char* name_;
  int64_t query_width_, key_width_;
};

// score(q, k) = qᵀ k.   Luong et al. 2015, "dot"; Cq = Ck.
class DotAttention : public Attention {
 public:
  DotAttention();

 private:
  [[nodiscard]] Variable score(const Variable& query, const Variable& keys) const override;
};

// score(q, k) = qᵀ k / √C.   Vaswani et al. 2017, equation 1; Cq = Ck = C.
class ScaledDotAttention : public Attention {
 public:
  ScaledDotAttention();

 private:
  [[nodiscard]] Variable score(const Variable& query, const Variable& keys) const override;
};

// score(q, k) = qᵀ W k.   Luong et al. 2015, "general".   Parameter: weight (Cq, Ck).
class GeneralAttention : public Attention {
 public:
  // Throws std::invalid_argument, as do the constructors below, unless every size is at least 1.
  GeneralAttention(int64_t query_width, int64_t key_width, lib::Generator& generator);

  Variable weight;

 protected:
  GeneralAttention(const char* name, int64_t query_width, int64_t key_width,
                   lib::Generator& generator);

 private:
  [[nodiscard]] Variable score(const Variable& query, const Variable& keys) const override;
};

// score(q, k) = vᵀ tanh(W [q; k]).   Luong et al. 2015, "concat".
// Parameters: weight W (hidden, Cq + Ck), v (hidden).
class ConcatAttention : public Attention {
 public:
  ConcatAttention(int64_t query_width, int64_t key_width, int64_t hidden,
                  lib::Generator& generator);

  Variable weight, v;

 private:
  [[nodiscard]] Variable prepare(const Variable& keys) const override;
  [[nodiscard]] Variable score(const Variable& query, const Variable& keys) const override;
};

// score(q, k) = vᵀ tanh(W_q q + W_k k).   Bahdanau et al. 2015, appendix A.1.2.
// Parameters: query_weight W_q (hidden, Cq), key_weight W_k (hidden, Ck), v (hidden).
class AdditiveAttention : public Attention {
 public:
  AdditiveAttention(int64_t query_width, int64_t key_width, int64_t hidden,
                    lib::Generator& generator);

  Variable query_weight, key_weight, v;

 private:
  [[nodiscard]] Variable prepare(const Variable& keys) const override;
  [[nodiscard]] Variable score(const Variable& query, const Variable& keys) const override;
};

// The whole idea, with nothing to learn:  output = softmax(query keysᵀ) values.
// query (B, H), keys and values (B, T, H) -> output (B, H), weights (B, T); here H is the width.
// If `scaled`, scores are divided by √H. It is DotAttention or ScaledDotAttention, which say more.
[[nodiscard]] AttentionOutput attention(const Variable& query, const Variable& keys,
                                        const Variable& values, const Mask& mask = {},
                                        bool scaled = false);

}  // namespace qkv::nn
