// A step of a recurrent decoder asks nobody for memory: after the first few steps all of it comes
// from blocks that the caching allocator (lib/memory.h) has kept. Counted is every operator new of
// this thread, and every block that the allocator had to ask the system for.
#include <doctest/doctest.h>

#include <memory>
#include <tuple>

#include "autograd/ops.h"
#include "lib/memory.h"
#include "nn/recurrent_layers.h"
#include "nn/score_attention.h"
#include "nn/seq2seq.h"
#include "tensor/reduce.h"
#include "tests/allocations.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::allocations;
using qkv::tests::normal;

namespace {

// How often a hundred steps ask for memory, after five that may.
template <class Step>
int64_t asked_by(const Step& step) {
  const autograd::NoGrad quiet;
  for (int i = 0; i < 5; ++i) step();
  const int64_t before = allocations() + lib::memory_stats().system_calls;
  for (int i = 0; i < 100; ++i) step();
  return allocations() + lib::memory_stats().system_calls - before;
}

}  // namespace

TEST_CASE("what asks for memory in every step is counted") {
  std::vector<std::unique_ptr<int>> numbers;
  CHECK(asked_by([&] { numbers.push_back(std::make_unique<int>(3)); }) >= 100);
  std::vector<Tensor> tensors;
  CHECK(asked_by([&] { tensors.push_back(tensor::zeros({1000, 100})); }) >= 100);
}

TEST_CASE("a step of recurrent layers asks for no memory once it has been taken before") {
  for (const Cell cell : {Cell::rnn, Cell::gru, Cell::lstm}) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      for (const auto& [layers, B, hidden] :
           {std::tuple<int64_t, int64_t, int64_t>{1, 1, 1}, {1, 8, 64}, {3, 5, 33}}) {
        lib::Generator g(1);
        RecurrentLayers net({.cell = cell, .in = 17, .hidden = hidden, .layers = layers}, g);
        net.to(dtype);
        net.eval();
        const Variable x = normal({B, 17}, 1, dtype);
        RecurrentStates states;
        CHECK(asked_by([&] { states = net.step(x, std::move(states)); }) == 0);
      }
    }
  }
}

// embedding -> [context; embedding] -> GRU -> attention over the source -> logits -> next symbols
TEST_CASE("a decoder's step with attention asks for no memory once it has been taken before") {
  const int64_t B = 4, T = 9, width = 16;
  lib::Generator g(1);
  Embedding embedding(11, width, g);
  RecurrentLayers net({.cell = Cell::gru, .in = 2 * width, .hidden = width, .layers = 2}, g);
  const Linear logits(2 * width, 11, g);
  net.eval();
  const std::unique_ptr<Attention> kinds[] = {
      std::make_unique<DotAttention>(), std::make_unique<ScaledDotAttention>(),
      std::make_unique<GeneralAttention>(width, width, g),
      std::make_unique<ConcatAttention>(width, width, width, g),
      std::make_unique<AdditiveAttention>(width, width, width, g)};
  const Variable source = normal({B, T, width}, 1, Dtype::float32);
  const Mask mask = Mask::padding({9, 5, 1, 7}, T);
  for (const auto& attention : kinds) {
    Tensor symbols = tensor::zeros({B}, Dtype::int64);
    Variable context = tensor::zeros({B, width});
    RecurrentStates states;
    CHECK(asked_by([&] {
            const Variable x = autograd::concat({context, embedding.forward(symbols)}, -1);
            states = net.step(x, std::move(states));
            const Variable& h = states.back().h;  // (B, width)
            context = attention->forward(h, source, source, mask).output;
            const Variable scores = logits.forward(autograd::concat({context, h}, -1));
            symbols = tensor::argmax(scores.value(), -1);
          }) == 0);
  }
}

TEST_CASE("a step of a whole decoder asks for no memory, with every attention") {
  using enum SourceAttention;
  const Tensor source = Tensor::of<int64_t>({1, 2, 3, 4, 5, 6, 0, 2}, {2, 4});
  const Tensor symbols = Tensor::of<int64_t>({1, 2}, {2});
  for (const SourceAttention kind : {none, additive, dot, scaled_dot, general, concat, local}) {
    for (const bool input_feeding : {false, true}) {
      lib::Generator g(1);
      Seq2Seq model({.source_vocab = 7,
                     .target_vocab = 9,
                     .embedding = 6,
                     .hidden = 8,
                     .cell = Cell::lstm,
                     .attention = kind,
                     .input_feeding = input_feeding},
                    g);
      model.eval();
      const autograd::NoGrad quiet;
      const auto next = model.begin(source, {4, 3});
      CAPTURE(static_cast<int>(kind));
      CAPTURE(input_feeding);
      CHECK(asked_by([&] { static_cast<void>(next->next(symbols)); }) == 0);
    }
  }
}
