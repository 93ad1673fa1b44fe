// Sequence to sequence: by the papers' equations, blind to padding and to what comes later, and
// with an eye on the whole source. Next: seq2seq_decoding_test.cpp.
#include "nn/seq2seq.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/dependency.h"
#include "autograd/engine.h"
#include "autograd/graph.h"
#include "autograd/ops.h"
#include "nn/optimizer.h"
#include "nn/teacher_forcing.h"
#include "tensor/views.h"
#include "tests/compare.h"
#include "tests/nn/seq2seq_models.h"
#include "tests/normal.h"

using namespace qkv;
using namespace qkv::nn;
using autograd::dependency;
using namespace qkv::tests;

namespace {

using Numbers = std::vector<double>;

Numbers numbers(const Variable& x) { return x.value().to_vector(); }

// The embedded source and the embedded target, as leaves of a dependency: what the first and the
// second embedding of the graph have given.
std::vector<Variable> embedded(const Variable& result) {
  std::vector<Variable> found;
  for (const auto& node : nodes_behind(result)) {
    if (std::string(node->op) == "embedding") {
      found.emplace_back(tensor::zeros(node->shape, Dtype::float64), node);
    }
  }
  return found;
}

// Position t of (B, T, C), as (B, C).
Variable at(const Variable& x, int64_t t) { return select(x, 1, t); }

}  // namespace

TEST_CASE("seq2seq gives scores for every position and weights for every place of the source") {
  for (const Seq2SeqConfig& config : every_form()) {
    const auto model = make_model(config, Dtype::float32);
    const auto [logits, weights] = model->forward(symbols({3, 5}, 7, 1), {}, symbols({3, 4}, 8, 2));
    CHECK(logits.shape() == Shape{3, 4, 8});
    CHECK(weights.defined() == (config.attention != SourceAttention::none));
    if (weights.defined()) CHECK(weights.shape() == Shape{3, 4, 5});
    for (const double score : numbers(logits)) CHECK(std::isfinite(score));
  }
}

TEST_CASE("with additive attention seq2seq is the equations of Bahdanau et al. 2015") {
  Seq2SeqConfig config = small(SourceAttention::additive);
  const auto model = make_model(config);
  const Tensor source = symbols({2, 5}, 7, 1), target = symbols({2, 3}, 8, 2);
  const auto [logits, weights] = model->forward(source, {}, target);

  const Variable x = model->source_embedding.forward(source),
                 y = model->target_embedding.forward(target);
  const auto& [there, back] = std::tie(*model->encoder.layers[0], *model->encoder.layers[1]);
  const auto from_left = there.forward(x),
             from_right = back.forward(x, {}, {}, Direction::backward);
  const Variable h = autograd::concat({from_left.output, from_right.output}, -1);
  Variable s = tanh(
      model->bridge[0]->forward(autograd::concat({from_left.state.h, from_right.state.h}, -1)));
  for (int64_t t = 0; t < 3; ++t) {
    const auto [c, a] = model->attention->forward(s, h, h);
    s = model->decoder.layers[0]->step(autograd::concat({at(y, t), c}, -1), {s}).h;
    const Variable g = tanh(model->combine.forward(autograd::concat({c, s, at(y, t)}, -1)));
    CHECK(numbers(at(logits, t)) == numbers(model->output.forward(g)));
    CHECK(numbers(at(weights, t)) == numbers(a));
  }
}

TEST_CASE(
    "with general attention and input feeding seq2seq is the equations of Luong et al. 2015") {
  Seq2SeqConfig config = small(SourceAttention::general);
  config.bidirectional = false;
  config.cell = Cell::lstm;
  for (const bool feeding : {false, true}) {
    config.input_feeding = feeding;
    const auto model = make_model(config);
    const Tensor source = symbols({2, 5}, 7, 1), target = symbols({2, 3}, 8, 2);
    const auto [logits, weights] = model->forward(source, {}, target);
    const auto [h, last] =
        model->encoder.layers[0]->forward(model->source_embedding.forward(source));
    const Variable y = model->target_embedding.forward(target);
    RecurrentState s = last;
    Variable attentional = tensor::zeros({2, 4}, Dtype::float64);
    for (int64_t t = 0; t < 3; ++t) {
      const Variable read = feeding ? autograd::concat({at(y, t), attentional}, -1) : at(y, t);
      s = model->decoder.layers[0]->step(read, s);
      const auto [c, a] = model->attention->forward(s.h, h, h);
      attentional = tanh(model->combine.forward(autograd::concat({c, s.h}, -1)));
      CHECK(numbers(at(logits, t)) == numbers(model->output.forward(attentional)));
      CHECK(numbers(at(weights, t)) == numbers(a));
    }
  }
}

