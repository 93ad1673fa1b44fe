// Mutants of sequence to sequence: paths from the decoder back to the encoder, or back in time, cut
// or taken wrongly. B = 2; three places of the source, the last of the second padding; two steps of
// the decoder.
#include "nn/seq2seq.h"

#include "examples/mutants/modules.h"

namespace qkv::examples {
namespace {

using nn::SourceAttention;

const std::vector<int64_t> kLengths = {3, 2};

Tensor source() { return ids({2, 0, 1, 1, 2, 0}, {2, 3}); }
Tensor target() { return ids({2, 0, 2, 1}, {2, 2}); }

nn::Seq2SeqConfig tiny(SourceAttention attention, bool input_feeding = false) {
  return {.source_vocab = 3,
          .target_vocab = 3,
          .embedding = 2,
          .hidden = 2,
          .cell = nn::Cell::rnn,
          .attention = attention,
          .input_feeding = input_feeding};
}

Variable run(nn::Seq2Seq& model, In) { return model.forward(source(), kLengths, target()).logits; }

Variable same(In in) { return in[0]; }

// What one mutant leaves open, the others run through unchanged.
struct Pieces {
  Function annotations = same;  // the states of the encoder, before they are keys and values
  Function first = same;        // what the bridge gives the decoder to begin with
  Function fed = same;          // h~ of the step before, where it is read again
};

// One step after the other, by the pieces of Seq2Seq; (B, T, target_vocab).
Variable in_steps(nn::Seq2Seq& model, const Pieces& pieces) {
  nn::EncodedSource encoded = model.encode(source(), kLengths);
  encoded.states[0].h = pieces.first({encoded.states[0].h});
  const Variable annotations = pieces.annotations({encoded.memory.keys});
  encoded.memory = model.attention->remember(annotations, annotations, encoded.memory.mask);
  nn::DecoderState state = model.first_state(encoded);
  const Variable embedded = model.embed_target(target());  // (B, T, embedding)
  std::vector<Variable> logits;
  for (int64_t t = 0; t < 2; ++t) {
    if (state.fed.defined()) state.fed = pieces.fed({state.fed});
    const Variable read = reshape(slice(embedded, 1, t, t + 1), {2, 2});
    logits.push_back(model.logits(model.step(read, encoded, state).output));
  }
  return stack(logits, 1);
}

// ---- attention before the step, and input feeding -----------------------------------------------
void step_mutants(Mutants& all) {
  const auto row = [&all](SourceAttention attention, bool feeding, Function Pieces::*place) {
    return of_module(
        all, "seq2seq", {}, maker<nn::Seq2Seq>(tiny(attention, feeding)), run,
        [place](nn::Seq2Seq& model, In, const Function& piece) {
          Pieces pieces;
          pieces.*place = piece;
          return in_steps(model, pieces);
        },
        same);
  };
  const auto additive = row(SourceAttention::additive, false, &Pieces::annotations);
  additive("the attention never looks at the encoder",
           [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
  additive("padding is taken for the last place", [](In, Var dy, Var) -> Grads {
    const Variable last = slice(dy, 1, 1, 2);
    return {concat({slice(dy, 1, 0, 1), last, last}, 1)};
  });
  row(SourceAttention::additive, false, &Pieces::first)(
      "the first state never hears of the decoder",
      [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
  const auto fed = row(SourceAttention::general, true, &Pieces::fed);
  fed("forgets the input feeding", [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
  fed("feeding of one sequence goes to the other", [](In, Var dy, Var) -> Grads {
    return {concat({slice(dy, 0, 1, 2), slice(dy, 0, 0, 1)}, 0)};
  });
}

// ---- attention after the step: all queries at once ----------------------------------------------
void weights_mutants(Mutants& all) {
  const nn::Mask padding = nn::Mask::padding(kLengths, 3);
  const auto row = of_module(
      all, "seq2seq", {}, maker<nn::Seq2Seq>(tiny(SourceAttention::dot)), run,
      [](nn::Seq2Seq& model, In, const Function& weigh) {
        const nn::EncodedSource encoded = model.encode(source(), kLengths);
        const Variable& keys = encoded.memory.keys;  // (B, S, hidden)
        const Variable states =
            model.decoder.forward(model.embed_target(target()), encoded.states).output;
        const Variable scores = reshape(matmul(states, transpose(keys)), {2, 1, 2, 3});
        const Variable context = matmul(reshape(weigh({scores}), {2, 2, 3}), keys);
        return model.logits(autograd::tanh(model.combine.forward(concat({context, states}, -1))));
      },
      [padding](In in) { return nn::attention_weights(in[0], padding); });
  row("forgets the padding mask", [](In in, Var dP, Var) -> Grads {
    const Variable P = softmax(in[0], -1);
    return {P * (dP - sum(dP * P, {-1}, true))};
  });
  row("every step gets the first one's gradient", [](In, Var dP, Var P) -> Grads {
    const Variable right = P * (dP - sum(dP * P, {-1}, true));
    return {expand(slice(right, 2, 0, 1), P.shape())};
  });
}

// ---- no attention: one vector for all steps -----------------------------------------------------
void vector_mutants(Mutants& all) {
  const auto row = of_module(
      all, "seq2seq", {}, maker<nn::Seq2Seq>(tiny(SourceAttention::none)), run,
      [](nn::Seq2Seq& model, In, const Function& spread) {
        const nn::EncodedSource encoded = model.encode(source(), kLengths);
        const Variable embedded = model.embed_target(target());  // (B, T, embedding)
        const Variable context = spread({encoded.context});      // (B, T, hidden)
        const Variable states =
            model.decoder.forward(concat({embedded, context}, -1), encoded.states).output;
        return model.logits(
            autograd::tanh(model.combine.forward(concat({context, states, embedded}, -1))));
      },
      [](In in) {
        return expand(reshape(in[0], {2, 1, 2}), {2, 2, 2});
      });
  row("the vector hears of the first step only",
      [](In, Var dy, Var) -> Grads { return {sum(slice(dy, 1, 0, 1), {1})}; });
  row("the vector gets the mean over the steps",
      [](In, Var dy, Var) -> Grads { return {mean(dy, {1})}; });
}

}  // namespace

void seq2seq_mutants(Mutants& all) {
  all.family = "sequence to sequence";
  step_mutants(all);
  weights_mutants(all);
  vector_mutants(all);
}

}  // namespace qkv::examples
