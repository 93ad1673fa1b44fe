// Mutants of the variations of attention, and of the product behind linear attention. Of each
// variation the piece that makes it one is spoilt; the rest is scaled dot-product attention, whose
// mutants are in attention.cpp.
#include "nn/variations.h"
#include "examples/mutants/breeding.h"
#include "nn/linear_attention.h"
#include "tensor/elementwise.h"

namespace qkv::examples {
namespace {

using nn::Mask;

// Q, K, V:  (B, H, T, D) = (2, 2, 3, 3), so that what changes places fits.
const Shape kHeads = {2, 2, 3, 3};

Variable average(Var scores, Var V, const Mask& mask = {}) {
  return matmul(nn::attention_weights(scores, mask), V);
}

// ---- grouped queries ----------------------------------------------------------------------------

Variable repeated(In in) {  // (2, 2, 3, 3) -> (2, 4, 3, 3)
  return reshape(expand(reshape(in[0], {2, 2, 1, 3, 3}), {2, 2, 2, 3, 3}), {2, 4, 3, 3});
}

void grouped_mutants(Mutants& all) {
  const auto sample = normals({{2, 4, 3, 3}, kHeads, kHeads});
  const Function right = [](In in) {
    return nn::grouped_query_attention(in[0], in[1], in[2]).output;
  };
  const auto of_keys = all.of(
      "grouped_query_attention", sample, right,
      [](In in, const Function& repeat) {
        return average(nn::attention_scores(in[0], repeat({in[1]})), repeated({in[2]}));
      },
      repeated);
  const auto of_values = all.of(
      "grouped_query_attention", sample, right,
      [](In in, const Function& repeat) {
        return average(nn::attention_scores(in[0], repeated({in[1]})), repeat({in[2]}));
      },
      repeated);
  of_keys("dK from a group's first head only",
          [](In, Var dy, Var) -> Grads { return {slice(dy, 1, 0, 4, 2)}; });
  of_keys("dK is the mean over a group", [](In, Var dy, Var) -> Grads {
    return {mean(reshape(dy, {2, 2, 2, 3, 3}), {2})};
  });
  of_values("dV of heads dealt out a b a b", [](In, Var dy, Var) -> Grads {
    return {sum(reshape(dy, {2, 2, 2, 3, 3}), {1})};
  });
}

// ---- windows ------------------------------------------------------------------------------------

void window_mutants(Mutants& all) {
  const auto sample = normals({kHeads, kHeads, kHeads});
  const auto of = [&](const Mask& mask) {
    return all.of(
        "window_attention", sample,
        [mask](In in) {
          return nn::scaled_dot_product_attention(in[0], in[1], in[2], mask).output;
        },
        [](In in, const Function& weigh) {
          return matmul(weigh({nn::attention_scores(in[0], in[1])}), in[2]);
        },
        [mask](In in) { return nn::attention_weights(in[0], mask); });
  };
  // The slope of a softmax whose weights are those of another mask.
  const auto slope = [](const Mask& other) {
    return [other](In in, Var dP, Var) -> Grads {
      const Variable P = nn::attention_weights(in[0], other);
      return {P * (dP - sum(dP * P, {-1}, true))};
    };
  };
  const auto narrow = of(Mask::window(3, 3, 2));
  narrow("causal only on the way back", slope(Mask::causal(3)));
  narrow("one key wider on the way back", slope(Mask::window(3, 3, 3)));
  narrow("one key narrower on the way back", slope(Mask::window(3, 3, 1)));
  of(Mask::window(3, 3, 1, 1))("forgets the sink on the way back", slope(Mask::window(3, 3, 1)));
}

// ---- soft cap -----------------------------------------------------------------------------------

void soft_cap_mutants(Mutants& all) {
  constexpr double kCap = 0.8;
  const auto row = all.of(
      "soft_capped_attention", normals({kHeads, kHeads, kHeads}),
      [](In in) { return nn::soft_capped_attention(in[0], in[1], in[2], kCap).output; },
      [](In in, const Function& cap) {
        return average(cap({nn::attention_scores(in[0], in[1])}), in[2]);
      },
      [](In in) { return tanh(in[0] / kCap) * kCap; });
  row("forgets the slope of tanh", [](In, Var dy, Var) -> Grads { return {dy}; });
  row("1 - y² with y not divided by the cap",
      [](In, Var dy, Var y) -> Grads { return {dy - dy * y * y}; });
  row("does not divide by the cap",
      [](In, Var dy, Var y) -> Grads { return {(dy - dy * y * y / (kCap * kCap)) * kCap}; });
  row("clips where tanh bends", [](In in, Var dy, Var) -> Grads {
    const Tensor size = tensor::abs(in[0].value()), cap = tensor::scalar(kCap, dy.dtype());
    return {masked_fill(dy, tensor::greater(size, cap), 0)};
  });
}

// ---- sinks --------------------------------------------------------------------------------------

// Scores (2, 2, 3, 3), sinks (2) -> the weights of the keys.
Variable beside_sink(In in) {
  const Variable column = expand(reshape(in[1], {2, 1, 1}), {2, 2, 3, 1});
  return slice(softmax(concat({column, in[0]}, -1), -1), -1, 1, 4);
}

void sink_mutants(Mutants& all) {
  const auto row = all.of(
      "sink_attention", normals({kHeads, kHeads, kHeads, {2}}),
      [](In in) { return nn::sink_attention(in[0], in[1], in[2], in[3]).output; },
      [](In in, const Function& weigh) {
        return matmul(weigh({nn::attention_scores(in[0], in[1]), in[3]}), in[2]);
      },
      beside_sink);
  // s_j: dP_j P_j - P_j Σ dP P. sink: -(1 - Σ P) Σ dP P, summed over batches and queries.
  row("the sink gets no gradient", [](In in, Var dP, Var) -> Grads {
    return {right_gradients(beside_sink, in, dP)[0], in[1] * 0.0};
  });
  row("the sink's gradient has the wrong sign", [](In in, Var dP, Var) -> Grads {
    const Grads right = right_gradients(beside_sink, in, dP);
    return {right[0], -right[1]};
  });
  row("the sink hears of the last query only", [](In in, Var dP, Var) -> Grads {
    return {right_gradients(beside_sink, in, dP)[0],
            right_gradients(beside_sink, in, only_last(dP, 2))[1]};
  });
  row("slope of a softmax without sink", [](In in, Var dP, Var) -> Grads {
    const Variable P = softmax(in[0], -1);
    return {P * (dP - sum(dP * P, {-1}, true)), right_gradients(beside_sink, in, dP)[1]};
  });
}

// ---- hard ---------------------------------------------------------------------------------------

// Queries that each like one key much better than the others: no tie is near, whatever the eps.
std::vector<Tensor> decided(lib::Generator& generator) {
  std::vector<Tensor> x = normals({kHeads, kHeads, kHeads})(generator);
  const Tensor likes = Tensor::of<double>({0, 2, 0, 0, 0, 2, 2, 0, 0}, {3, 3});
  const Tensor keys = Tensor::of<double>({2, 0, 0, 0, 2, 0, 0, 0, 2}, {3, 3});
  x[0] = tensor::add(tensor::mul(x[0], 0.1), likes);
  x[1] = tensor::add(tensor::mul(x[1], 0.1), keys);
  return x;
}

void hard_mutants(Mutants& all) {
  const Function attend = [](In in) { return nn::hard_attention(in[0], in[1], in[2]).output; };
  const auto row = all.of("hard_attention", decided, attend);
  row("the softmax's gradient goes to the scores", [attend](In in, Var dO, Var) -> Grads {
    const Function soft = [](In x) {
      return nn::scaled_dot_product_attention(x[0], x[1], x[2]).output;
    };
    const Grads smooth = right_gradients(soft, in, dO);
    return {smooth[0], smooth[1], right_gradients(attend, in, dO)[2]};
  });
  row("the softmax's gradient goes to the values", [](In in, Var dO, Var) -> Grads {
    const Variable P = softmax(nn::attention_scores(in[0], in[1]), -1);
    return {in[0] * 0.0, in[1] * 0.0, matmul(transpose(P), dO)};
  });
  row("dV without transposing the choice", [](In in, Var dO, Var) -> Grads {
    const Variable P = nn::hard_attention(in[0], in[1], in[2]).weights;
    return {in[0] * 0.0, in[1] * 0.0, matmul(P, dO)};
  });
}

// ---- kernel -------------------------------------------------------------------------------------

void kernel_mutants(Mutants& all) {
  constexpr double kWidth = 0.9;
  const Function nearness = [](In in) {  // -|q - k|²/2h², but for what is the same in a row
    const Variable lengths = transpose(sum(in[1] * in[1], {-1}, true));
    return (matmul(in[0], transpose(in[1])) - lengths * 0.5) / (kWidth * kWidth);
  };
  const auto row = all.of(
      "kernel_attention", normals({kHeads, kHeads, kHeads}),
      [](In in) { return nn::kernel_attention(in[0], in[1], in[2], kWidth).output; },
      [](In in, const Function& score) {
        return average(score({in[0], in[1]}), in[2]);
      },
      nearness);
  row("forgets |k|²", [](In in, Var dS, Var) -> Grads {
    const Variable d = dS / (kWidth * kWidth);
    return {matmul(d, in[1]), matmul(transpose(d), in[0])};
  });
  row("|k|² for |k|²/2", [nearness](In in, Var dS, Var) -> Grads {
    const Grads right = right_gradients(nearness, in, dS);
    const Variable seen = sum(dS, {-2}) / (kWidth * kWidth);  // (B, H, T)
    return {right[0], right[1] - in[1] * reshape(seen, {2, 2, 3, 1})};
  });
  row("h for h²", [nearness](In in, Var dS, Var) -> Grads {
    const Grads right = right_gradients(nearness, in, dS);
    return {right[0] * kWidth, right[1] * kWidth};
  });
}

// ---- causal product, linear attention -----------------------------------------------------------

void causal_product_mutants(Mutants& all) {
  const auto row = all.of("causal_product", normals({{2, 4, 3}, {2, 4, 3}, {2, 4, 3}}),
                          [](In in) { return causal_product(in[0], in[1], in[2]); });
  const auto dQ = [](In in, Var dY) { return causal_product(dY, in[2], in[1]); };
  const auto dK = [](In in, Var dY) { return causal_product(in[2], dY, in[0], true); };
  const auto dV = [](In in, Var dY) { return causal_product(in[1], in[0], dY, true); };
  row("dK and dV do not look ahead", [=](In in, Var dY, Var) -> Grads {
    return {dQ(in, dY), causal_product(in[2], dY, in[0]), causal_product(in[1], in[0], dY)};
  });
  row("dQ looks ahead", [=](In in, Var dY, Var) -> Grads {
    return {causal_product(dY, in[2], in[1], true), dK(in, dY), dV(in, dY)};
  });
  row("dQ from all keys", [=](In in, Var dY, Var) -> Grads {
    return {matmul(matmul(dY, transpose(in[2])), in[1]), dK(in, dY), dV(in, dY)};
  });
  row("the sums take in a key after its query", [=](In in, Var dY, Var) -> Grads {
    const Variable own = sum(dY * in[2], {-1}, true) * in[1];  // what position i adds for itself
    return {dQ(in, dY) - own, dK(in, dY), dV(in, dY)};
  });
  row("dK and dV change places", [=](In in, Var dY, Var) -> Grads {
    return {dQ(in, dY), dV(in, dY), dK(in, dY)};
  });
  row("batch 1 goes on with batch 0's sums", [=](In in, Var dY, Var) -> Grads {
    const auto joined = [](Var x) { return reshape(x, {1, 8, 3}); };
    return {reshape(causal_product(joined(dY), joined(in[2]), joined(in[1])), {2, 4, 3}),
            dK(in, dY), dV(in, dY)};
  });
}

void linear_mutants(Mutants& all) {
  const auto sample = normals({kHeads, kHeads, kHeads});
  const Function whole = [](In in) {
    return nn::linear_attention(in[0], in[1], in[2], Mask::causal(3)).output;
  };
  const Function weigh = [](In in) {  // φ(Q), φ(K) -> weights
    const Tensor later = tensor::logical_not(Mask::causal(3).allowed());
    const Variable products = masked_fill(matmul(in[0], transpose(in[1])), later, 0);
    return products / sum(products, {-1}, true);
  };
  const Function feature = [](In in) { return nn::elu_plus_one(in[0]); };
  const auto mapped = all.of(
      "linear_attention", sample, whole,
      [weigh](In in, const Function& map) {
        return matmul(weigh({map({in[0]}), map({in[1]})}), in[2]);
      },
      feature);
  mapped("slope of relu: 0 where x < 0", [](In in, Var dy, Var) -> Grads {
    const Tensor zero = tensor::scalar(0, dy.dtype());
    return {masked_fill(dy, tensor::less(in[0].value(), zero), 0)};
  });
  mapped("slope of exp everywhere", [](In in, Var dy, Var) -> Grads { return {dy * exp(in[0])}; });
  mapped("slope of elu taken from elu + 1, plus 1", [](In in, Var dy, Var y) -> Grads {
    const Tensor zero = tensor::scalar(0, dy.dtype());
    return {where(tensor::less(in[0].value(), zero), dy * (y + 1.0), dy)};
  });
  const auto weighed = all.of(
      "linear_attention", sample, whole,
      [feature](In in, const Function& piece) {
        return matmul(piece({feature({in[0]}), feature({in[1]})}), in[2]);
      },
      weigh);
  weighed("the normaliser counts as a constant", [](In in, Var dP, Var) -> Grads {
    const Variable total = matmul(in[0], transpose(in[1]));  // (B, H, T, T), not yet masked
    const Tensor causal = Mask::causal(3).allowed();
    const Variable allowed = Variable(causal.to(dP.dtype()));
    const Variable d = dP * allowed / sum(total * allowed, {-1}, true);
    return {matmul(d, in[1]), matmul(transpose(d), in[0])};
  });
}

}  // namespace

void variation_mutants(Mutants& all) {
  all.family = "variations";
  grouped_mutants(all);
  window_mutants(all);
  soft_cap_mutants(all);
  sink_mutants(all);
  hard_mutants(all);
  kernel_mutants(all);
  causal_product_mutants(all);
  linear_mutants(all);
}

}  // namespace qkv::examples
