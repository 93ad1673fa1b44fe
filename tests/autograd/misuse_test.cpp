// A user's mistakes: each gives one sentence that names the operation, the values and the rule.
#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tests/compare.h"
#include "tests/leaf.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::leaf;
using qkv::tests::leaf64;
using qkv::tests::refusal;

namespace {

Tensor ids(std::vector<int64_t> values) {
  const auto n = static_cast<int64_t>(values.size());
  return Tensor::of(values, {n});
}
int run_backward(const Variable& y, const Variable& cotangent = {}) {
  backward(y, cotangent);
  return 0;
}

}  // namespace

// ---- variables ----------------------------------------------------------------------------------

TEST_CASE("a parameter has to be floating") {
  CHECK(refusal([] { return parameter(tensor::arange(3)); }) ==
        "parameter: needs float32 or float64, got int64");
  CHECK(refusal([] { return parameter(Tensor::of<bool>({true}, {1})); }) ==
        "parameter: needs float32 or float64, got bool");
}

TEST_CASE("grad says why there is no gradient") {
  const Variable x = leaf({2}), c = tensor::ones({2});
  CHECK(refusal([&] { return x.grad(); }) ==
        "grad: no gradient yet; call backward() on a result first");
  CHECK(refusal([&] { return c.grad(); }) ==
        "grad: this Variable requires no gradient; make it with parameter()");
  CHECK(refusal([&] { return exp(x).grad(); }) ==
        "grad: the result of 'exp' keeps no gradient, only leaves do; use grad(...)");
}

// ---- the engine ---------------------------------------------------------------------------------

TEST_CASE("an output of several elements needs a cotangent") {
  const Variable x = leaf({2, 3});
  const std::string rule =
      ": the output has shape (2, 3); more than one element needs a cotangent "
      "of that shape";
  CHECK(refusal([&] { return run_backward(exp(x)); }) == "backward" + rule);
  CHECK(refusal([&] { return grad({exp(x)}, {x}); }) == "grad" + rule);
  const Variable empty = leaf({0});
  CHECK(
      refusal([&] { return run_backward(exp(empty)); }) ==
      "backward: the output has shape (0,); more than one element needs a cotangent of that shape");
}

TEST_CASE("a cotangent has the output's shape and dtype") {
  const Variable x = leaf({2, 3});
  CHECK(refusal([&] {
          return run_backward(exp(x), tensor::ones({3, 2}));
        }) == "backward: the cotangent is (3, 2) float32, the output (2, 3) float32");
  CHECK(refusal([&] {
          return run_backward(exp(x), tensor::ones({2, 3}, Dtype::float64));
        }) == "backward: the cotangent is (2, 3) float64, the output (2, 3) float32");
  CHECK(refusal([&] {
          return grad({sum(x), sum(x)}, {x}, {Variable(tensor::scalar(1))});
        }) == "grad: 2 outputs but 1 cotangents");
}

TEST_CASE("an output without a graph has no backward") {
  const Variable x = leaf({}), c = tensor::scalar(1);
  const std::string rule =
      ": the output requires no gradient: nothing it was made of is a parameter()";
  CHECK(refusal([&] { return run_backward(c * c); }) == "backward" + rule);
  CHECK(refusal([&] { return run_backward(Variable()); }) == "backward" + rule);
  CHECK(refusal([&] { return run_backward(exp(x).detach()); }) == "backward" + rule);
  CHECK(refusal([&] { return grad({c}, {x}); }) == "grad" + rule);
  CHECK(refusal([&] { return grad({x}, {Variable(tensor::ones({4}))}); }) ==
        "grad: an input of shape (4,) requires no gradient");
}

// ---- shapes and dtypes --------------------------------------------------------------------------

TEST_CASE("operands of arithmetic broadcast and have one dtype") {
  const Variable a = leaf({2, 3}), b = leaf({2, 4}), d = leaf64({2, 3});
  for (const auto& [name, op] :
       {std::pair("add", &add), {"sub", &sub}, {"mul", &mul}, {"div", &div}}) {
    const std::string shapes = refusal([&, op = op] { return op(a, b); });
    CHECK(shapes.starts_with(std::string(name) + ": "));
    CHECK(shapes.find("(2, 3)") != std::string::npos);
    CHECK(shapes.find("(2, 4)") != std::string::npos);
    const std::string dtypes = refusal([&, op = op] { return op(a, d); });
    CHECK(dtypes.starts_with(std::string(name) + ": "));
    CHECK(dtypes.find("float32") != std::string::npos);
    CHECK(dtypes.find("float64") != std::string::npos);
  }
}

TEST_CASE("functions need floating operands") {
  const Variable x = tensor::arange(3);
  CHECK(refusal([&] { return exp(x); }).starts_with("exp: "));
  CHECK(refusal([&] { return softmax(x, -1); }).starts_with("softmax: "));
  CHECK(refusal([&] { return gelu(x); }).starts_with("gelu: "));
}

