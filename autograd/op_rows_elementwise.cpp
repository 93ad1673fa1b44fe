// Rows of the op table: arithmetic and functions of one number.
#include "autograd/op_rows.h"
#include "autograd/ops.h"

namespace qkv::autograd {
namespace {

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
  rows.push_back(
      {op, "empty", uniforms(0.5, 1.5, {{0, 3}}), [f](In in) { return f(in[0]); }, fused});
  rows.push_back({op, "transposed view", uniforms(0.5, 1.5, {{3, 2}}),
                  [f](In in) { return f(transpose(in[0])); }, fused});
}

}  // namespace

void arithmetic_rows(Rows& rows) {
  add_binary(rows, "add", add);
  add_binary(rows, "sub", sub);
  add_binary(rows, "mul", mul);
  add_binary(rows, "div", div);
  add_unary(rows, "neg", neg, normals({{2, 3}}));
  add_unary(
      rows, "scale", [](const Variable& x) { return x * 2.5; }, normals({{2, 3}}));
  add_unary(
      rows, "shift", [](const Variable& x) { return x + 2.5; }, normals({{2, 3}}));
}

void function_rows(Rows& rows) {
  add_unary(rows, "exp", exp, normals({{2, 3}}));
  add_unary(rows, "log", log, uniforms(0.3, 3, {{2, 3}}));
  add_unary(rows, "sqrt", sqrt, uniforms(0.3, 3, {{2, 3}}));
  add_unary(rows, "tanh", tanh, normals({{2, 3}}));
  add_unary(rows, "sigmoid", sigmoid, normals({{2, 3}}));
  add_unary(rows, "relu", relu, away_from_zero({3, 4}));
  rows.back().kinks = "at 0: the slope there is taken as 0";
  add_unary(rows, "erf", erf, normals({{2, 3}}));
  add_unary(rows, "gelu", gelu, normals({{3, 4}}), true);
  add_unary(rows, "gelu_tanh", gelu_tanh, normals({{3, 4}}), true);
}

}  // namespace qkv::autograd
