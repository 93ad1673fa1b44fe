// Mutants of the Transformer: heads, residuals, and whole models. The operations are right; what is
// between them is not.
#include "autograd/engine.h"
#include "examples/mutants/breeding.h"
#include "nn/transformer.h"

namespace qkv::examples {
namespace {

// (B, T, C) = (2, 3, 4) to (B, H, T, D) = (2, 2, 3, 2), and back
Variable split_heads(Var x) { return transpose(reshape(x, {2, 3, 2, 2}), 1, 2); }
Variable join_heads(Var x) { return reshape(transpose(x, 1, 2), {2, 3, 4}); }

// ---- multi-head attention: x (B, T, C), and W_q, W_k, W_v, W_o (C, C) ---------------------------
Variable multi_head(In in, const Function& project, const Function& join) {
  const Variable all = project({in[0], in[1], in[2], in[3]});  // (B, T, 3 C)
  const Variable Q = split_heads(slice(all, 2, 0, 4)), K = split_heads(slice(all, 2, 4, 8));
  const Variable V = split_heads(slice(all, 2, 8, 12));
  return linear(join({attention(Q, K, V)}), in[4]);  // (B, T, C)
}

void multi_head_mutants(Mutants& all) {
  const Function project = [](In in) {
    return concat({linear(in[0], in[1]), linear(in[0], in[2]), linear(in[0], in[3])}, 2);
  };
  const Function join = [](In in) { return join_heads(in[0]); };
  const auto sample = normals({{2, 3, 4}, {4, 4}, {4, 4}, {4, 4}, {4, 4}});

  const auto joined = all.of(
      "multi_head_attention", sample,
      [=](In in, const Function& piece) { return multi_head(in, project, piece); }, join);
  joined("dy is split without transposing", [](In, Var dy, Var) -> Grads {
    return {reshape(dy, {2, 2, 3, 2})};
  });
  joined("heads change places", [](In, Var dy, Var) -> Grads {
    const Variable heads = split_heads(dy);
    return {concat({slice(heads, 1, 1, 2), slice(heads, 1, 0, 1)}, 1)};
  });
  joined("the second head gets nothing",
         [](In, Var dy, Var) -> Grads { return {only_first(split_heads(dy), 1)}; });

  const auto projected = all.of(
      "multi_head_attention", sample,
      [=](In in, const Function& piece) { return multi_head(in, piece, join); }, project);
  projected("x counts as query only", [project](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(project, in, dy);
    return {matmul(slice(dy, 2, 0, 4), in[1]), right[1], right[2], right[3]};
  });
  projected("dW_k and dW_v change places", [project](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(project, in, dy);
    return {right[0], right[1], right[3], right[2]};
  });
}

// ---- encoder layer: x (B, T, C), W_1 (5, C), W_2 (C, 5), gamma and beta (C) ---------------------
Variable encoder(In in, bool pre_norm, const Function& residual) {
  const auto norm = [&](Var x) { return layer_norm(x, in[3], in[4]); };
  const auto attend = [](Var x) { return attention(x, x, x); };
  const auto think = [&](Var x) { return linear(gelu(linear(x, in[1])), in[2]); };
  if (pre_norm) {
    const Variable middle = residual({in[0], attend(norm(in[0]))});
    return residual({middle, think(norm(middle))});
  }
  const Variable middle = norm(residual({in[0], attend(in[0])}));
  return norm(residual({middle, think(middle)}));
}

void encoder_mutants(Mutants& all) {
  const Function residual = [](In in) { return in[0] + in[1]; };
  const auto sample = normals({{2, 3, 4}, {5, 4}, {4, 5}, {4}, {4}});
  const auto post = all.of(
      "encoder_layer", sample,
      [](In in, const Function& piece) { return encoder(in, false, piece); }, residual);
  post("the residual's gradient is forgotten", [](In, Var dy, Var) -> Grads {
    return {dy * 0.0, dy};
  });
  post("the sublayer's gradient is forgotten", [](In, Var dy, Var) -> Grads {
    return {dy, dy * 0.0};
  });
  const auto pre = all.of(
      "encoder_layer", sample,
      [](In in, const Function& piece) { return encoder(in, true, piece); }, residual);
  pre("each branch gets half of dy", [](In, Var dy, Var) -> Grads { return {dy * 0.5, dy * 0.5}; });

  const Function positions = [](In in) { return in[0] + in[1]; };
  const auto placed = all.of("learned_positions", normals({{2, 3, 4}, {3, 4}}), positions);
  placed("the last sequence's gradient only", [](In, Var dy, Var) -> Grads {
    return {dy, sum(only_last(dy, 0), {0})};
  });
}

// ---- decoder layer: y (B, Ty, C) attends to itself, then to the encoder's x (B, Tx, C) ----------
void decoder_mutants(Mutants& all) {
  const Function cross = [](In in) { return attention(in[0], in[1], in[1]); };  // y, x
  const Layer layer = [](In in, const Function& piece) {
    const Variable self = in[0] + attention(in[0], in[0], in[0], {.causal = true});
    return self + linear(piece({self, in[1]}), in[2]);
  };
  const auto row = all.of("decoder_layer", normals({{2, 2, 4}, {2, 3, 4}, {4, 4}}), layer, cross);
  row("the encoder gets no gradient", [cross](In in, Var dy, Var) -> Grads {
    return {right_gradients(cross, in, dy)[0], in[1] * 0.0};
  });
  row("the encoder's states count as keys only", [cross](In in, Var dy, Var) -> Grads {
    const Function parts = [](In three) { return attention(three[0], three[1], three[2]); };
    const Grads right = right_gradients(parts, {in[0], in[1], in[1]}, dy);
    return {right[0], right[1]};
  });
  row("the queries count as constants", [cross](In in, Var dy, Var) -> Grads {
    return {in[0] * 0.0, right_gradients(cross, in, dy)[1]};
  });
}

// ---- the lab's model: its parameters are the inputs ---------------------------------------------
std::unique_ptr<nn::EncoderClassifier> tiny_model() {
  lib::Generator generator(5);
  return std::make_unique<nn::EncoderClassifier>(
      nn::TransformerConfig{.vocab = 3,
                            .width = 4,
                            .heads = 2,
                            .layers = 1,
                            .feed_forward = 3,
                            .max_length = 2,
                            .activation = nn::Activation::gelu},
      generator);
}

std::vector<Tensor> model_sample(lib::Generator&) {
  const auto model = tiny_model();
  std::vector<Tensor> values;
  for (Var p : model->parameters()) values.push_back(p.value().to(Dtype::float64));
  return values;
}

// The parameter named so goes through `piece` on its way into the model.
Layer model_with(const std::string& spoilt) {
  return [spoilt](In in, const Function& piece) {
    const auto model = tiny_model();
    const auto parameters = model->named_parameters();
    for (size_t i = 0; i < in.size(); ++i) {
      *parameters[i].parameter = parameters[i].name == spoilt ? piece({in[i]}) : in[i];
    }
    const Tensor tokens = ids({2, 0, 1, 1}, {2, 2});
    return cross_entropy(model->forward(tokens).output, tokens);
  };
}

}  // namespace

void layer_mutants(Mutants& all) {
  all.family = "Transformer layers";
  multi_head_mutants(all);
  encoder_mutants(all);
  decoder_mutants(all);
}

void model_mutants(Mutants& all) {
  all.family = "whole models";
  const Function same = [](In in) { return in[0]; };
  const auto query = all.of("encoder_classifier", model_sample,
                            model_with("encoder.0.attention.query.weight"), same);
  query("the queries' dW is transposed", [](In, Var dW, Var) -> Grads { return {transpose(dW)}; });
  const auto value = all.of("encoder_classifier", model_sample,
                            model_with("encoder.0.attention.value.bias"), same);
  value("the values' db is 1 % too large", [](In, Var db, Var) -> Grads { return {db * 1.01}; });
  const auto first = all.of("encoder_classifier", model_sample, model_with("input.weight"), same);
  first("nothing for the last symbol",
        [](In, Var dW, Var) -> Grads { return {dW - only_last(dW, 1)}; });
  const auto norm =
      all.of("encoder_classifier", model_sample, model_with("encoder.0.norm1.weight"), same);
  norm("the first norm's weight is never trained",
       [](In, Var dW, Var) -> Grads { return {dW * 0.0}; });
}

}  // namespace qkv::examples
