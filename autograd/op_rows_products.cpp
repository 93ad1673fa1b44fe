// Rows of the op table: matrix products, and the fused operations of rows and attention.
#include "autograd/op_rows.h"
#include "autograd/ops.h"

namespace qkv::autograd {

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
  const auto affine = [](In in) { return linear(in[0], in[1], in[2]); };
  rows.push_back({"linear", "a single vector", normals({{4}, {5, 4}, {5}}), affine, true});
  rows.push_back({"linear", "size 1", normals({{1, 1}, {1, 1}, {1}}), affine, true});
  rows.push_back({"linear", "empty batch", normals({{0, 4}, {5, 4}, {5}}), affine, true});
}

void softmax_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  rows.push_back({"softmax", "last axis", x, [](In in) { return softmax(in[0], -1); }, true});
  rows.push_back({"softmax", "middle axis", x, [](In in) { return softmax(in[0], 1); }, true});
  rows.push_back(
      {"softmax", "one class", normals({{3, 1}}), [](In in) { return softmax(in[0], -1); }, true});
  rows.push_back(
      {"softmax", "a number", normals({{1}}), [](In in) { return softmax(in[0], 0); }, true});
  rows.push_back(
      {"softmax", "empty", normals({{0, 3}}), [](In in) { return softmax(in[0], -1); }, true});
  rows.push_back(
      {"log_softmax", "last axis", x, [](In in) { return log_softmax(in[0], -1); }, true});
  rows.push_back(
      {"log_softmax", "first axis", x, [](In in) { return log_softmax(in[0], 0); }, true});
  rows.push_back({"log_softmax", "one class of one row", normals({{1}}),
                  [](In in) { return log_softmax(in[0], 0); }, true});
  rows.push_back({"log_softmax", "empty", normals({{0, 3}}),
                  [](In in) { return log_softmax(in[0], -1); }, true});
  const Tensor causal = flags({true, false, false, true, true, false, true, true, true}, {3, 3});
  const Tensor empty_row =
      flags({false, false, false, true, true, false, true, false, true}, {3, 3});
  rows.push_back({"masked_softmax", "causal", normals({{2, 3, 3}}),
                  [causal](In in) { return masked_softmax(in[0], causal); }, true});
  rows.push_back({"masked_softmax", "a fully masked row", normals({{2, 3, 3}}),
                  [empty_row](In in) { return masked_softmax(in[0], empty_row); }, true});
  const Tensor yes = flags({true}, {1});
  for (const auto& [variant, shape] : {std::pair("one element", Shape{1, 1}), {"empty", {0, 3}}}) {
    rows.push_back({"masked_softmax", variant, normals({shape}),
                    [yes](In in) { return masked_softmax(in[0], yes); }, true});
  }
  const auto norm = [](In in) { return layer_norm(in[0], in[1], in[2]); };
  rows.push_back({"layer_norm", "batch", normals({{2, 3, 5}, {5}, {5}}), norm, true});
  rows.push_back({"layer_norm", "width 2", normals({{3, 2}, {2}, {2}}), norm, true});
  rows.push_back({"layer_norm", "width 1", normals({{1, 1}, {1}, {1}}), norm, true});
  rows.push_back({"layer_norm", "empty", normals({{0, 3}, {3}, {3}}), norm, true});
  const auto rms = [](In in) { return rms_norm(in[0], in[1]); };
  rows.push_back({"rms_norm", "batch", normals({{2, 3, 5}, {5}}), rms, true});
  rows.push_back({"rms_norm", "one row, transposed", normals({{4, 1}, {4}}),
                  [](In in) { return rms_norm(transpose(in[0]), in[1]); }, true});
  rows.push_back({"rms_norm", "width 1", normals({{1, 1}, {1}}), rms, true});
  rows.push_back({"rms_norm", "empty", normals({{0, 3}, {3}}), rms, true});
  const Tensor targets = ids({1, 4, 0, 1, 2, 3}, {2, 3});
  const Tensor some = ids({1, -100, 0, -100, 2, 3}, {2, 3});
  rows.push_back({"cross_entropy", "plain", normals({{2, 3, 5}}),
                  [targets](In in) { return cross_entropy(in[0], targets); }, true});
  rows.push_back({"cross_entropy", "ignored and smoothed", normals({{2, 3, 5}}),
                  [some](In in) { return cross_entropy(in[0], some, {.label_smoothing = 0.1}); },
                  true});
  const Tensor zero = ids({0}, {1});
  rows.push_back({"cross_entropy", "one class", normals({{1, 1}}),
                  [zero](In in) { return cross_entropy(in[0], zero); }, true});
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
  const Tensor slopes = Tensor::of<double>({0.5, 0.125}, {2});
  rows.push_back({"attention", "scores fall with distance", qkv,
                  [slopes](In in) {
                    return attention(in[0], in[1], in[2], {.causal = true}, {},
                                     slopes.to(in[0].dtype()));
                  },
                  true});
  rows.push_back({"attention", "matrices and a scale", normals({{3, 2}, {5, 2}, {5, 1}}),
                  attend({}, -0.3), true});
  rows.push_back({"attention", "size 1", normals({{1, 1}, {1, 1}, {1, 1}}), attend({}), true});
  rows.push_back({"attention", "no queries", normals({{0, 2}, {3, 2}, {3, 1}}), attend({}), true});
  rows.push_back({"attention", "no keys", normals({{2, 2}, {0, 2}, {0, 1}}), attend({}), true});
  rows.push_back({"attention", "heads of a projection", normals({{2, 3, 4}}),
                  [](In in) {
                    const Variable x = transpose(reshape(in[0], {2, 3, 2, 2}), 1, 2);
                    return attention(x, x, x, {.causal = true});
                  },
                  true});
}

void causal_product_rows(Rows& rows) {
  const auto add = [&](std::string variant, std::vector<Shape> shapes, bool reverse) {
    rows.push_back({"causal_product", std::move(variant), normals(std::move(shapes)),
                    [reverse](In in) { return causal_product(in[0], in[1], in[2], reverse); }});
  };
  for (const bool reverse : {false, true}) {
    const std::string which = reverse ? ", reverse" : "";
    add("batches" + which, {{2, 2, 4, 3}, {2, 2, 4, 3}, {2, 2, 4, 2}}, reverse);
    add("more keys" + which, {{2, 3}, {5, 3}, {5, 2}}, reverse);
    add("more queries" + which, {{5, 2}, {3, 2}, {3, 1}}, reverse);
  }
  add("size 1", {{1, 1}, {1, 1}, {1, 1}}, false);
  add("no keys", {{2, 3}, {0, 3}, {0, 2}}, false);
  rows.push_back(
      {"causal_product", "transposed views", normals({{3, 4}, {3, 4}, {2, 4}}),
       [](In in) { return causal_product(transpose(in[0]), transpose(in[1]), transpose(in[2])); }});
}

}  // namespace qkv::autograd
