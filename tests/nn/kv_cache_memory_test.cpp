// What a step with a cache costs: memory that grows with the length and not with its square, and
// none that the system is asked for.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "lib/memory.h"
#include "nn/encoder_decoder.h"
#include "nn/language_model.h"
#include "tensor/views.h"
#include "tests/allocations.h"
#include "tests/nn/transformer_models.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::allocations;
using qkv::tests::some_tokens;

namespace {

constexpr TransformerConfig kSmall = {.vocab = 7,
                                      .source_vocab = 6,
                                      .width = 16,
                                      .heads = 4,
                                      .layers = 2,
                                      .feed_forward = 20,
                                      .max_length = 512,
                                      .norm = Norm::pre,
                                      .positions = Positions::rotary};

// What the work takes at the most, in bytes.
template <class Work>
int64_t peak_of(const Work& work) {
  const int64_t before = lib::memory_stats().live_bytes;
  lib::reset_peak_memory();
  work();
  return lib::memory_stats().peak_bytes - before;
}

}  // namespace

// Bytes at the most, with weights, so that the scores are among them. Lengths are powers of two, of
// which the allocator wastes nothing.
TEST_CASE("the memory of a step grows with the length and not with its square") {
  lib::Generator generator(1);
  LanguageModel model(kSmall, generator);
  const autograd::NoGrad quiet;
  std::vector<KeyValueCache> caches = model.make_caches(1);
  std::vector<int64_t> steps, wholes;
  for (const int64_t T : {128, 256, 512}) {
    const Tensor tokens = some_tokens({1, T});
    const int64_t before = caches.front().length();
    (void)model.forward(tensor::slice(tokens, 1, before, T - 1), caches);
    steps.push_back(
        peak_of([&] { (void)model.forward(tensor::slice(tokens, 1, T - 1, T), caches); }));
    wholes.push_back(peak_of([&] { (void)model.forward(tokens); }));
  }
  // a + b T: the same for every further key, at most some rows of scores (1, 4, 1, T) at a time.
  CHECK(steps[2] - steps[1] == 2 * (steps[1] - steps[0]));
  CHECK(steps[2] - steps[1] <= 6 * 4 * 256 * 4);
  CHECK(wholes[2] - wholes[1] > 3 * (wholes[1] - wholes[0]));  // with the square
}

// Steps make a list here and there, by operator new; the numbers all come from blocks that the
// allocator has kept.
TEST_CASE("a step asks operator new as often as the first one and the system for nothing") {
  lib::Generator generator(1);
  LanguageModel model(kSmall, generator);
  EncoderDecoder translator(kSmall, generator);
  const Tensor tokens = some_tokens({3, 40}), source = some_tokens({3, 9}, 6);
  std::vector<Tensor> columns;
  for (int64_t t = 0; t < 40; ++t) columns.push_back(tensor::select(tokens, 1, t).contiguous());
  struct Asked {
    int64_t live = 0, system = 0, at_first = 0, at_last = 0;  // operator new in two single steps
  };
  const auto all_steps = [&](NextSymbol& decoding) {
    (void)decoding.next(columns[0]);
    Asked asked;
    const lib::MemoryStats before = lib::memory_stats();
    for (size_t t = 1; t < 40; ++t) {
      const int64_t earlier = allocations();
      (void)decoding.next(columns[t]);
      asked.at_last = allocations() - earlier;
      if (t == 1) asked.at_first = asked.at_last;
    }
    asked.live = lib::memory_stats().live_bytes - before.live_bytes;
    asked.system = lib::memory_stats().system_calls - before.system_calls;
    return asked;
  };
  for (const bool need_weights : {false, true}) {
    for (const bool translates : {false, true}) {
      CAPTURE(need_weights);
      CAPTURE(translates);
      const auto run = [&] {
        if (translates) return all_steps(*translator.begin(source, {9, 4, 1}, need_weights));
        return all_steps(*model.begin(3, need_weights));
      };
      (void)run();
      const Asked asked = run();
      CHECK(asked.system == 0);
      if (!need_weights) CHECK(asked.live == 0);  // weights of the last step are kept
      CHECK(asked.at_last == asked.at_first);
      CHECK(asked.at_last <= 50);
    }
  }
}
