// The rows of the op table, in the order of ops.h.
#include "autograd/op_table.h"

#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/views.h"

namespace qkv::autograd {
namespace {

using In = const std::vector<Variable>&;

// ---- samplers -----------------------------------------------------------------------------------

// Standard normal inputs of the given shapes.
auto normals(std::vector<Shape> shapes) {
  return [shapes](lib::Generator& g) {
    std::vector<Tensor> inputs;
    for (const Shape& shape : shapes)
      inputs.push_back(tensor::normal(shape, 0, 1, g, Dtype::float64));
    return inputs;
  };
}

// Uniform inputs in [low, high): for functions that are not defined, or have a kink, elsewhere.
auto uniforms(double low, double high, std::vector<Shape> shapes) {
  return [=](lib::Generator& g) {
    std::vector<Tensor> inputs;
    for (const Shape& shape : shapes) {
      inputs.push_back(tensor::uniform(shape, low, high, g, Dtype::float64));
    }
    return inputs;
  };
}

// Distances of at least 0.1 from zero, both signs: for relu, whose kink is there.
auto away_from_zero(Shape shape) {
  return [shape](lib::Generator& g) -> std::vector<Tensor> {
    const Tensor size = tensor::uniform(shape, 0.1, 2, g, Dtype::float64);
    const Tensor negative = tensor::less(tensor::uniform(shape, -1, 1, g, Dtype::float64),
                                         tensor::scalar(0, Dtype::float64));
    return {tensor::where(negative, tensor::neg(size), size)};
  };
}

// All elements at least 0.5 apart: for max, whose kinks are the ties.
auto well_separated(Shape shape) {
  return [shape](lib::Generator& g) -> std::vector<Tensor> {
    std::vector<double> values;
    for (int64_t i = 0; i < shape.numel(); ++i) values.push_back(0.5 * static_cast<double>(i));
    for (size_t i = values.size(); i > 1; --i) {  // Fisher-Yates shuffle
      std::swap(values[i - 1], values[static_cast<size_t>(g.integer(0, static_cast<int64_t>(i)))]);
    }
    return {Tensor::of(values, shape)};
  };
}

Tensor ids(std::vector<int64_t> values, const Shape& shape) { return Tensor::of(values, shape); }
Tensor flags(std::vector<bool> values, const Shape& shape) { return Tensor::of(values, shape); }

// ---- rows ---------------------------------------------------------------------------------------

using Rows = std::vector<OpCase>;

void add_binary(Rows& rows, const std::string& op,
                Variable (*f)(const Variable&, const Variable&)) {
  const auto apply = [f](In in) { return f(in[0], in[1]); };
  const auto same = [f](In in) { return f(in[0], in[0]); };
  const auto sample = [&op](std::vector<Shape> shapes) -> decltype(OpCase::sample) {
    if (op == "div") return uniforms(0.5, 2, shapes);  // away from division by 0
    return normals(shapes);
  };
  rows.push_back({op, "equal shapes", sample({{2, 3}, {2, 3}}), apply});
  rows.push_back({op, "broadcast both ways", sample({{4, 1, 3}, {2, 1}}), apply});
  rows.push_back({op, "single numbers", sample({{}, {}}), apply});
  rows.push_back({op, "empty", sample({{0, 3}, {1, 3}}), apply});
  rows.push_back({op, "one operand twice", sample({{3}}), same});
  rows.push_back({op, "transposed view", sample({{3, 2}, {2, 3}}),
                  [f](In in) { return f(transpose(in[0]), in[1]); }});
}

void add_unary(Rows& rows, const std::string& op, Variable (*f)(const Variable&),
               decltype(OpCase::sample) sample, bool fused = false) {
  rows.push_back({op, "matrix", std::move(sample), [f](In in) { return f(in[0]); }, fused});
  rows.push_back(
      {op, "single number", uniforms(0.5, 1.5, {{}}), [f](In in) { return f(in[0]); }, fused});
  rows.push_back({op, "transposed view", uniforms(0.5, 1.5, {{3, 2}}),
                  [f](In in) { return f(transpose(in[0])); }, fused});
}

void arithmetic_rows(Rows& rows) {
  add_binary(rows, "add", add);
  add_binary(rows, "sub", sub);
  add_binary(rows, "mul", mul);
  add_binary(rows, "div", div);
  add_unary(rows, "neg", neg, normals({{2, 3}}));
  rows.push_back({"scale", "by 2.5", normals({{2, 3}}), [](In in) { return in[0] * 2.5; }});
  rows.push_back({"shift", "by 2.5", normals({{2, 3}}), [](In in) { return in[0] + 2.5; }});
}

void function_rows(Rows& rows) {
  add_unary(rows, "exp", exp, normals({{2, 3}}));
  add_unary(rows, "log", log, uniforms(0.3, 3, {{2, 3}}));
  add_unary(rows, "sqrt", sqrt, uniforms(0.3, 3, {{2, 3}}));
  add_unary(rows, "tanh", tanh, normals({{2, 3}}));
  add_unary(rows, "sigmoid", sigmoid, normals({{2, 3}}));
  add_unary(rows, "relu", relu, away_from_zero({3, 4}));
  add_unary(rows, "erf", erf, normals({{2, 3}}));
  add_unary(rows, "gelu", gelu, normals({{3, 4}}), true);
  add_unary(rows, "gelu_tanh", gelu_tanh, normals({{3, 4}}), true);
}

void reduction_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  for (const auto& [op, f] : {std::pair("sum", &sum), std::pair("mean", &mean)}) {
    rows.push_back({op, "all axes", x, [f = f](In in) { return f(in[0], {}, false); }});
    rows.push_back({op, "middle axis", x, [f = f](In in) { return f(in[0], {1}, false); }});
    rows.push_back({op, "outer axes kept", x, [f = f](In in) { return f(in[0], {0, -1}, true); }});
    rows.push_back(
        {op, "transposed view", x, [f = f](In in) { return f(transpose(in[0]), {-1}, false); }});
  }
  const auto apart = well_separated({2, 3, 4});
  rows.push_back({"max", "last axis", apart, [](In in) { return max(in[0], -1); }});
  rows.push_back({"max", "first axis kept", apart, [](In in) { return max(in[0], 0, true); }});
  rows.push_back({"expand", "two axes", normals({{3, 1}}), [](In in) {
                    return expand(in[0], {2, 3, 4});
                  }});
  rows.push_back({"reduce_to", "two axes", x, [](In in) { return reduce_to(in[0], {3, 1}); }});
}

void shape_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  rows.push_back({"reshape", "with -1", x, [](In in) { return reshape(in[0], {4, -1}); }});
  rows.push_back({"transpose", "outer axes", x, [](In in) { return transpose(in[0], 0, -1); }});
  rows.push_back({"permute", "rotation", x, [](In in) { return permute(in[0], {2, 0, 1}); }});
  rows.push_back({"slice", "with a step", x, [](In in) { return slice(in[0], 2, 1, 4, 2); }});
  rows.push_back({"slice", "negative bounds", x, [](In in) { return slice(in[0], 1, -2, -1); }});
  rows.push_back({"slice", "empty", x, [](In in) { return slice(in[0], 1, 2, 2); }});
  rows.push_back({"slice_adjoint", "with a step", normals({{2, 3}}), [](In in) {
                    return slice_adjoint(in[0], {2, 7}, 1, 1, 2);
                  }});
  rows.push_back({"concat", "three parts", normals({{2, 1}, {2, 3}, {2, 2}}),
                  [](In in) { return concat(in, 1); }});
  rows.push_back(
      {"concat", "stack", normals({{2, 3}, {2, 3}}), [](In in) { return stack(in, 1); }});
}

