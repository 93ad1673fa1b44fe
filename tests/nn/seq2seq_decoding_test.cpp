// A Seq2Seq that writes symbol by symbol: the bits of teacher forcing, rows that change places as
// in a beam, and a tiny model that learns to read backwards.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "lib/memory.h"
#include "nn/optimizer.h"
#include "nn/teacher_forcing.h"
#include "tensor/index.h"
#include "tensor/views.h"
#include "tests/allocations.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"
#include "tests/nn/seq2seq_models.h"

using namespace qkv;
using namespace qkv::nn;
using namespace qkv::tests;

namespace {

using Numbers = std::vector<double>;

// Column t of (B, T) or (B, T, C).
Numbers column(const Variable& x, int64_t t) { return tensor::select(x.value(), 1, t).to_vector(); }

constexpr int64_t kSymbols = 6, kBos = 6, kEos = 7;

// Sources of 4 to 6 symbols, and the same backwards.
struct Sequences {
  Sequences(int64_t B, lib::Generator& generator) {
    const Tensor drawn = tensor::integers({B, 7}, 0, kSymbols, generator);
    source = tensor::zeros({B, 6}, Dtype::int64), target = source.clone();
    const int64_t* draw = drawn.data<int64_t>();
    int64_t* from = source.mutable_data<int64_t>();
    int64_t* to = target.mutable_data<int64_t>();
    for (int64_t b = 0; b < B; ++b, draw += 7, from += 6, to += 6) {
      lengths.push_back(4 + draw[6] % 3);
      for (int64_t t = 0; t < lengths.back(); ++t) from[t] = to[lengths.back() - 1 - t] = draw[t];
    }
  }
  Tensor source, target;
  std::vector<int64_t> lengths;
};

}  // namespace

TEST_CASE("decoding symbol by symbol gives the bits of the teacher-forced forward") {
  const Tensor source = symbols({3, 6}, 7, 1), target = symbols({3, 4}, 8, 2);
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{6, 2, 4}, {}}) {
    for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
      for (const Seq2SeqConfig& config : every_form()) {
        const auto model = make_model(config, dtype);
        const auto [logits, weights] = model->forward(source, lengths, target);
        const auto decoding = model->begin(source, lengths);
        CHECK_FALSE(decoding->weights().defined());
        for (int64_t t = 0; t < 4; ++t) {
          const Tensor next = decoding->next(tensor::select(target, 1, t));
          CHECK_MESSAGE(next.to_vector() == column(logits, t), name_of(config));
          if (!weights.defined()) continue;
          CHECK_MESSAGE(decoding->weights().to_vector() == column(weights, t), name_of(config));
        }
      }
    }
  }
}

TEST_CASE("rows go on from whatever row they are told, with its source") {
  const Tensor source = symbols({3, 6}, 7, 1), first = symbols({3}, 8, 2);
  for (const std::vector<int64_t>& lengths : {std::vector<int64_t>{6, 2, 4}, {}}) {
    for (const Seq2SeqConfig& config : every_form()) {
      const auto model = make_model(config);
      const auto decoding = model->begin(source, lengths);
      static_cast<void>(decoding->next(first));
      decoding->reorder({2, 0, 0, 1});
      static_cast<void>(decoding->next(symbols({4}, 8, 3)));
      decoding->reorder({1, 3, 2});  // of sources 0, 1, 0
      const Tensor found = decoding->next(symbols({3}, 8, 4));

      // The same by teacher forcing: row 0 has received first[0], the second of the four, ...
      const Numbers a = first.to_vector(), b = symbols({4}, 8, 3).to_vector(),
                    c = symbols({3}, 8, 4).to_vector();
      std::vector<int64_t> received;
      for (const auto& row : {Numbers{a[0], b[1], c[0]}, {a[1], b[3], c[1]}, {a[0], b[2], c[2]}}) {
        for (const double symbol : row) received.push_back(static_cast<int64_t>(symbol));
      }
      const Tensor sources = tensor::index_select(source, 0, Tensor::of<int64_t>({0, 1, 0}, {3}));
      const auto [logits, weights] =
          model->forward(sources, lengths.empty() ? lengths : std::vector<int64_t>{6, 2, 6},
                         Tensor::of(received, {3, 3}));
      CHECK_MESSAGE(found.to_vector() == column(logits, 2), name_of(config));
      if (!weights.defined()) continue;
      CHECK_MESSAGE(decoding->weights().to_vector() == column(weights, 2), name_of(config));
      decoding->reorder({1, 1});
      CHECK(decoding->weights().shape() == Shape{2, 6});
    }
  }
}