TEST_CASE("matmul names both shapes") {
  const std::string inner = refusal([] { return matmul(leaf({2, 3}), leaf({4, 5})); });
  CHECK(
      inner ==
      "matmul: inner dimensions differ: A is (2, 3), B is (4, 5); need A.shape[-1] == B.shape[-2]");
  CHECK(refusal([] { return matmul(leaf({}), leaf({3, 4})); }).starts_with("matmul: "));
  CHECK(refusal([] { return matmul(leaf({2, 3}), leaf64({3, 4})); }).starts_with("matmul: "));
  CHECK(refusal([] { return matmul(leaf({2, 1, 3}), leaf({5, 3, 4})); }).starts_with("matmul: "));
}

TEST_CASE("linear names the shapes of what does not fit") {
  const std::string weight = "; need W of rank 2 with W.shape[1] == x.shape[-1]";
  CHECK(refusal([] {
          return linear(leaf({2, 3}), leaf({5, 4}));
        }) == "linear: x is (2, 3), W is (5, 4)" + weight);
  CHECK(refusal([] {
          return linear(leaf({2, 3}), leaf({3}));
        }) == "linear: x is (2, 3), W is (3,)" + weight);
  CHECK(refusal([] {
          return linear(leaf({}), leaf({5, 4}));
        }) == "linear: x is (), W is (5, 4)" + weight);
  for (const Shape& bias : {Shape{4}, Shape{1}, Shape{}, Shape{5, 1}}) {
    CHECK(refusal([&] {
            return linear(leaf({2, 4}), leaf({5, 4}), leaf(bias));
          }) == lib::str("linear: b is ", bias, ", W is (5, 4); need b of shape (W.shape[0],)"));
  }
  CHECK(refusal([] { return linear(leaf({2, 4}), leaf64({5, 4})); }) != "not refused");
  CHECK(refusal([] { return linear(leaf({2, 4}), leaf({5, 4}), leaf64({5})); }) != "not refused");
}

TEST_CASE("layer_norm names the shapes and dtypes of what does not fit") {
  CHECK(refusal([] {
          return layer_norm(leaf({2, 3}), leaf({3}), leaf({2}));
        }) == "layer_norm: x is (2, 3), gamma (3,), beta (2,); need both of shape (3,)");
  CHECK(refusal([] {
          return layer_norm(leaf({2, 3}), leaf({1, 3}), leaf({3}));
        }) == "layer_norm: x is (2, 3), gamma (1, 3), beta (3,); need both of shape (3,)");
  CHECK(refusal([] { return layer_norm(leaf({}), leaf({}), leaf({})); }) ==
        "layer_norm: x is (); its last axis must exist and not be empty");
  CHECK(refusal([] {
          return layer_norm(leaf({2, 0}), leaf({0}), leaf({0}));
        }) == "layer_norm: x is (2, 0); its last axis must exist and not be empty");
  CHECK(refusal([] {
          return layer_norm(leaf({2, 3}), leaf64({3}), leaf({3}));
        }) == "layer_norm: dtypes differ: x is float32, gamma float64, beta float32");
}

TEST_CASE("reductions and shapes name the operation") {
  const Variable x = leaf({2, 3});
  CHECK(refusal([&] { return sum(x, {2}); }).starts_with("sum: "));
  CHECK(refusal([&] { return sum(x, {0, -2}); }).starts_with("sum: "));
  CHECK(refusal([&] { return mean(leaf({0}), {0}); }).starts_with("mean: "));
  CHECK(refusal([&] {
          return max(leaf({2, 0}), 1);
        }).ends_with(": axis 1 of shape (2, 0) is empty"));
  CHECK(refusal([&] { return expand(x, {2, 4}); }).starts_with("expand: "));
  CHECK(refusal([&] { return reduce_to(x, {3, 3}); }).starts_with("reduce_to: "));
  CHECK(refusal([&] { return reshape(x, {4, 2}); }).starts_with("reshape: "));
  CHECK(refusal([&] { return transpose(x, 0, 2); }).starts_with("transpose: "));
  CHECK(refusal([&] { return permute(x, {0, 0}); }).starts_with("permute: "));
  CHECK(refusal([&] { return permute(x, {0}); }).starts_with("permute: "));
  CHECK(refusal([&] { return slice(x, 1, 2, 4); }).starts_with("slice: "));
  CHECK(refusal([&] { return concat({x, leaf({3, 3})}, 1); }).starts_with("concat: "));
  CHECK(refusal([&] { return concat({}, 0); }).starts_with("concat: "));
  CHECK(refusal([&] { return stack({}, 0); }) != "not refused");
  CHECK(refusal([&] { return stack({x, leaf({3, 3})}, 0); }) != "not refused");
}

// ---- choices ------------------------------------------------------------------------------------

