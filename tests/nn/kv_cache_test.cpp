// Caches of keys and values: a sequence written symbol by symbol gets the logits of the whole
// sequence to the bit, for work that grows with its length and not with its square.
#include "nn/kv_cache.h"

#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/graph.h"
#include "lib/memory.h"
#include "nn/encoder_decoder.h"
#include "nn/language_model.h"
#include "tensor/index.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::for_each_isa;
using qkv::tests::normal;
using qkv::tests::refusal;

namespace {

using Numbers = std::vector<double>;

TransformerConfig tiny(Positions positions, int64_t kv_heads = 0, int64_t window = 0) {
  return {.vocab = 7,
          .source_vocab = 6,
          .width = 16,
          .heads = 4,
          .kv_heads = kv_heads,
          .window = window,
          .layers = 2,
          .feed_forward = 20,
          .max_length = 40,
          .norm = positions == Positions::learned ? Norm::post : Norm::pre,
          .positions = positions,
          .activation = Activation::gelu,
          .tied_embeddings = positions == Positions::alibi};
}

// Every kind of positions, with fewer heads of keys, and with windows.
const std::vector<TransformerConfig> kConfigs = {
    tiny(Positions::sinusoidal), tiny(Positions::learned, 2),  tiny(Positions::rotary),
    tiny(Positions::alibi),      tiny(Positions::none, 1, 9),  tiny(Positions::rotary, 2, 5),
    tiny(Positions::alibi, 1),   tiny(Positions::alibi, 2, 1), tiny(Positions::sinusoidal, 4, 40)};

Tensor some_tokens(const Shape& shape, int64_t vocab) {
  lib::Generator generator(3);
  return tensor::integers(shape, 0, vocab, generator);
}

Tensor column(const Tensor& tokens, int64_t t) { return tensor::select(tokens, 1, t).contiguous(); }

// The logits of every step, side by side as forward has them: (R, T, vocab).
Numbers step_by_step(NextSymbol& model, const Tensor& tokens, int64_t begin = 0) {
  std::vector<Tensor> logits;
  for (int64_t t = begin; t < tokens.shape()[1]; ++t)
    logits.push_back(model.next(column(tokens, t)));
  return tensor::stack(logits, 1).to_vector();
}

Numbers from(const Variable& logits, int64_t t) {
  return tensor::slice(logits.value(), 1, t, logits.shape()[1]).to_vector();
}

}  // namespace

TEST_CASE("a language model step by step gives the logits of the whole to the bit") {
  for (const TransformerConfig& config : kConfigs) {
    lib::Generator generator(1);
    LanguageModel model(config, generator);
    for_each_isa([&] {
      for (const bool need_weights : {false, true}) {
        for (const int64_t R : {1, 3}) {
          INFO(lib::isa_name(lib::active_isa()), ", positions ", static_cast<int>(config.positions),
               ", weights ", need_weights, ", rows ", R);
          const Tensor tokens = some_tokens({R, 40}, 7);
          const Numbers whole = from(model.forward(tokens, {}, need_weights).logits, 0);
          CHECK(step_by_step(*model.begin(R, need_weights), tokens) == whole);
        }
      }
    });
  }
}

TEST_CASE("a prompt at once gives the same bits as its symbols one by one") {
  for (const TransformerConfig& config : kConfigs) {
    lib::Generator generator(1);
    LanguageModel model(config, generator);
    const Tensor tokens = some_tokens({3, 40}, 7);
    const Variable whole = model.forward(tokens, {}, false).logits;
    for (const int64_t P : {1, 17, 33}) {
      const auto decoding = model.begin(3);
      const Tensor last = decoding->prompt(tensor::slice(tokens, 1, 0, P));
      CHECK(last.to_vector() == tensor::select(whole.value(), 1, P - 1).to_vector());
      CHECK(step_by_step(*decoding, tokens, P) == from(whole, P));
    }
  }
}

