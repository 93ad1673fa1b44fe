// Rung 1 of attention: who computes which tiles. The arithmetic is in lib/kernels/attention.inl.
//
//   forward    a unit is a head and 512 of its queries
//   backward   a unit is a head; or, with fewer heads than threads, first 512 queries of a head for
//              dQ, then 512 keys of a head for dK and dV: the weights are computed twice then
//
// No choice made here changes a bit of the results.
#include "lib/attention.h"

#include <algorithm>

#include "lib/kernels/attention_head.h"
#include "lib/matmul.h"
#include "lib/parallel.h"
#include "lib/scratch.h"
#include "lib/simd/dispatch.h"

namespace qkv::lib {
namespace {

template <class T>
struct Kernels {
  void (*forward)(const AttentionHead<T>& head, Range queries, HeadRows<T> O, T* logsumexp,
                  T* scratch);
  void (*backward)(const AttentionHead<T>& head, const HeadGradients<T>& grads, Range queries,
                   Range keys, T* scratch);
};

#define QKV_KERNELS "lib/kernels/attention.inl"
#include "lib/simd/every_isa.inl"

constexpr int64_t kKeysOfUnit = 4 * kKeyTile;

// Head number `index` of B * H, b-major.
template <class T>
struct HeadAt {
  int64_t b, h;
  HeadAt(const AttentionShape& shape, int64_t index)
      : b(index / shape.heads), h(index % shape.heads) {}

  template <class U>
  HeadRows<U> operator()(Heads<U> m) const {
    return {m.data + b * m.batch_stride + h * m.head_stride, m.row_stride};
  }

  AttentionHead<T> operator()(const AttentionProblem<T>& p) const {
    const AttentionMask& mask = p.mask;
    const int64_t at = b * mask.batch_stride + h * mask.head_stride;
    const HeadMask head_mask = {
        .keys = mask.key_lengths ? mask.key_lengths[b * mask.length_stride] : p.shape.keys,
        .offset = p.shape.keys - p.shape.queries,
        .causal = mask.causal,
        .allowed = mask.allowed ? mask.allowed + at : nullptr,
        .query_stride = mask.query_stride,
        .key_stride = mask.key_stride};
    return {p.shape.width, p.shape.value_width, p.scale,      p.slopes ? p.slopes[h] : T(0),
            head_mask,     (*this)(p.Q),        (*this)(p.K), (*this)(p.V)};
  }
};

// How many tiles cover n.
int64_t whole(int64_t n, int64_t tile) { return (n + tile - 1) / tile; }

// Numbers of working memory for a block of queries: per tile of queries `copies` of its rows of
// width D and Dv each; `tiles` of scores; `copies` of a tile of keys.
template <class T>
int64_t scratch_size(const AttentionShape& shape, int64_t copies, int64_t tiles) {
  constexpr int64_t kWidest = 64 / sizeof(T);  // rows are padded to whole registers
  const auto padded = [](int64_t n) { return whole(n, kWidest) * kWidest; };
  const int64_t row = padded(shape.width) + padded(shape.value_width) + 3;
  const int64_t queries = std::min(padded(shape.queries), kQueryBlock);
  return queries * copies * row + kKeyTile * (tiles * kQueryTile + copies * row);
}

// body(begin, end) for chunks of `count` units, each worth handing to a thread.
template <class Body>
void for_each_unit(int64_t count, int64_t flops_per_unit, const Body& body) {
  const int64_t worth = kFlopsWorthSplitting / std::max<int64_t>(1, flops_per_unit);
  parallel_for(count, std::max<int64_t>(1, worth), body);
}

// Would whole heads leave threads idle for longer than computing the weights twice takes? One pass
// is 5 matrix products, two are 7. With t threads, heads take ceil(heads / t) rounds.
bool split_heads(int64_t heads) {
  const int64_t threads = num_threads(), rounds = whole(heads, threads);
  return 7 * heads < 5 * rounds * threads;
}

}  // namespace

template <class T>
void attention(const AttentionProblem<T>& problem, Heads<T> O, T* logsumexp) {
  const AttentionShape& s = problem.shape;
  const Kernels<T>& k = kernels<T>();
  const int64_t blocks = whole(s.queries, kQueryBlock);
  const int64_t flops = 2 * std::min(s.queries, kQueryBlock) * s.keys * (s.width + s.value_width);
  for_each_unit(s.batch * s.heads * blocks, flops, [&](int64_t begin, int64_t end) {
    const Scratch<T> scratch(scratch_size<T>(s, 1, 1));
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t index = unit / blocks, query = unit % blocks * kQueryBlock;
      const HeadAt<T> at(s, index);
      k.forward(at(problem), {query, std::min(query + kQueryBlock, s.queries)}, at(O),
                logsumexp ? logsumexp + index * s.queries : nullptr, scratch.data());
    }
  });
}

template <class T>
void attention_backward(const AttentionProblem<T>& problem, const AttentionResults<T>& results,
                        Heads<const T> dO, const AttentionGradients<T>& grads) {
  const AttentionShape& s = problem.shape;
  const Kernels<T>& k = kernels<T>();
  const auto gradients_of = [&](const HeadAt<T>& at, int64_t index) -> HeadGradients<T> {
    return {at(results.O), at(dO),       results.logsumexp + index * s.queries,
            at(grads.dQ),  at(grads.dK), at(grads.dV)};
  };
  const int64_t heads = s.batch * s.heads,
                row_flops = 2 * s.keys * (3 * s.width + 2 * s.value_width);
  const int64_t query_units = whole(s.queries, kQueryBlock);
  const int64_t key_units = whole(s.keys, kKeysOfUnit);
  const bool split = split_heads(heads) && query_units > 1 && key_units > 1;
  const int64_t units = split ? query_units + key_units : 1;

  for_each_unit(heads * units, row_flops * s.queries / units, [&](int64_t begin, int64_t end) {
    const Scratch<T> scratch(scratch_size<T>(s, 3, 2));
    for (int64_t unit = begin; unit < end; ++unit) {
      const int64_t index = unit / units, part = unit % units;
      const HeadAt<T> at(s, index);
      HeadGradients<T> wanted = gradients_of(at, index);
      Range queries = {0, s.queries}, keys = {0, s.keys};
      if (split && part < query_units) {
        wanted.dK.data = wanted.dV.data = nullptr;
        queries = {part * kQueryBlock, std::min((part + 1) * kQueryBlock, s.queries)};
      } else if (split) {
        wanted.dQ.data = nullptr;
        const int64_t first = (part - query_units) * kKeysOfUnit;
        keys = {first, std::min(first + kKeysOfUnit, s.keys)};
      }
      k.backward(at(problem), wanted, queries, keys, scratch.data());
    }
  });
}

template void attention(const AttentionProblem<float>&, Heads<float>, float*);
template void attention(const AttentionProblem<double>&, Heads<double>, double*);
template void attention_backward(const AttentionProblem<float>&, const AttentionResults<float>&,
                                 Heads<const float>, const AttentionGradients<float>&);
template void attention_backward(const AttentionProblem<double>&, const AttentionResults<double>&,
                                 Heads<const double>, const AttentionGradients<double>&);

}  // namespace qkv::lib