TEST_CASE("embedding names the id that is not in the table") {
  const Variable table = leaf({5, 2});
  for (const int64_t bad : {-1, 5, 1000}) {
    const std::string text = refusal([&] { return embedding(table, ids({0, bad})); });
    INFO(text);
    CHECK(text.find(std::to_string(bad)) != std::string::npos);
    CHECK(text.find('5') != std::string::npos);
  }
  CHECK(refusal([&] { return embedding(table, tensor::ones({2})); }) != "not refused");
  CHECK(refusal([&] { return embedding(leaf({}), ids({0})); }) != "not refused");
}

TEST_CASE("where and masked_fill need a bool mask that fits") {
  const Variable x = leaf({2, 3});
  CHECK(refusal([&] { return where(tensor::ones({2, 3}), x, x); }).starts_with("where: "));
  CHECK(refusal([&] { return masked_fill(x, tensor::ones({2, 3}), 0); }) != "not refused");
  const Tensor mask = Tensor::of<bool>({true, false}, {2});
  CHECK(refusal([&] { return where(mask, x, x); }).starts_with("where: "));
  const std::string text = refusal([&] { return masked_softmax(x, mask); });
  CHECK(text.find("(2,) and (2, 3)") != std::string::npos);
}

TEST_CASE("dropout needs a probability below 1") {
  lib::Generator generator(1);
  CHECK(refusal([&] { return dropout(leaf({2}), 1, generator); }) ==
        "dropout: probability 1 is outside [0, 1)");
  CHECK(refusal([&] { return dropout(leaf({2}), -0.1, generator); }) ==
        "dropout: probability -0.1 is outside [0, 1)");
  CHECK(refusal([&] { return dropout(leaf({2}), NAN, generator); }) != "not refused");
}

TEST_CASE("cross_entropy says what is wrong with the targets") {
  const Variable logits = leaf({3, 4});
  CHECK(refusal([&] {
          return cross_entropy(logits, ids({0, 1}));
        }) ==
        "cross_entropy: logits are (3, 4), targets (2,); need targets of shape logits.shape[:-1]");
  CHECK(refusal([&] { return cross_entropy(logits, tensor::ones({3})); }) ==
        "cross_entropy: targets must be int64, got float32");
  CHECK(refusal([&] {
          return cross_entropy(logits, ids({-100, -100, -100}));
        }) == "cross_entropy: no position counts: every target is ignore_index");
  CHECK(refusal([&] {
          return cross_entropy(logits, ids({0, 1, 2}), {.label_smoothing = 1});
        }) == "cross_entropy: label_smoothing 1 is outside [0, 1)");
  for (const int64_t bad : {-1, 4}) {
    const std::string text = refusal([&] { return cross_entropy(logits, ids({0, bad, 1})); });
    INFO(text);
    CHECK(text.find(std::to_string(bad)) != std::string::npos);
    CHECK(text.find('4') != std::string::npos);
    const UseDefinitions definitions;
    CHECK(refusal([&] { return cross_entropy(logits, ids({0, bad, 1})); }) == text);
  }
  CHECK(refusal([&] { return cross_entropy(leaf({}), ids({0})); }) != "not refused");
}

TEST_CASE("a gradient is set at a leaf of its shape and dtype only") {
  Variable p = leaf({2});
  CHECK(refusal([&] {
          p.set_grad(tensor::ones({3}));
          return p;
        }).starts_with("set_grad: "));
  CHECK(refusal([&] {
          p.set_grad(tensor::ones({2}, Dtype::float64));
          return p;
        }).starts_with("set_grad: "));
  Variable constant = tensor::ones({2});
  CHECK(refusal([&] {
          constant.set_grad(tensor::ones({2}));
          return p;
        }).starts_with("set_grad: "));
}

TEST_CASE("a sentence names the operation that was called") {
  const Variable x = leaf({2, 3});
  CHECK(refusal([&] {
          return embedding(x, Tensor::of<int64_t>({5}, {1}));
        }).starts_with("embedding: "));
  CHECK(refusal([&] {
          return cross_entropy(x, Tensor::of<int64_t>({0, 3}, {2}));
        }).starts_with("cross_entropy: id 3 at element 1"));
  CHECK(refusal([&] { return max(leaf({0, 3}), 0); }).starts_with("max: "));
  CHECK(refusal([&] { return stack({}, 0); }).starts_with("stack: "));
  CHECK(refusal([&] {
          return stack({leaf({2, 3, 4, 5, 6}), leaf({})}, 5);
        }) == "stack: shapes or dtypes differ: (2, 3, 4, 5, 6) float32 and () float32");
  CHECK(refusal([&] {
          return stack({x, leaf({2, 1})}, 1);
        }) == "stack: shapes or dtypes differ: (2, 3) float32 and (2, 1) float32");
  const Variable narrow = leaf64({4, 3});
  CHECK(refusal([&] { return linear(x, narrow); }).starts_with("linear: dtypes differ"));
  const Tensor mask = tensor::full({5, 3}, 1, Dtype::boolean);
  CHECK(refusal([&] { return masked_softmax(x, mask); }).starts_with("masked_softmax: "));
  CHECK(refusal([&] { return masked_fill(x, mask, 0); }).starts_with("masked_fill: "));
}