// The kernels take 128 keys at a time, and leave out a tile that is hidden from all its queries.
TEST_CASE("steps beyond the first tile of keys give the bits of the whole") {
  for (TransformerConfig config :
       {tiny(Positions::rotary), tiny(Positions::alibi, 2, 5), tiny(Positions::none, 1, 150)}) {
    config.max_length = 270;
    lib::Generator generator(1);
    LanguageModel model(config, generator);
    const Tensor tokens = some_tokens({2, 270}, 7);
    for (const bool need_weights : {false, true}) {
      const Variable whole = model.forward(tokens, {}, need_weights).logits;
      const auto decoding = model.begin(2, need_weights);
      (void)decoding->prompt(tensor::slice(tokens, 1, 0, 120));
      CHECK(step_by_step(*decoding, tokens, 120) == from(whole, 120));
    }
  }
}

TEST_CASE("an encoder-decoder step by step gives the logits of the whole to the bit") {
  for (const TransformerConfig& config : kConfigs) {
    lib::Generator generator(1);
    EncoderDecoder model(config, generator);
    for_each_isa([&] {
      for (const bool need_weights : {false, true}) {
        INFO(lib::isa_name(lib::active_isa()), ", positions ", static_cast<int>(config.positions),
             ", ", need_weights);
        const Tensor source = some_tokens({3, 19}, 6), target = some_tokens({3, 23}, 7);
        const std::vector<int64_t> lengths = {19, 1, 7};
        const auto whole = model.forward(source, lengths, target, need_weights);
        const auto decoding = model.begin(source, lengths, need_weights);
        CHECK(step_by_step(*decoding, target) == from(whole.logits, 0));
        CHECK(decoding->weights().defined() == need_weights);
        if (!need_weights) continue;
        const Tensor cross = whole.cross_weights.back().value();  // (3, H, 23, 19)
        const Tensor first_head = tensor::select(tensor::select(cross, 1, 0), 1, 22);
        CHECK(decoding->weights().to_vector() == first_head.to_vector());
        CHECK(decoding->last().cross_weights.size() == 2);
      }
    });
  }
}

TEST_CASE("rows go on from the rows that they are told to") {
  lib::Generator generator(1);
  LanguageModel model(tiny(Positions::rotary, 2), generator);
  const Tensor tokens = some_tokens({3, 12}, 7);
  const std::vector<int64_t> rows = {2, 0, 0, 1};
  const auto decoding = model.begin(3);
  decoding->prompt(tensor::slice(tokens, 1, 0, 6));
  decoding->reorder({0, 1, 2});
  decoding->reorder(rows);
  const Tensor chosen = chosen_rows(tokens, rows);
  const Variable whole = model.forward(chosen, {}, false).logits;
  CHECK(step_by_step(*decoding, chosen, 6) == from(whole, 6));
}

TEST_CASE("sources and their lengths go with the rows of an encoder-decoder") {
  lib::Generator generator(1);
  EncoderDecoder model(tiny(Positions::sinusoidal), generator);
  const Tensor source = some_tokens({3, 9}, 6), target = some_tokens({3, 12}, 7);
  const std::vector<int64_t> rows = {1, 2, 1, 0}, lengths = {9, 2, 5},
                             chosen_lengths = {2, 5, 2, 9};
  for (const bool padded : {true, false}) {
    const auto decoding = model.begin(source, padded ? lengths : std::vector<int64_t>(), false);
    for (int64_t t = 0; t < 5; ++t) (void)decoding->next(column(target, t));
    decoding->reorder(rows);
    const Tensor chosen = chosen_rows(target, rows);
    const auto whole = model.forward(
        chosen_rows(source, rows), padded ? chosen_lengths : std::vector<int64_t>(), chosen, false);
    CHECK(step_by_step(*decoding, chosen, 5) == from(whole.logits, 5));
  }
}

TEST_CASE("a beam in a language model finds what the model scores best") {
  lib::Generator generator(4);
  LanguageModel model(tiny(Positions::alibi), generator);
  const DecodingOptions options{.bos = 5, .eos = 6, .max_length = 8};
  const Decoded greedy_ones = greedy(*model.begin(2), 2, options);
  const Decoded best = beam_search(*model.begin(2), 2, options, {.width = 5, .length_penalty = 0});
  CHECK(best.symbols[0] == best.symbols[1]);
  CHECK(best.log_probability[0] >= greedy_ones.log_probability[0]);
}