void selection_rows(Rows& rows) {
  const Tensor mask = flags({true, false, true, false, false, true}, {2, 3});
  rows.push_back({"where", "broadcast", normals({{2, 3}, {3}}),
                  [mask](In in) { return where(mask, in[0], in[1]); }});
  rows.push_back({"masked_fill", "matrix", normals({{2, 3}}),
                  [mask](In in) { return masked_fill(in[0], mask, 7); }});
  rows.push_back({"masked_fill", "mask broadcast", normals({{4, 2, 3}}),
                  [mask](In in) { return masked_fill(in[0], mask, 7); }});
  const Tensor index = ids({2, 0, 1, 1}, {2, 2});
  rows.push_back({"gather", "an index twice", normals({{2, 3}}),
                  [index](In in) { return gather(in[0], 1, index); }});
  rows.push_back({"scatter_add", "an index twice", normals({{2, 2}}),
                  [index](In in) { return scatter_add(in[0], 1, index, 3); }});
  const Tensor words = ids({3, 0, 3, 1, 4, 3}, {2, 3});
  rows.push_back({"embedding", "an id three times", normals({{5, 4}}),
                  [words](In in) { return embedding(in[0], words); }});
  rows.push_back({"scatter_add_rows", "an id three times", normals({{2, 3, 4}}),
                  [words](In in) { return scatter_add_rows(in[0], words, 5); }});
  rows.push_back({"dropout", "p = 0.4", normals({{4, 5}}), [](In in) {
                    lib::Generator generator(7);  // the same mask at every evaluation
                    return dropout(in[0], 0.4, generator);
                  }});
}

