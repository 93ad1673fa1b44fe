// Arithmetic and functions of one number, by their golden names.
#include "autograd/ops.h"
#include "examples/checks/golden_ops.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

void add_unary(GoldenOps& ops, const std::string& name, Variable (*f)(const Variable&)) {
  ops[name] = [f](GoldenCall& call) -> Outputs { return {{"output", f(call.input("input"))}}; };
}

void add_binary(GoldenOps& ops, const std::string& name,
                Variable (*f)(const Variable&, const Variable&)) {
  ops[name] = [f](GoldenCall& call) -> Outputs {
    return {{"output", f(call.input("input"), call.input("other"))}};
  };
}

Outputs gelu(GoldenCall& call) {
  const Variable x = call.input("input");
  const std::string kind = call.text("approximate", "none");
  if (kind == "tanh") return {{"output", autograd::gelu_tanh(x)}};
  if (kind != "none") lib::fail("gelu: approximate is '", kind, "'; need none or tanh");
  return {{"output", autograd::gelu(x)}};
}

}  // namespace

void elementwise_ops(GoldenOps& ops) {
  add_unary(ops, "neg", autograd::neg);
  add_unary(ops, "exp", autograd::exp);
  add_unary(ops, "log", autograd::log);
  add_unary(ops, "sqrt", autograd::sqrt);
  add_unary(ops, "tanh", autograd::tanh);
  add_unary(ops, "sigmoid", autograd::sigmoid);
  add_unary(ops, "relu", autograd::relu);
  add_unary(ops, "silu", autograd::silu);
  add_binary(ops, "add", autograd::add);
  add_binary(ops, "sub", autograd::sub);
  add_binary(ops, "mul", autograd::mul);
  add_binary(ops, "div", autograd::div);
  add_binary(ops, "maximum", autograd::maximum);
  ops["gelu"] = gelu;
  ops["pow"] = [](GoldenCall& call) -> Outputs {
    return {{"output", pow(call.input("input"), call.number("exponent"))}};
  };
}

}  // namespace qkv::examples
