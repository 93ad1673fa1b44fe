// Caches of keys and values: a sequence written symbol by symbol gets the logits of the whole
// sequence to the bit, whatever rows it goes on from. Next: kv_cache_memory_test.cpp.
#include "nn/kv_cache.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "nn/encoder_decoder.h"
#include "nn/language_model.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/softmax.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/nn/transformer_models.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tests::for_each_isa;
using qkv::tests::normal;
using qkv::tests::refusal;
using qkv::tests::some_tokens;

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
      const auto decoding = model.begin(3, false);
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
  const auto decoding = model.begin(3, false);
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

TEST_CASE("rows that change places and keep their source see it as before") {
  lib::Generator generator(1);
  EncoderDecoder model(tiny(Positions::sinusoidal), generator);
  const Tensor source = some_tokens({2, 9}, 6), target = some_tokens({4, 5});
  const auto decoding = model.begin(source, {9, 3}, false);
  (void)decoding->next(column(chosen_rows(target, {0, 1}), 0));
  decoding->reorder({0, 0, 1, 1});
  (void)decoding->next(column(target, 1));
  decoding->reorder({1, 0, 3, 3});  // of sources 0, 0, 1, 1, as before
  (void)decoding->next(column(target, 2));
  decoding->reorder({2, 1});  // of sources 1, 0
  const Tensor last = decoding->next(column(chosen_rows(target, {0, 1}), 3));

  const auto at = [&](int64_t row, int64_t t) { return static_cast<int64_t>(target.at({row, t})); };
  // Row 0 was row 2, which was row 3, which was row 1; row 1 was row 1, 0, 0.
  const Tensor received = Tensor::of<int64_t>(
      {at(1, 0), at(3, 1), at(2, 2), at(0, 3), at(0, 0), at(0, 1), at(1, 2), at(1, 3)}, {2, 4});
  const auto whole = model.forward(chosen_rows(source, {1, 0}), {3, 9}, received, false);
  CHECK(last.to_vector() == from(whole.logits, 3));
}

// Of every sequence of four symbols, the log probability up to its EOS: all in one batch.
TEST_CASE("a beam wide enough finds the best of all sequences of a language model") {
  constexpr int64_t kVocab = 4, kLongest = 4, kAll = 256, kBos = 2, kEos = 3;
  int passed_by = 0;
  for (uint64_t seed = 1; seed <= 6; ++seed) {
    lib::Generator generator(seed);
    TransformerConfig config = tiny(Positions::alibi);
    config.vocab = kVocab;
    LanguageModel model(config, generator);
    model.to(Dtype::float64);
    for (const NamedParameter& named : model.named_parameters()) {  // so that it has preferences
      if (named.name == "input.embedding.weight") {
        named.parameter->mutable_value().copy_(tensor::mul(named.parameter->value(), 30));
      }
    }
    std::vector<int64_t> received;
    std::vector<std::vector<int64_t>> sequences;
    for (int64_t number = 0; number < kAll; ++number) {
      sequences.push_back({number / 64, number / 16 % 4, number / 4 % 4, number % 4});
      received.push_back(kBos);
      received.insert(received.end(), sequences.back().begin(), sequences.back().end() - 1);
    }
    const Variable logits = model.forward(Tensor::of(received, {kAll, kLongest})).logits;
    const Tensor log_p = tensor::log_softmax(logits.value(), -1);
    double best = -1e9;
    std::vector<int64_t> symbols;
    for (int64_t b = 0; b < kAll; ++b) {
      std::vector<int64_t>& y = sequences[static_cast<size_t>(b)];
      double total = 0;
      for (int64_t t = 0; t < static_cast<int64_t>(y.size()); ++t) {
        const int64_t symbol = y[static_cast<size_t>(t)];
        total += log_p.at({b, t, symbol});
        if (symbol == kEos) y.resize(static_cast<size_t>(t));
      }
      if (total > best) best = total, symbols = y;
    }
    const DecodingOptions options{.bos = kBos, .eos = kEos, .max_length = kLongest};
    const Decoded found =
        beam_search(*model.begin(2), 2, options, {.width = 200, .length_penalty = 0});
    CHECK(found.symbols == std::vector<std::vector<int64_t>>{symbols, symbols});
    CHECK(std::abs(found.log_probability[0] - best) <= 1e-12);
    passed_by += greedy(*model.begin(1), 1, options).symbols[0] != symbols;
  }
  CHECK(passed_by >= 1);  // else greedy would do
}

TEST_CASE("a cache is refused while a graph is recorded") {
  lib::Generator generator(1);
  LanguageModel model(tiny(Positions::rotary), generator);
  std::vector<KeyValueCache> caches = model.make_caches(2);
  const Tensor tokens = some_tokens({2, 3});
  CHECK(refusal([&] { (void)model.forward(tokens, caches); }) ==
        "MultiHeadAttention: a cache keeps keys and values without their graph, and no gradient "
        "would reach them; go on from a cache inside NoGrad");
  CHECK(caches.front().length() == 0);
  const autograd::NoGrad quiet;
  CHECK(model.forward(tokens, caches).logits.shape() == Shape{2, 3, 7});
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