void product_rows(Rows& rows) {
  const auto apply = [](In in) { return matmul(in[0], in[1]); };
  rows.push_back({"matmul", "matrices", normals({{2, 3}, {3, 4}}), apply});
  rows.push_back({"matmul", "batches", normals({{2, 2, 3}, {2, 3, 4}}), apply});
  rows.push_back({"matmul", "batch axes broadcast", normals({{3, 1, 2, 3}, {2, 3, 2}}), apply});
  rows.push_back({"matmul", "one matrix for all batches", normals({{2, 2, 3}, {3, 4}}), apply});
  rows.push_back({"matmul", "transposed views", normals({{3, 2}, {4, 3}}),
                  [](In in) { return matmul(transpose(in[0]), transpose(in[1])); }});
  rows.push_back({"matmul", "size 1", normals({{1, 1}, {1, 1}}), apply});
  rows.push_back({"matmul", "empty inner axis", normals({{2, 0}, {0, 3}}), apply});
  rows.push_back({"linear", "with bias", normals({{2, 3, 4}, {5, 4}, {5}}),
                  [](In in) { return linear(in[0], in[1], in[2]); }, true});
  rows.push_back({"linear", "without bias", normals({{3, 4}, {5, 4}}),
                  [](In in) { return linear(in[0], in[1]); }, true});
  rows.push_back({"linear", "a single vector", normals({{4}, {5, 4}, {5}}),
                  [](In in) { return linear(in[0], in[1], in[2]); }, true});
}

void softmax_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  rows.push_back({"softmax", "last axis", x, [](In in) { return softmax(in[0], -1); }, true});
  rows.push_back({"softmax", "middle axis", x, [](In in) { return softmax(in[0], 1); }, true});
  rows.push_back(
      {"softmax", "one class", normals({{3, 1}}), [](In in) { return softmax(in[0], -1); }, true});
  rows.push_back(
      {"log_softmax", "last axis", x, [](In in) { return log_softmax(in[0], -1); }, true});
  rows.push_back(
      {"log_softmax", "first axis", x, [](In in) { return log_softmax(in[0], 0); }, true});
  const Tensor causal = flags({true, false, false, true, true, false, true, true, true}, {3, 3});
  const Tensor empty_row =
      flags({false, false, false, true, true, false, true, false, true}, {3, 3});
  rows.push_back({"masked_softmax", "causal", normals({{2, 3, 3}}),
                  [causal](In in) { return masked_softmax(in[0], causal); }, true});
  rows.push_back({"masked_softmax", "a fully masked row", normals({{2, 3, 3}}),
                  [empty_row](In in) { return masked_softmax(in[0], empty_row); }, true});
  const auto norm = [](In in) { return layer_norm(in[0], in[1], in[2]); };
  rows.push_back({"layer_norm", "batch", normals({{2, 3, 5}, {5}, {5}}), norm, true});
  rows.push_back({"layer_norm", "width 2", normals({{3, 2}, {2}, {2}}), norm, true});
  const auto rms = [](In in) { return rms_norm(in[0], in[1]); };
  rows.push_back({"rms_norm", "batch", normals({{2, 3, 5}, {5}}), rms, true});
  rows.push_back({"rms_norm", "one row, transposed", normals({{4, 1}, {4}}),
                  [](In in) { return rms_norm(transpose(in[0]), in[1]); }, true});
  const Tensor targets = ids({1, 4, 0, 1, 2, 3}, {2, 3});
  const Tensor some = ids({1, -100, 0, -100, 2, 3}, {2, 3});
  rows.push_back({"cross_entropy", "plain", normals({{2, 3, 5}}),
                  [targets](In in) { return cross_entropy(in[0], targets); }, true});
  rows.push_back({"cross_entropy", "ignored and smoothed", normals({{2, 3, 5}}),
                  [some](In in) { return cross_entropy(in[0], some, {.label_smoothing = 0.1}); },
                  true});
}

void attention_rows(Rows& rows) {
  const auto attend = [](tensor::AttentionMask mask, std::optional<double> scale = {}) {
    return [=](In in) { return attention(in[0], in[1], in[2], mask, scale); };
  };
  const auto qkv = normals({{2, 2, 3, 2}, {2, 2, 4, 2}, {2, 2, 4, 3}});
  const auto add = [&](std::string variant, tensor::AttentionMask mask) {
    rows.push_back({"attention", std::move(variant), qkv, attend(std::move(mask)), true});
  };
  add("no mask", {});
  add("causal", {.causal = true});
  add("padding", {.key_lengths = ids({3, 0}, {2})});
  const Tensor holes = flags(
      {true, false, true, true, false, false, false, false, false, true, true, false}, {1, 3, 4});
  add("holes and an empty row", {.allowed = holes});
  add("every kind of mask", {.causal = true, .key_lengths = ids({2, 4}, {2}), .allowed = holes});
  rows.push_back({"attention", "matrices and a scale", normals({{3, 2}, {5, 2}, {5, 1}}),
                  attend({}, -0.3), true});
  rows.push_back({"attention", "heads of a projection", normals({{2, 3, 4}}),
                  [](In in) {
                    const Variable x = transpose(reshape(in[0], {2, 3, 2, 2}), 1, 2);
                    return attention(x, x, x, {.causal = true});
                  },
                  true});
}

}  // namespace

const std::vector<OpCase>& op_table() {
  static const std::vector<OpCase> table = [] {
    Rows rows;
    for (const auto fill : {arithmetic_rows, function_rows, reduction_rows, shape_rows,
                            selection_rows, product_rows, softmax_rows, attention_rows}) {
      fill(rows);
    }
    return rows;
  }();
  return table;
}

}  // namespace qkv::autograd