TEST_CASE("a step of decoding asks for no memory once it is warm and keeps none") {
  for (const Seq2SeqConfig& config : every_form()) {
    const auto model = make_model(config, Dtype::float32);
    const auto decoding = model->begin(symbols({3, 6}, 7, 1), {6, 2, 4});
    const Tensor received = symbols({3}, 8, 2);
    for (int64_t t = 0; t < 3; ++t) static_cast<void>(decoding->next(received));
    const lib::MemoryStats before = lib::memory_stats();
    const int64_t calls = allocations();
    for (int64_t t = 0; t < 20; ++t) static_cast<void>(decoding->next(received));
    const int64_t calls_after = allocations();
    const lib::MemoryStats after = lib::memory_stats();
    CHECK_MESSAGE(calls_after == calls, name_of(config));
    CHECK_MESSAGE(after.system_calls == before.system_calls, name_of(config));
    CHECK_MESSAGE(after.live_bytes == before.live_bytes, name_of(config));
  }
}

TEST_CASE("decoding refuses another number of symbols than rows") {
  const auto model = make_model(small(SourceAttention::additive));
  const auto decoding = model->begin(symbols({3, 6}, 7, 1), {});
  CHECK(refusal([&] { return decoding->next(symbols({2}, 8, 2)); }) ==
        "Seq2Seq: symbols are (2,); need one for each of 3 rows");
  CHECK(refusal([&] { decoding->reorder({0, 3}); }) != "not refused");
}

TEST_CASE("decoding is refused while dropout is on") {
  Seq2SeqConfig config = small(SourceAttention::additive);
  config.dropout = 0.25;
  const auto model = make_model(config);
  const Tensor source = symbols({3, 6}, 7, 1);
  CHECK(refusal([&] { static_cast<void>(model->begin(source, {})); }) ==
        "Seq2Seq: begin while dropout 0.25 is on; call eval() first");
  model->eval();
  CHECK(model->begin(source, {})->next(symbols({3}, 8, 2)).shape() == Shape{3, 8});
}

TEST_CASE("a tiny model learns to read backwards, and where to look for it") {
  lib::Generator generator(1);
  Seq2Seq model({.source_vocab = kSymbols,
                 .target_vocab = kSymbols + 2,
                 .embedding = 8,
                 .hidden = 32,
                 .attention = SourceAttention::additive},
                generator);
  Adam optimizer(model.parameters(), {.learning_rate = 0.01});
  double first_loss = 0, last_loss = 0;
  for (int64_t step = 0; step < (short_form() ? 100 : 400); ++step) {
    const Sequences batch(16, generator);
    const auto [input, expected] = teacher_forcing(batch.target, batch.lengths, kBos, kEos);
    const Variable loss =
        cross_entropy(model.forward(batch.source, batch.lengths, input).logits, expected);
    model.zero_grad();
    backward(loss);
    last_loss = loss.item();
    if (step == 0) first_loss = last_loss;
    clip_grad_norm(model.parameters(), 1);
    optimizer.step();
  }
  CHECK(last_loss < 0.7 * first_loss);
  if (short_form()) return;
  model.eval();
  const int64_t B = 50;
  const Sequences unseen(B, generator);
  const DecodingOptions options = {.bos = kBos, .eos = kEos, .max_length = 8};
  const auto first = model.begin(unseen.source, unseen.lengths);
  const Decoded written = greedy(*first, B, options);
  const auto second = model.begin(unseen.source, unseen.lengths);
  const Decoded searched = beam_search(*second, B, options, {.width = 3});
  int64_t right = 0, found = 0, looks = 0, symbols_right = 0;
  for (int64_t b = 0; b < B; ++b) {
    const auto row = static_cast<size_t>(b);
    std::vector<int64_t> wanted;
    for (int64_t t = 0; t < unseen.lengths[row]; ++t) {
      wanted.push_back(static_cast<int64_t>(unseen.target.at({b, t})));
    }
    found += searched.symbols[row] == wanted;
    if (written.symbols[row] != wanted) continue;
    ++right;
    for (int64_t t = 0; t < unseen.lengths[row]; ++t, ++symbols_right) {
      looks += written.weights[row].at({t, unseen.lengths[row] - 1 - t}) > 0.5;
    }
  }
  CHECK(right >= 40);  // of 50; one guess in 10,000 would be right
  CHECK(found >= 40);
  CHECK(4 * looks >= 3 * symbols_right);
}
