// Mutants of the Transformer's layers: heads, residuals, and who looks at whom. The operations are
// right; what is between them is not. Next: models.cpp, layers one on top of the other.
#include "examples/mutants/modules.h"
#include "examples/mutants/pieces.h"
#include "nn/positions.h"

namespace qkv::examples {
namespace {

// (B, T, C) = (2, 3, 4) to (B, H, T, D) = (2, 2, 3, 2), and back
Variable split_heads(Var x) { return transpose(reshape(x, {2, 3, 2, 2}), 1, 2); }
Variable join_heads(In in) { return reshape(transpose(in[0], 1, 2), {2, 3, 4}); }

// ---- multi-head attention: x (B, T, C) attends to itself ----------------------------------------
Variable attend_to_self(const nn::MultiHeadAttention& module, In in) {
  return module.forward(in[0], in[0], in[0], {}, false).output;
}

Variable multi_head(const nn::MultiHeadAttention& module, In in, const Function& project,
                    const Function& join) {
  const nn::Linear &q = module.query, &k = module.key, &v = module.value;
  const Variable all = project({in[0], q.weight, q.bias, k.weight, k.bias, v.weight, v.bias});
  const Variable Q = split_heads(slice(all, 2, 0, 4)), K = split_heads(slice(all, 2, 4, 8));
  const Variable V = split_heads(slice(all, 2, 8, 12));
  return module.out.forward(join({attention(Q, K, V)}));  // (B, T, C)
}

// x, and weight and bias three times -> (B, T, 3 C)
Variable projections(In in) {
  return concat(
      {linear(in[0], in[1], in[2]), linear(in[0], in[3], in[4]), linear(in[0], in[5], in[6])}, 2);
}

void joined_mutants(Mutants& all) {
  const auto joined = of_module(
      all, "multi_head_attention", data_of({{2, 3, 4}}), maker<nn::MultiHeadAttention>(4, 2),
      attend_to_self,
      [](const nn::MultiHeadAttention& module, In in, const Function& piece) {
        return multi_head(module, in, projections, piece);
      },
      join_heads);
  joined("dy is split without transposing", [](In, Var dy, Var) -> Grads {
    return {reshape(dy, {2, 2, 3, 2})};
  });
  joined("heads change places", [](In, Var dy, Var) -> Grads {
    const Variable heads = split_heads(dy);
    return {concat({slice(heads, 1, 1, 2), slice(heads, 1, 0, 1)}, 1)};
  });
  joined("the second head gets nothing",
         [](In, Var dy, Var) -> Grads { return {only_first(split_heads(dy), 1)}; });
}

void projected_mutants(Mutants& all) {
  const auto projected = of_module(
      all, "multi_head_attention", data_of({{2, 3, 4}}), maker<nn::MultiHeadAttention>(4, 2),
      attend_to_self,
      [](const nn::MultiHeadAttention& module, In in, const Function& piece) {
        return multi_head(module, in, piece, join_heads);
      },
      projections);
  projected("x counts as query only", [](In in, Var dy, Var) -> Grads {
    Grads all_right = right_gradients(projections, in, dy);
    all_right[0] = matmul(slice(dy, 2, 0, 4), in[1]);
    return all_right;
  });
  projected("dW_k and dW_v change places", [](In in, Var dy, Var) -> Grads {
    Grads all_right = right_gradients(projections, in, dy);
    std::swap(all_right[3], all_right[5]);
    return all_right;
  });
  projected("db_v is the mean", [](In in, Var dy, Var) -> Grads {
    Grads all_right = right_gradients(projections, in, dy);
    all_right[6] = all_right[6] / 6.0;  // B · T
    return all_right;
  });
}

// ---- encoder layer ------------------------------------------------------------------------------
void encoder_mutants(Mutants& all) {
  const auto with = [&all](nn::Norm norm) {
    return of_module(
        all, "encoder_layer", data_of({{2, 3, 4}}), maker<nn::EncoderLayer>(tiny_config(1, norm)),
        [](nn::EncoderLayer& layer, In in) { return layer.forward(in[0], {}, false).output; },
        [norm](nn::EncoderLayer& layer, In in, const Function& add) {
          const auto attend = [&](Var x) {
            return layer.attention.forward(x, x, x, {}, false).output;
          };
          nn::LayerNorm &norm1 = layer.norm1, &norm2 = layer.norm2;
          if (norm == nn::Norm::pre) {
            const Variable middle = add({in[0], attend(norm1.forward(in[0]))});
            return add({middle, layer.feed_forward.forward(norm2.forward(middle))});
          }
          const Variable middle = norm1.forward(add({in[0], attend(in[0])}));
          return norm2.forward(add({middle, layer.feed_forward.forward(middle)}));
        },
        plus);
  };
  const auto post = with(nn::Norm::post);
  post("the residual's gradient is forgotten", [](In, Var dy, Var) -> Grads {
    return {dy * 0.0, dy};
  });
  post("the sublayer's gradient is forgotten", [](In, Var dy, Var) -> Grads {
    return {dy, dy * 0.0};
  });
  const auto pre = with(nn::Norm::pre);
  pre("each branch gets half of dy", [](In, Var dy, Var) -> Grads { return {dy * 0.5, dy * 0.5}; });
}

// ---- learned positions: x (B, T, C) + the first T rows of the table -----------------------------
void position_mutants(Mutants& all) {
  const auto row = of_module(
      all, "learned_positions", data_of({{2, 3, 4}}), maker<nn::LearnedPositions>(5, 4),
      [](const nn::LearnedPositions& module, In in) { return module.forward(in[0]); },
      [](const nn::LearnedPositions& module, In in, const Function& add) {
        return add({in[0], module.weight});
      },
      [](In in) { return in[0] + slice(in[1], 0, 0, 3); });
  row("the last sequence's gradient only", [](In, Var dy, Var) -> Grads {
    return {dy, slice_adjoint(sum(only_last(dy, 0), {0}), {5, 4}, 0, 0, 1)};
  });
  row("the rows from 1 on get it", [](In, Var dy, Var) -> Grads {
    return {dy, slice_adjoint(sum(dy, {0}), {5, 4}, 0, 1, 1)};
  });
}

// ---- decoder layer: x (B, T, C) attends to itself, then to the memory (B, Tm, C) ----------------
void decoder_mutants(Mutants& all) {
  const auto with = [&all](Function DecoderPieces::*place) {
    return of_module(
        all, "decoder_layer", data_of({{2, 2, 4}, {2, 3, 4}}),
        maker<nn::DecoderLayer>(tiny_config()),
        [](nn::DecoderLayer& layer, In in) {
          return layer.forward(in[0], in[1], nn::Mask::causal(2), {}, false).output;
        },
        [place](nn::DecoderLayer& layer, In in, const Function& piece) {
          DecoderPieces pieces;
          pieces.*place = piece;
          return decoder_layer(layer, in[0], in[1], pieces);
        },
        DecoderPieces().*place);
  };
  const auto nothing = [](In, Var dy, Var) -> Grads { return {dy * 0.0}; };
  with (&DecoderPieces::memory)("the encoder gets no gradient", nothing);
  with (&DecoderPieces::values)("the encoder's states count as keys only", nothing);
  with (&DecoderPieces::keys)("the encoder's states count as values only", nothing);
  with (&DecoderPieces::queries)("the queries count as constants", nothing);
  const auto added = with(&DecoderPieces::add);
  added("the sublayer gets dy twice", [](In, Var dy, Var) -> Grads { return {dy, dy * 2.0}; });
}

}  // namespace

void layer_mutants(Mutants& all) {
  all.family = "Transformer layers";
  joined_mutants(all);
  projected_mutants(all);
  encoder_mutants(all);
  position_mutants(all);
  decoder_mutants(all);
}

}  // namespace qkv::examples
