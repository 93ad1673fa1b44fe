// The five score functions, and what they share: the softmax and the average around them.
#include "nn/score_attention.h"

#include <cmath>

#include "autograd/ops.h"
#include "lib/text.h"

namespace qkv::nn {
namespace {

double bound_for(int64_t inputs) { return 1 / std::sqrt(static_cast<double>(inputs)); }

// Every query beside every key, with nothing copied: the row of a query repeats along the keys, the
// row of a key along the queries.
//
//   Tq = 2, T = 3:   q0 q0 q0   k0 k1 k2
//                    q1 q1 q1   k0 k1 k2
Variable along_keys(const Variable& query, int64_t T) {
  const int64_t B = query.shape()[0], Tq = query.shape()[1], C = query.shape()[2];
  return expand(reshape(query, {B, Tq, 1, C}), {B, Tq, T, C});
}
Variable along_queries(const Variable& keys, int64_t Tq) {
  const int64_t B = keys.shape()[0], T = keys.shape()[1], C = keys.shape()[2];
  return expand(reshape(keys, {B, 1, T, C}), {B, Tq, T, C});
}

// vᵀ tanh(q + k) for every pair:  q (B, Tq, hidden), k (B, T, hidden), v (hidden) -> (B, Tq, T)
Variable perceptron(const Variable& q, const Variable& k, const Variable& v) {
  const int64_t B = q.shape()[0], Tq = q.shape()[1], T = k.shape()[1];
  const Variable x = along_keys(q, T) + along_queries(k, Tq);  // (B, Tq, T, hidden)
  return reshape(linear(tanh(x), reshape(v, {1, -1})), {B, Tq, T});
}

}  // namespace

// ---- what all share -----------------------------------------------------------------------------

Attention::Attention(const char* name, int64_t query_width, int64_t key_width)
    : name_(name), query_width_(query_width), key_width_(key_width) {}

void Attention::check_keys(const Variable& keys, const Variable& values) const {
  const auto refuse = [&](const auto&... rule) {
    lib::fail(name_, ": keys are ", keys.shape(), ", values ", values.shape(), "; ", rule...);
  };
  if (keys.rank() != 3 || values.rank() != 3) refuse("need (B, T, Ck) and (B, T, Cv)");
  if (keys.shape()[0] != values.shape()[0]) refuse("both need the same batch B");
  if (keys.shape()[1] != values.shape()[1]) refuse("every key needs one value (second axis)");
  if (key_width_ != 0 && keys.shape()[2] != key_width_) refuse("need key width ", key_width_);
}

void Attention::check_query(const Variable& query, const AttentionMemory& memory) const {
  const Variable& keys = memory.keys;
  const auto refuse = [&](const auto&... rule) {
    lib::fail(name_, ": query is ", query.shape(), ", keys are ", keys.shape(), "; ", rule...);
  };
  if (query.rank() != 2 && query.rank() != 3) refuse("need (B, Cq) or (B, Tq, Cq)");
  if (query.shape()[0] != keys.shape()[0]) refuse("both need the same batch B");
  const int64_t width = query.shape().from_end(1);
  if (query_width_ == 0 && width != keys.shape()[2]) {
    refuse("queries and keys need the same width (last axis)");
  }
  if (query_width_ != 0 && width != query_width_) refuse("need query width ", query_width_);
  const Variable& prepared = memory.prepared;
  if (!prepared.defined() || prepared.rank() != 3 || prepared.shape()[0] != keys.shape()[0] ||
      prepared.shape()[1] != keys.shape()[1]) {
    refuse("the memory must be made by remember");
  }
}

AttentionOutput Attention::forward(const Variable& query, const Variable& keys,
                                   const Variable& values, const Mask& mask) const {
  check_keys(keys, values);
  return attend(query, {keys, values, prepare(keys), mask});
}

// A mask that is known by lengths becomes cells here, once, and not for every query.
AttentionMemory Attention::remember(const Variable& keys, const Variable& values,
                                    const Mask& mask) const {
  check_keys(keys, values);
  return {keys, values, prepare(keys), mask.restricts() ? Mask::allow(mask.allowed()) : mask};
}

AttentionOutput Attention::attend(const Variable& query, const AttentionMemory& memory) const {
  check_keys(memory.keys, memory.values);
  check_query(query, memory);
  const bool one = query.rank() == 2;
  const int64_t B = query.shape()[0], Tq = one ? 1 : query.shape()[1], T = memory.keys.shape()[1];
  const Variable rows = reshape(query, {B, Tq, query.shape().from_end(1)});      // (B, Tq, Cq)
  const Variable scores = reshape(score(rows, memory.prepared), {B, 1, Tq, T});  // one head
  const Variable weights = reshape(weigh(rows, scores, memory.mask), {B, Tq, T});
  const Variable output = matmul(weights, memory.values);  // (B, Tq, Cv)
  if (!one) return {output, weights};
  return {reshape(output, {B, memory.values.shape()[2]}), reshape(weights, {B, T})};
}

Variable Attention::weigh(const Variable&, const Variable& scores, const Mask& mask) const {
  return attention_weights(scores, mask);
}

AttentionOutput attention(const Variable& query, const Variable& keys, const Variable& values,
                          const Mask& mask, bool scaled) {
  return scaled ? ScaledDotAttention().forward(query, keys, values, mask)
                : DotAttention().forward(query, keys, values, mask);
}

// ---- dot ----------------------------------------------------------------------------------------
//
//   score(q, k) = qᵀ k
//
// The directions in which queries and keys agree, added up. Nothing to learn: the network must make
// its states so that their products mean something.
DotAttention::DotAttention() : Attention("DotAttention", 0, 0) {}

Variable DotAttention::score(const Variable& query, const Variable& keys) const {
  return matmul(query, transpose(keys));
}

// ---- scaled dot ---------------------------------------------------------------------------------
//
//   score(q, k) = qᵀ k / √C
//
// Why: see attention_scores.
ScaledDotAttention::ScaledDotAttention() : Attention("ScaledDotAttention", 0, 0) {}

Variable ScaledDotAttention::score(const Variable& query, const Variable& keys) const {
  const auto C = static_cast<double>(keys.shape()[2]);
  return matmul(query, transpose(keys)) * (1 / std::sqrt(std::max(C, 1.0)));
}

// ---- general ------------------------------------------------------------------------------------
//
//   score(q, k) = qᵀ W k
//
// A learned table of which direction of a query goes with which of a key; their widths may differ.
// W = I gives dot. Every query meets W once, not once per key: (q W) kᵀ, in rows.
GeneralAttention::GeneralAttention(int64_t query_width, int64_t key_width,
                                   lib::Generator& generator)
    : GeneralAttention("GeneralAttention", query_width, key_width, generator) {}

GeneralAttention::GeneralAttention(const char* name, int64_t query_width, int64_t key_width,
                                   lib::Generator& generator)
    : Attention(name, query_width, key_width) {
  require_size(name, "query width", query_width);
  require_size(name, "key width", key_width);
  weight = uniform_parameter({query_width, key_width}, bound_for(query_width), generator);
  add("weight", weight);
}

Variable GeneralAttention::score(const Variable& query, const Variable& keys) const {
  return matmul(matmul(query, weight), transpose(keys));  // (B, Tq, Ck), then (B, Tq, T)
}

// ---- concat -------------------------------------------------------------------------------------
//
//   score(q, k) = vᵀ tanh(W [q; k])        [q; k]: one vector, q and then k
//
// A perceptron (a feed-forward network) with one hidden layer looks at every pair: it may find out
// more than any product can, at the cost of memory for B · Tq · T hidden vectors. The products need
// no pairs: with W cut in two, W [q; k] = W_q q + W_k k, each query and each key meets its part of
// W once.
ConcatAttention::ConcatAttention(int64_t query_width, int64_t key_width, int64_t hidden,
                                 lib::Generator& generator)
    : Attention("ConcatAttention", query_width, key_width) {
  require_size("ConcatAttention", "query width", query_width);
  require_size("ConcatAttention", "key width", key_width);
  require_size("ConcatAttention", "hidden", hidden);
  const int64_t inputs = query_width + key_width;
  weight = uniform_parameter({hidden, inputs}, bound_for(inputs), generator);
  v = uniform_parameter({hidden}, bound_for(hidden), generator);
  add("weight", weight);
  add("v", v);
}

Variable ConcatAttention::prepare(const Variable& keys) const {
  const int64_t inputs = weight.shape()[1], width = keys.shape()[2];
  return linear(keys, slice(weight, 1, inputs - width, inputs));  // (B, T, hidden)
}

Variable ConcatAttention::score(const Variable& query, const Variable& keys) const {
  return perceptron(linear(query, slice(weight, 1, 0, query.shape()[2])), keys, v);
}

// ---- additive -----------------------------------------------------------------------------------
//
//   score(q, k) = vᵀ tanh(W_q q + W_k k)
//
// The same perceptron, written with W = [W_q W_k] cut in two from the start. W_k k does not depend
// on the query: for a decoder it is worked out once per source, as the appendix recommends.
AdditiveAttention::AdditiveAttention(int64_t query_width, int64_t key_width, int64_t hidden,
                                     lib::Generator& generator)
    : Attention("AdditiveAttention", query_width, key_width) {
  require_size("AdditiveAttention", "query width", query_width);
  require_size("AdditiveAttention", "key width", key_width);
  require_size("AdditiveAttention", "hidden", hidden);
  query_weight = uniform_parameter({hidden, query_width}, bound_for(query_width), generator);
  key_weight = uniform_parameter({hidden, key_width}, bound_for(key_width), generator);
  v = uniform_parameter({hidden}, bound_for(hidden), generator);
  add("query_weight", query_weight);
  add("key_weight", key_weight);
  add("v", v);
}

Variable AdditiveAttention::prepare(const Variable& keys) const {
  return linear(keys, key_weight);  // (B, T, hidden)
}

Variable AdditiveAttention::score(const Variable& query, const Variable& keys) const {
  return perceptron(linear(query, query_weight), keys, v);
}

}  // namespace qkv::nn
