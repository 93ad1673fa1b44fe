// Mutants of attention by score: queries (B, Tq, C) = (2, 2, 3) look over states (B, T, C) =
// (2, 4, 3), which are keys and values. All kinds but for the score are
//
//   output = softmax(score(queries, states)) states
//
// Sources of the scores: Luong et al. 2015 (dot, general, concat), Bahdanau et al. 2015 (additive).
#include <cmath>
#include "nn/local_attention.h"

#include "examples/mutants/modules.h"
#include "tensor/elementwise.h"
#include "tensor/views.h"

namespace qkv::examples {
namespace {

const tensor::Shape kQueries = {2, 2, 3}, kStates = {2, 4, 3};

Variable look_over(const nn::Attention& module, In in) {
  return module.forward(in[0], in[1], in[1]).output;
}

Variable average(Var scores, Var states) { return matmul(softmax(scores, -1), states); }

// Products of all queries with all keys:  (B, Tq, C), (B, T, C) -> (B, Tq, T)
Variable products(In in) { return matmul(in[0], transpose(in[1])); }

// ---- dot: queries · states ----------------------------------------------------------------------
void dot_mutants(Mutants& all) {
  const auto row = of_module(
      all, "dot_attention", data_of({kQueries, kStates}),
      [] { return std::make_unique<nn::DotAttention>(); }, look_over,
      [](const nn::DotAttention&, In in, const Function& score) {
        return average(score({in[0], in[1]}), in[1]);
      },
      products);
  row("keys get a gradient as values only", [](In in, Var dS, Var) -> Grads {
    return {matmul(dS, in[1]), in[1] * 0.0};
  });
  row("every query gets the first one's gradient", [](In in, Var dS, Var) -> Grads {
    const Variable first = slice(matmul(dS, in[1]), 1, 0, 1);
    return {concat({first, first}, 1), matmul(transpose(dS), in[0])};
  });

  const nn::Mask padding = nn::Mask::padding({4, 2}, 4);
  const auto padded = of_module(
      all, "dot_attention", data_of({kQueries, kStates}),
      [] { return std::make_unique<nn::DotAttention>(); },
      [padding](const nn::DotAttention& module, In in) {
        return module.forward(in[0], in[1], in[1], padding).output;
      },
      [](const nn::DotAttention&, In in, const Function& weigh) {
        const Variable scores = reshape(products(in), {2, 1, 2, 4});  // as if of one head
        return matmul(reshape(weigh({scores}), {2, 2, 4}), in[1]);
      },
      [padding](In in) { return nn::attention_weights(in[0], padding); });
  padded("the softmax forgets the padding", [](In in, Var dP, Var) -> Grads {
    const Variable P = softmax(in[0], -1);
    return {P * (dP - sum(dP * P, {-1}, true))};
  });
  padded("the row sum takes in the padding", [](In in, Var dP, Var P) -> Grads {
    return {P * (dP - sum(dP * softmax(in[0], -1), {-1}, true))};
  });
}

// ---- scaled dot: queries · states / √C ----------------------------------------------------------
void scaled_dot_mutants(Mutants& all) {
  const double scale = 1 / std::sqrt(3.0);
  const auto row = of_module(
      all, "scaled_dot_attention", data_of({kQueries, kStates}),
      [] { return std::make_unique<nn::ScaledDotAttention>(); }, look_over,
      [](const nn::ScaledDotAttention&, In in, const Function& score) {
        return average(score({in[0], in[1]}), in[1]);
      },
      [scale](In in) { return products(in) * scale; });
  row("forgets 1/√C", [](In in, Var dS, Var) -> Grads {
    return {matmul(dS, in[1]), matmul(transpose(dS), in[0])};
  });
  row("the keys forget 1/√C", [scale](In in, Var dS, Var) -> Grads {
    return {matmul(dS, in[1]) * scale, matmul(transpose(dS), in[0])};
  });
  row("1/√T for 1/√C", [](In in, Var dS, Var) -> Grads {
    return {matmul(dS, in[1]) * 0.5, matmul(transpose(dS), in[0]) * 0.5};
  });
}

// ---- general: queries W statesᵀ -----------------------------------------------------------------
void general_mutants(Mutants& all) {
  const Function score = [](In in) { return matmul(matmul(in[0], in[1]), transpose(in[2])); };
  const auto row = of_module(
      all, "general_attention", data_of({kQueries, kStates}), maker<nn::GeneralAttention>(3, 3),
      look_over,
      [](const nn::GeneralAttention& module, In in, const Function& piece) {
        return average(piece({in[0], module.weight, in[1]}), in[1]);
      },
      score);
  row("dW is transposed", [score](In in, Var dS, Var) -> Grads {
    const Grads right = right_gradients(score, in, dS);
    return {right[0], transpose(right[1]), right[2]};
  });
  row("dW of the first sequence only", [score](In in, Var dS, Var) -> Grads {
    const Grads right = right_gradients(score, in, dS);
    return {right[0], right_gradients(score, in, only_first(dS, 0))[1], right[2]};
  });
  row("keys get a gradient as values only", [score](In in, Var dS, Var) -> Grads {
    const Grads right = right_gradients(score, in, dS);
    return {right[0], right[1], right[2] * 0.0};
  });
}

// ---- concat: v · tanh(W [query; key]) -----------------------------------------------------------

// Every query added to every key:  (B, Tq, hidden), (B, T, hidden) -> (B, Tq, T, hidden)
Variable sums(In in) {
  return expand(reshape(in[0], {2, 2, 1, 5}), {2, 2, 4, 5}) +
         expand(reshape(in[1], {2, 1, 4, 5}), {2, 2, 4, 5});
}

// v · tanh(x):  (B, Tq, T, hidden), (hidden) -> (B, Tq, T)
Variable weighed_tanh(In in) {
  return reshape(linear(tanh(in[0]), reshape(in[1], {1, -1})), {2, 2, 4});
}

Grads without_slope(In in, Var dS, Var) {
  return {reshape(dS, {2, 2, 4, 1}) * in[1], right_gradients(weighed_tanh, in, dS)[1]};
}

void concat_mutants(Mutants& all) {
  const auto make = maker<nn::ConcatAttention>(3, 3, 5);
  // W [query; key] for every pair, of queries, keys and W.
  const Function multiply = [](In in) {
    return sums({linear(in[0], slice(in[2], 1, 0, 3)), linear(in[1], slice(in[2], 1, 3, 6))});
  };
  const auto paired = of_module(
      all, "concat_attention", data_of({kQueries, kStates}), make, look_over,
      [](const nn::ConcatAttention& module, In in, const Function& piece) {
        const Variable hidden = piece({in[0], in[1], module.weight});  // (B, Tq, T, hidden)
        return average(weighed_tanh({hidden, module.v}), in[1]);
      },
      multiply);
  paired("dW is cut as [key; query]", [multiply](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(multiply, in, dy);
    const Variable& dW = right[2];
    return {right[0], right[1], concat({slice(dW, 1, 3, 6), slice(dW, 1, 0, 3)}, 1)};
  });
  paired("queries get the mean over the keys", [multiply](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(multiply, in, dy);
    return {right[0] / 4, right[1], right[2]};
  });
  paired("keys hear of the last query only", [multiply](In in, Var dy, Var) -> Grads {
    const Grads right = right_gradients(multiply, in, dy);
    return {right[0], right_gradients(multiply, in, only_last(dy, 1))[1], right[2]};
  });

  const auto scored = of_module(
      all, "concat_attention", data_of({kQueries, kStates}), make, look_over,
      [multiply](const nn::ConcatAttention& module, In in, const Function& piece) {
        return average(piece({multiply({in[0], in[1], module.weight}), module.v}), in[1]);
      },
      weighed_tanh);
  scored("forgets the slope of tanh", without_slope);
}

// ---- additive: v · tanh(W_q query + W_k key) ----------------------------------------------------
void additive_mutants(Mutants& all) {
  const auto make = maker<nn::AdditiveAttention>(3, 3, 5);
  const auto added = of_module(
      all, "additive_attention", data_of({kQueries, kStates}), make, look_over,
      [](const nn::AdditiveAttention& module, In in, const Function& piece) {
        const Variable from_query = linear(in[0], module.query_weight);  // (B, Tq, hidden)
        const Variable from_key = linear(in[1], module.key_weight);      // (B, T, hidden)
        return average(weighed_tanh({piece({from_query, from_key}), module.v}), in[1]);
      },
      sums);
  added("keys get the last query's gradient only", [](In, Var dy, Var) -> Grads {
    return {sum(dy, {2}), sum(only_last(dy, 1), {1})};
  });
  added("queries and keys are one sum too far", [](In, Var dy, Var) -> Grads {
    const Variable per_query = sum(dy, {2}), per_key = sum(dy, {1});
    return {expand(sum(per_query, {1}, true), per_query.shape()),
            expand(sum(per_key, {1}, true), per_key.shape())};
  });

  const auto scored = of_module(
      all, "additive_attention", data_of({kQueries, kStates}), make, look_over,
      [](const nn::AdditiveAttention& module, In in, const Function& piece) {
        const Variable hidden =
            sums({linear(in[0], module.query_weight), linear(in[1], module.key_weight)});
        return average(piece({hidden, module.v}), in[1]);
      },
      weighed_tanh);
  scored("forgets the slope of tanh", without_slope);
  scored("dv of the last key only", [](In in, Var dS, Var) -> Grads {
    return {right_gradients(weighed_tanh, in, dS)[0],
            right_gradients(weighed_tanh, in, only_last(dS, 2))[1]};
  });
}

// ---- local: softmax(score) exp(-2 (position - p)² / D²), p = S sigmoid(...) --------------------
void local_mutants(Mutants& all) {
  const int64_t window = 4;
  const nn::Mask padding = nn::Mask::padding({4, 3}, 4);
  const Tensor lengths = Tensor::of<double>({4, 3}, {2, 1});
  // The weights where p and the bell are given.
  const auto weigh = [padding](const nn::LocalAttention& module, In in, Var away, Var bell) {
    const Variable scores = matmul(matmul(in[0], module.weight), transpose(in[1]));
    const Tensor near = tensor::less_equal(tensor::abs(away.value()),
                                           tensor::scalar(window, away.dtype()));  // (B, Tq, T)
    const nn::Mask seen = padding & nn::Mask::allow(tensor::reshape(near, {2, 1, 2, 4}));
    return nn::attention_weights(reshape(scores, {2, 1, 2, 4}), seen) * reshape(bell, {2, 1, 2, 4});
  };
  const auto row = [&](const auto& apart, const Function& piece) {
    return of_module(
        all, "local_attention", data_of({kQueries, kStates}),
        maker<nn::LocalAttention>(3, 3, 5, window),
        [padding](const nn::LocalAttention& module, In in) {
          return module.forward(in[0], in[1], in[1], padding).output;
        },
        apart, piece);
  };
  const Function bell = [](In in) { return exp(in[0] * in[0] * (-2.0 / (window * window))); };
  const auto away_from = [](Var p) {
    return Variable(tensor::arange(4, p.dtype())) - reshape(p, {2, 2, 1});  // (B, Tq, T)
  };
  const auto of_bell = row(
      [=](const nn::LocalAttention& module, In in, const Function& piece) {
        const Variable away = away_from(module.centre(in[0], lengths.to(in[0].dtype())));
        return matmul(reshape(weigh(module, in, away, piece({away})), {2, 2, 4}), in[1]);
      },
      bell);
  of_bell("the bell has no slope", [](In, Var dy, Var) -> Grads { return {dy * 0.0}; });
  of_bell("the bell's slope has the wrong sign", [](In in, Var dy, Var y) -> Grads {
    return {dy * y * in[0] * (4.0 / (window * window))};
  });
  of_bell("σ = D for D / 2", [](In in, Var dy, Var y) -> Grads {
    return {dy * y * in[0] * (-1.0 / (window * window))};
  });

  const auto of_place = row(
      [=](const nn::LocalAttention& module, In in, const Function& piece) {
        const Tensor ones = tensor::ones({2, 1}, in[0].dtype());
        const Variable away = away_from(piece({module.centre(in[0], ones)}));
        return matmul(reshape(weigh(module, in, away, bell({away})), {2, 2, 4}), in[1]);
      },
      [lengths](In in) { return in[0] * Variable(lengths.to(in[0].dtype())); });
  of_place("S counts the padding", [](In, Var dy, Var) -> Grads { return {dy * 4.0}; });
}

}  // namespace

void score_attention_mutants(Mutants& all) {
  all.family = "attention by score";
  dot_mutants(all);
  scaled_dot_mutants(all);
  general_mutants(all);
  concat_mutants(all);
  additive_mutants(all);
  local_mutants(all);
}

}  // namespace qkv::examples