TEST_CASE("without attention all that the decoder knows of the source is one vector") {
  const auto model = make_model(small(SourceAttention::none));
  const EncodedSource encoded = model->encode(symbols({2, 5}, 7, 1), {5, 3});
  CHECK(encoded.context.shape() == Shape{2, 4});
  CHECK(numbers(encoded.context) == numbers(encoded.states.back().h));
  CHECK_FALSE(encoded.memory.keys.defined());
  DecoderState state = model->first_state(encoded);
  const Variable y = model->embed_target(symbols({2}, 8, 2));
  const Variable g = model->step(y, encoded, state).output;
  const Variable s = model->decoder.layers[0]
                         ->step(autograd::concat({y, encoded.context}, -1), {encoded.context})
                         .h;
  CHECK(numbers(g) ==
        numbers(tanh(model->combine.forward(autograd::concat({encoded.context, s, y}, -1)))));
}

TEST_CASE("every source position reaches every output and a later target symbol none") {
  for (const Seq2SeqConfig& config : every_form()) {
    const auto model = make_model(config);
    const auto [logits, weights] =
        model->forward(symbols({2, 4}, 7, 1), {4, 2}, symbols({2, 3}, 8, 2));
    const auto leaves = embedded(logits);
    REQUIRE(leaves.size() == 2);
    CHECK_MESSAGE(dependency(logits, leaves[0]).str() ==
                      "# # # #   . . . .\n# # # #   . . . .\n# # # #   . . . .\n\n"
                      ". . . .   # # . .\n. . . .   # # . .\n. . . .   # # . .\n",
                  name_of(config));
    CHECK_MESSAGE(dependency(logits, leaves[1]).str() ==
                      "# . .   . . .\n# # .   . . .\n# # #   . . .\n\n"
                      ". . .   # . .\n. . .   # # .\n. . .   # # #\n",
                  name_of(config));
    if (!weights.defined()) continue;
    CHECK_MESSAGE(dependency(weights, leaves[0]).str() ==
                      "# # # #   . . . .\n# # # #   . . . .\n# # # #   . . . .\n\n"
                      ". . . .   # # . .\n. . . .   # # . .\n. . . .   # # . .\n",
                  name_of(config));
  }
}

TEST_CASE("each step of the decoder looks at the source itself and not only at the first state") {
  for (const Seq2SeqConfig& config : every_form()) {
    if (config.attention == SourceAttention::none || config.attention == SourceAttention::local)
      continue;
    const auto model = make_model(config);
    EncodedSource encoded = model->encode(symbols({1, 4}, 7, 1), {3});
    const Variable keys = autograd::parameter(encoded.memory.keys.value().clone());
    encoded.memory = model->attention->remember(keys, keys, encoded.memory.mask);
    DecoderState state = model->first_state(encoded);
    for (int64_t t = 0; t < 2; ++t) {
      const auto [output, weights] =
          model->step(model->embed_target(symbols({1}, 8, 2)), encoded, state);
      CHECK_MESSAGE(dependency(output, keys).str() == "# # # .\n", name_of(config));
      CHECK_MESSAGE(dependency(weights, keys).str() == "# # # .\n", name_of(config));
    }
  }
}

TEST_CASE("a source alone and in a padded batch gives the same bits and padding no gradient") {
  for (const Dtype dtype : {Dtype::float32, Dtype::float64}) {
    for (const Seq2SeqConfig& config : every_form()) {
      const auto model = make_model(config, dtype);
      const Tensor source = symbols({3, 13}, 7, 1), target = symbols({3, 4}, 8, 2);
      const auto batch = model->forward(source, {13, 9, 0}, target);
      const auto alone = model->forward(tensor::slice(tensor::slice(source, 0, 1, 2), 1, 0, 9), {},
                                        tensor::slice(target, 0, 1, 2));
      const Variable row = slice(batch.logits, 0, 1, 2);
      CHECK_MESSAGE(numbers(row) == numbers(alone.logits), name_of(config));
      const Variable cotangent = normal({1, 4, 8}, 3, dtype);
      const auto found = grad({row}, model->parameters(), {cotangent});
      const auto wanted = grad({alone.logits}, model->parameters(), {cotangent});
      for (size_t i = 0; i < wanted.size(); ++i) {
        CHECK_MESSAGE(numbers(found[i]) == numbers(wanted[i]), name_of(config), ", parameter ", i);
      }
      if (!alone.weights.defined()) continue;
      const Variable weights = slice(batch.weights, 0, 1, 2);
      CHECK(numbers(slice(weights, 2, 0, 9)) == numbers(alone.weights));
      CHECK(numbers(slice(weights, 2, 9, 13)) == Numbers(16, 0.0));
    }
  }
}

