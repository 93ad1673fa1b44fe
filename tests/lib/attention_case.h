// One attention with operands, masks and results of its own, for the tests of lib/attention.h.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "lib/attention.h"
#include "lib/random.h"

namespace qkv::tests {

// How the operands lie: (B, H, T, D), or as heads of a projection (B, T, H, D).
enum class Layout { heads_apart, projection };

// What masks there are; `allowed` has the strides that the name says.
enum class MaskKind { none, causal, padding, cells, keys_only, queries_only, transposed, all };
inline constexpr MaskKind kMaskKinds[] = {
    MaskKind::none,      MaskKind::causal,       MaskKind::padding,    MaskKind::cells,
    MaskKind::keys_only, MaskKind::queries_only, MaskKind::transposed, MaskKind::all};

template <class T>
struct AttentionResultsOf {
  std::vector<T> O, L, dQ, dK, dV;
  bool operator==(const AttentionResultsOf&) const = default;
};

// std::vector<bool> has no pointers to hand out.
struct Flags {
  explicit Flags(int64_t n) : cells(static_cast<size_t>(n)) {}
  bool* data() { return reinterpret_cast<bool*>(cells.data()); }
  std::vector<unsigned char> cells;
};

template <class T>
struct AttentionCase {
  lib::AttentionShape shape;
  Layout layout = Layout::heads_apart;
  lib::AttentionMask mask = {};
  double scale = 0.3;
  std::vector<double> slopes = {};  // one per head, or none
  std::vector<double> Q, K, V, dO;  // of every head, (B, H, T, D)
  std::vector<int64_t> lengths = {};
  Flags flags = Flags(0);

  AttentionCase(lib::AttentionShape s, MaskKind kind = MaskKind::none, Layout l = {})
      : shape(s), layout(l) {
    lib::Generator generator(7);
    const int64_t heads = s.batch * s.heads;
    for (auto& [x, n] : {std::pair(&Q, heads * s.queries * s.width),
                         {&K, heads * s.keys * s.width},
                         {&V, heads * s.keys * s.value_width},
                         {&dO, heads * s.queries * s.value_width}}) {
      for (int64_t i = 0; i < n; ++i) x->push_back(static_cast<T>(generator.normal()));
    }
    hide(kind);
  }

  void hide(MaskKind kind) {
    const auto [B, H, Tq, Tk, D, Dv] = shape;
    mask.causal = kind == MaskKind::causal || kind == MaskKind::all;
    if (kind == MaskKind::padding || kind == MaskKind::all) {
      for (int64_t b = 0; b < B; ++b) lengths.push_back(b % 3 == 1 ? 0 : Tk - Tk * b / (B + 1));
      mask.key_lengths = lengths.data();
    }
    if (kind < MaskKind::cells) return;
    flags = Flags(B * H * Tq * Tk);
    lib::Generator generator(9);
    for (unsigned char& cell : flags.cells) cell = generator.uniform() < 0.7;
    // Whole stretches too, so that there are tiles of one colour.
    const auto half = flags.cells.size() / 2;
    for (size_t i = half; i < flags.cells.size() * 3 / 4; ++i) flags.cells[i] = i % 2048 < 1400;
    mask.allowed = flags.data();
    mask.batch_stride = H * Tq * Tk, mask.head_stride = Tq * Tk;
    mask.query_stride = Tk, mask.key_stride = 1;
    if (kind == MaskKind::keys_only) mask.query_stride = mask.head_stride = 0;
    if (kind == MaskKind::queries_only) mask.key_stride = 0;
    if (kind == MaskKind::transposed) mask.query_stride = 1, mask.key_stride = Tq;
  }

  // Where the matrices of T rows of width n lie.
  template <class U>
  lib::Heads<U> heads_of(U* data, int64_t rows, int64_t n) const {
    if (layout == Layout::heads_apart) return {data, shape.heads * rows * n, rows * n, n};
    return {data, rows * shape.heads * n, n, shape.heads * n};
  }

