// Rows of the op table: kinks and powers, slices by number, products of vectors, log Σ exp and the
// squared error.
#include "autograd/op_rows.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"

namespace qkv::autograd {
namespace {

// Two inputs that differ by at least 0.2 wherever they meet: the first has even steps of 0.2, the
// second odd ones.
Sample no_ties(Shape a, Shape b) {
  return [=](lib::Generator& g) -> std::vector<Tensor> {
    const auto steps = [&](const Shape& shape) {
      return tensor::mul(tensor::integers(shape, -5, 6, g).to(Dtype::float64), 0.4);
    };
    return {steps(a), tensor::add(steps(b), 0.2)};
  };
}

}  // namespace

void maximum_rows(Rows& rows) {
  const auto apply = [](In in) { return maximum(in[0], in[1]); };
  rows.push_back({"maximum", "equal shapes", no_ties({3, 4}, {3, 4}), apply});
  rows.push_back({"maximum", "broadcast both ways", no_ties({4, 1, 3}, {2, 1}), apply});
  rows.push_back({"maximum", "single numbers", no_ties({}, {}), apply});
  rows.push_back({"maximum", "empty", no_ties({0, 3}, {1, 3}), apply});
  rows.push_back({"maximum", "one operand twice", normals({{3}}),
                  [](In in) { return maximum(in[0], in[0]); }});
  rows.push_back({"maximum", "transposed view", no_ties({3, 2}, {2, 3}),
                  [](In in) { return maximum(transpose(in[0]), in[1]); }});
  rows.back().kinks = "where both are equal: each gets half of the slope";
}

void power_rows(Rows& rows) {
  const auto power = [](double exponent) {
    return [exponent](In in) { return pow(in[0], exponent); };
  };
  rows.push_back({"pow", "2.5", uniforms(0.5, 2, {{2, 3}}), power(2.5)});
  rows.push_back({"pow", "-0.5", uniforms(0.5, 2, {{2, 3}}), power(-0.5)});
  rows.push_back({"pow", "3, of both signs", away_from_zero({2, 3}), power(3)});
  rows.push_back({"pow", "-2, of both signs", away_from_zero({2, 3}), power(-2)});
  rows.push_back({"pow", "1", normals({{2, 3}}), power(1)});
  rows.push_back({"pow", "0", normals({{2, 3}}), power(0)});
  rows.push_back({"pow", "a single number", uniforms(0.5, 2, {{}}), power(1.5)});
  rows.push_back({"pow", "empty", normals({{0, 3}}), power(1.5)});
  rows.push_back({"pow", "transposed view", uniforms(0.5, 2, {{3, 2}}),
                  [](In in) { return pow(transpose(in[0]), 2.5); }});
  const auto apply = [](In in) { return silu(in[0]); };
  rows.push_back({"silu", "matrix", normals({{3, 4}}), apply});
  rows.push_back({"silu", "single number", normals({{}}), apply});
  rows.push_back({"silu", "empty", normals({{0, 3}}), apply});
  rows.push_back(
      {"silu", "transposed view", normals({{3, 2}}), [](In in) { return silu(transpose(in[0])); }});
}

void index_rows(Rows& rows) {
  const Tensor twice = ids({2, 0, 2}, {3});
  const auto x = normals({{2, 3, 4}});
  const auto select = [](int axis, const Tensor& index) {
    return [=](In in) { return index_select(in[0], axis, index); };
  };
  rows.push_back({"index_select", "an index twice", x, select(1, twice)});
  rows.push_back({"index_select", "last axis", x, select(-1, twice)});
  rows.push_back({"index_select", "a vector", normals({{3}}), select(0, twice)});
  rows.push_back({"index_select", "one element", normals({{1}}), select(0, ids({0}, {1}))});
  rows.push_back({"index_select", "nothing chosen", x, select(0, ids({}, {0}))});
  rows.push_back({"index_select", "transposed view", x,
                  [=](In in) { return index_select(transpose(in[0]), 2, twice); }});
  const auto add = [=](int axis) {
    return [=](In in) { return index_add(in[0], axis, twice, 5); };
  };
  rows.push_back({"index_add", "an index twice", x, add(1)});
  rows.push_back({"index_add", "a vector", normals({{3}}), add(0)});
  rows.push_back({"index_add", "one element", normals({{1, 1}}),
                  [](In in) { return index_add(in[0], 1, ids({2}, {1}), 3); }});
  rows.push_back({"index_add", "nothing to add", normals({{2, 0}}),
                  [](In in) { return index_add(in[0], 1, ids({}, {0}), 3); }});
  rows.push_back({"index_add", "transposed view", x,
                  [=](In in) { return index_add(transpose(in[0]), 2, twice, 3); }});
}

void vector_product_rows(Rows& rows) {
  const auto apply = [](In in) { return matmul(in[0], in[1]); };
  rows.push_back({"matmul", "a vector and a matrix", normals({{3}, {3, 4}}), apply});
  rows.push_back({"matmul", "a matrix and a vector", normals({{2, 3}, {3}}), apply});
  rows.push_back({"matmul", "two vectors", normals({{3}, {3}}), apply});
  rows.push_back({"matmul", "vectors of size 1", normals({{1}, {1}}), apply});
  rows.push_back({"matmul", "empty vectors", normals({{0}, {0}}), apply});
  rows.push_back({"matmul", "a vector and batches", normals({{3}, {2, 3, 4}}), apply});
  rows.push_back({"matmul", "batches and a vector", normals({{2, 1, 4, 3}, {3}}), apply});
  rows.push_back(
      {"matmul", "one vector twice", normals({{3}}), [](In in) { return matmul(in[0], in[0]); }});
  rows.push_back({"matmul", "a transposed view and a vector", normals({{3, 2}, {3}}),
                  [](In in) { return matmul(transpose(in[0]), in[1]); }});
}

void log_sum_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  rows.push_back({"logsumexp", "last axis", x, [](In in) { return logsumexp(in[0], -1); }});
  rows.push_back({"logsumexp", "middle axis", x, [](In in) { return logsumexp(in[0], 1); }});
  rows.push_back(
      {"logsumexp", "first axis kept", x, [](In in) { return logsumexp(in[0], 0, true); }});
  rows.push_back(
      {"logsumexp", "one element", normals({{1}}), [](In in) { return logsumexp(in[0], 0); }});
  rows.push_back(
      {"logsumexp", "no rows", normals({{0, 3}}), [](In in) { return logsumexp(in[0], 1); }});
  rows.push_back(
      {"logsumexp", "transposed view", x, [](In in) { return logsumexp(transpose(in[0]), 1); }});
  const auto loss = [](In in) { return mse_loss(in[0], in[1]); };
  rows.push_back({"mse_loss", "matrix", normals({{3, 4}, {3, 4}}), loss});
  rows.push_back({"mse_loss", "single numbers", normals({{}, {}}), loss});
  rows.push_back({"mse_loss", "one operand twice", normals({{3}}),
                  [](In in) { return mse_loss(in[0], in[0]); }});
  rows.push_back({"mse_loss", "transposed view", normals({{3, 2}, {2, 3}}),
                  [](In in) { return mse_loss(transpose(in[0]), in[1]); }});
}

}  // namespace qkv::autograd