TEST_CASE("with v = 0 additive attention looks at all of the source alike at step 0") {
  const auto model = make_model(small(SourceAttention::additive), Dtype::float32);
  for (const auto& [name, parameter] : model->named_parameters()) {
    if (name == "attention.v") parameter->mutable_value().fill_(0);
  }
  const Tensor source = symbols({2, 4}, 7, 1), target = symbols({2, 3}, 8, 2);
  const Variable weights = model->forward(source, {4, 2}, target).weights;
  for (int64_t t = 0; t < 3; ++t) {
    CHECK(numbers(at(weights, t)) == Numbers{0.25, 0.25, 0.25, 0.25, 0.5, 0.5, 0, 0});
  }
}

TEST_CASE("dropout is drawn in training only and never twice the same") {
  for (Seq2SeqConfig config : every_form()) {
    config.dropout = 0.5;
    const auto model = make_model(config);
    const Tensor source = symbols({2, 4}, 7, 1), target = symbols({2, 3}, 8, 2);
    const auto logits = [&] { return numbers(model->forward(source, {4, 2}, target).logits); };
    CHECK_MESSAGE(logits() != logits(), name_of(config));
    model->eval();
    const Numbers dry = logits();
    CHECK(dry == logits());
    config.dropout = 0;
    CHECK(dry == numbers(make_model(config)->forward(source, {4, 2}, target).logits));
  }
}

TEST_CASE("seq2seq names its parameters by the path to them") {
  Seq2SeqConfig config = small(SourceAttention::additive);
  config.cell = Cell::lstm;
  const auto model = make_model(config);
  std::string list;
  for (const auto& [name, p] : model->named_parameters()) {
    if (name.find("bias") == std::string::npos) list += lib::str(name, " ", p->shape(), "\n");
  }
  CHECK(list ==
        "source_embedding.weight (7, 3)\ntarget_embedding.weight (8, 3)\n"
        "encoder.0.weight_ih (16, 3)\nencoder.0.weight_hh (16, 4)\n"
        "encoder.0_reverse.weight_ih (16, 3)\nencoder.0_reverse.weight_hh (16, 4)\n"
        "decoder.0.weight_ih (16, 11)\ndecoder.0.weight_hh (16, 4)\n"
        "bridge.0.weight (4, 8)\nbridge.1.weight (4, 8)\n"
        "attention.query_weight (4, 4)\nattention.key_weight (4, 8)\nattention.v (4,)\n"
        "combine.weight (4, 15)\noutput.weight (8, 4)\n");
}

TEST_CASE("seq2seq refuses what does not fit in one sentence") {
  const auto model = make_model(small(SourceAttention::general));
  const auto refused = [&](const Shape& source, const std::vector<int64_t>& lengths,
                           const Shape& target) {
    return refusal(
        [&] { return model->forward(symbols(source, 7, 1), lengths, symbols(target, 8, 2)); });
  };
  CHECK(refused({2, 4}, {}, {3, 2}) ==
        "Seq2Seq: source is (2, 4), target (3, 2); need (B, S) and (B, T), with at least one "
        "position");
  CHECK(refused({2, 4}, {}, {2, 0}).starts_with("Seq2Seq: source is (2, 4), target (2, 0); "));
  CHECK(refused({4}, {}, {4, 1}).starts_with("Seq2Seq: source is (4,), "));
  CHECK(refusal([&] { return model->begin(symbols({4}, 7, 1), {}); }) ==
        "Seq2Seq: source is (4,); need (B, S)");
  CHECK(refused({2, 4}, {4}, {2, 1}).find("1 lengths for 2 sequences") != std::string::npos);
  CHECK(refused({2, 4}, {4, 5}, {2, 1}).find("length 5 is outside [0, 4]") != std::string::npos);
  CHECK(refusal([&] {
          return model->forward(symbols({2, 4}, 7, 1), {}, tensor::full({2, 1}, 8, Dtype::int64));
        }) != "not refused");
  Seq2SeqConfig config = small(SourceAttention::local);
  config.window = 0;
  CHECK(refusal([&] { make_model(config); }) == "LocalAttention: window is 0; need at least 1");
  config.hidden = 0;
  CHECK(refusal([&] { make_model(config); }) != "not refused");
  config = small(SourceAttention::none);
  config.dropout = 1;
  CHECK(refusal([&] { make_model(config); }) != "not refused");
}