  // (B, H, T, n) -> as the layout has it, and back.
  template <class From, class To>
  void move(const From* from, To* to, int64_t rows, int64_t n, bool back) const {
    const lib::Heads<To> at = heads_of(to, rows, n);
    int64_t i = 0;
    for (int64_t b = 0; b < shape.batch; ++b) {
      for (int64_t h = 0; h < shape.heads; ++h) {
        for (int64_t t = 0; t < rows; ++t) {
          for (int64_t d = 0; d < n; ++d, ++i) {
            const int64_t there = b * at.batch_stride + h * at.head_stride + t * at.row_stride + d;
            to[back ? i : there] = static_cast<To>(from[back ? there : i]);
          }
        }
      }
    }
  }

  // Forward and backward with operands and results in buffers from make(n): anything with data().
  template <class Make>
  AttentionResultsOf<T> run_in(const Make& make, bool fused) const {
    const auto [B, H, Tq, Tk, D, Dv] = shape;
    const auto size = [&](int64_t rows, int64_t n) { return shape.batch * shape.heads * rows * n; };
    auto q = make(size(Tq, D)), k = make(size(Tk, D)), v = make(size(Tk, Dv)),
         d_out = make(size(Tq, Dv)), o = make(size(Tq, Dv)), L = make(size(Tq, 1)),
         dq = make(size(Tq, D)), dk = make(size(Tk, D)), dv = make(size(Tk, Dv));
    move(Q.data(), q->data(), Tq, D, false);
    move(K.data(), k->data(), Tk, D, false);
    move(V.data(), v->data(), Tk, Dv, false);
    move(dO.data(), d_out->data(), Tq, Dv, false);
    const auto in = [&](auto& x, int64_t rows, int64_t n) {
      return heads_of<const T>(x->data(), rows, n);
    };
    const std::vector<T> of_heads(slopes.begin(), slopes.end());
    const lib::AttentionProblem<T> problem = {shape,
                                              mask,
                                              static_cast<T>(scale),
                                              in(q, Tq, D),
                                              in(k, Tk, D),
                                              in(v, Tk, Dv),
                                              slopes.empty() ? nullptr : of_heads.data()};
    const auto O = heads_of<T>(o->data(), Tq, Dv);
    (fused ? lib::attention<T> : lib::attention_definition<T>)(problem, O, L->data());
    (fused ? lib::attention_backward<T>
           : lib::attention_backward_definition<T>)(problem, {in(o, Tq, Dv), L->data()},
                                                    in(d_out, Tq, Dv),
                                                    {heads_of<T>(dq->data(), Tq, D),
                                                     heads_of<T>(dk->data(), Tk, D),
                                                     heads_of<T>(dv->data(), Tk, Dv)});
    const auto out = [&](auto& x, int64_t rows, int64_t n) {
      std::vector<T> values(static_cast<size_t>(size(rows, n)));
      move(x->data(), values.data(), rows, n, true);
      return values;
    };
    const T* const l = L->data();
    return {out(o, Tq, Dv), std::vector<T>(l, l + size(Tq, 1)), out(dq, Tq, D), out(dk, Tk, D),
            out(dv, Tk, Dv)};
  }

  [[nodiscard]] AttentionResultsOf<T> run(bool fused = true) const {
    return run_in(
        [](int64_t n) {
          return std::make_unique<std::vector<T>>(static_cast<size_t>(n), static_cast<T>(-77));
        },
        fused);
  }
};

// The same numbers by the definition, in double precision.
template <class T>
AttentionResultsOf<double> truth_of(const AttentionCase<T>& c) {
  AttentionCase<double> exact(c.shape);
  exact.Q = c.Q, exact.K = c.K, exact.V = c.V, exact.dO = c.dO;
  for (const double slope : c.slopes) exact.slopes.push_back(static_cast<T>(slope));
  exact.mask = c.mask, exact.scale = static_cast<double>(static_cast<T>(c.scale));
  return exact.run(false);
}

}  // namespace qkv::tests