// What a step records, counted: the numbers in its results. With weights the scores are among them.
TEST_CASE("the work of a step grows with the length and not with its square") {
  lib::Generator generator(1);
  TransformerConfig config = tiny(Positions::rotary);
  config.max_length = 200;
  LanguageModel model(config, generator);
  const auto numbers_behind = [](const Variable& logits) {
    int64_t count = 0;
    for (const auto& node : autograd::nodes_behind(logits)) count += node->shape.numel();
    return count;
  };
  std::vector<KeyValueCache> caches = model.make_caches(1);
  std::vector<int64_t> steps, wholes;
  for (const int64_t T : {50, 100, 200}) {
    const Tensor tokens = some_tokens({1, T}, 7);
    const int64_t before = caches.front().length();
    {
      const autograd::NoGrad quiet;
      (void)model.proceed(tensor::slice(tokens, 1, before, T - 1), caches);
    }
    steps.push_back(
        numbers_behind(model.proceed(tensor::slice(tokens, 1, T - 1, T), caches).logits));
    wholes.push_back(numbers_behind(model.forward(tokens).logits));
  }
  // a + b T: the same for every further key, 2 layers of 4 heads with some results of (1, T) each.
  CHECK(steps[2] - steps[1] == 2 * (steps[1] - steps[0]));
  CHECK(steps[2] - steps[1] <= 100 * 2 * 4 * 4);
  CHECK(wholes[2] - wholes[1] > 3 * (wholes[1] - wholes[0]));  // with the square
}

TEST_CASE("steps ask the system for no memory once it is warm and keep none") {
  lib::Generator generator(1);
  LanguageModel model(tiny(Positions::alibi, 2), generator);
  const Tensor tokens = some_tokens({3, 40}, 7);
  const auto all_steps = [&] {
    const auto decoding = model.begin(3);
    (void)decoding->next(column(tokens, 0));
    const int64_t before = lib::memory_stats().live_bytes;
    for (int64_t t = 1; t < 40; ++t) (void)decoding->next(column(tokens, t));
    return lib::memory_stats().live_bytes - before;
  };
  (void)all_steps();
  const int64_t calls = lib::memory_stats().system_calls;
  CHECK(all_steps() == 0);
  CHECK(lib::memory_stats().system_calls == calls);

  EncoderDecoder translator(tiny(Positions::rotary, 2), generator);
  const auto translate = [&] {
    const auto decoding = translator.begin(some_tokens({3, 9}, 6), {9, 4, 1}, false);
    for (int64_t t = 0; t < 40; ++t) (void)decoding->next(column(tokens, t));
  };
  translate();
  const int64_t more_calls = lib::memory_stats().system_calls;
  translate();
  CHECK(lib::memory_stats().system_calls == more_calls);
}

TEST_CASE("a cache keeps what it is given and refuses what does not fit") {
  KeyValueCache cache(2, 3, 4, 5, Dtype::float64);
  const Tensor keys = normal({2, 3, 3, 5}, 1), values = normal({2, 3, 3, 5}, 2);
  cache.append(tensor::slice(keys, 2, 0, 2), tensor::slice(values, 2, 0, 2));
  cache.append(tensor::slice(keys, 2, 2, 3), tensor::slice(values, 2, 2, 3));
  CHECK(cache.length() == 3);
  CHECK(cache.keys().to_vector() == keys.to_vector());
  CHECK(cache.values().to_vector() == values.to_vector());
  const auto append = [&](const Shape& k, const Shape& v) {
    return refusal([&] { cache.append(normal(k, 1), normal(v, 1)); });
  };
  CHECK(append({2, 3, 2, 5}, {2, 3, 2, 5}) ==
        "KeyValueCache: keys are (2, 3, 2, 5), the cache is (2, 3, 4, 5) and holds 3 positions; "
        "they do not fit");
  CHECK(append({2, 3, 1, 4}, {2, 3, 1, 4}) != "not refused");
  CHECK(
      append({2, 3, 1, 5}, {2, 3, 1, 4}) ==
      "KeyValueCache: keys are (2, 3, 1, 5), values (2, 3, 1, 4); need (R, H, T, D), the same for "
      "both");
  CHECK(refusal([&] { cache.reorder({0, 2}); }) != "not refused");
  CHECK(refusal([] { KeyValueCache(1, 0, 4, 5); }) ==
        "KeyValueCache: rows 1, heads 0, capacity 4, width 5; need at least 1 of each");
}
