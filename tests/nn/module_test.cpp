// Module: parameters and their names in order of registration, and what is passed down the tree.
#include "nn/module.h"

#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "nn/transformer.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::nn;

namespace {

struct Inner : Module {
  Inner() { add("scale", scale); }
  Variable scale = autograd::parameter(tensor::full({2}, 3));
};

// Two parameters around two children; the second child is registered first.
struct Outer : Module {
  Outer() {
    add("z", z);
    add("second", second);
    add("first", first);
    add("a", a);
  }
  Variable z = autograd::parameter(tensor::ones({2, 3}));
  Variable a = autograd::parameter(tensor::ones({}));
  Inner first, second;
};

struct Twice : Module {
  Twice() {
    add("w", w);
    add("w", w);
  }
  Variable w = autograd::parameter(tensor::ones({1}));
};

std::vector<std::string> names(const Module& module) {
  std::vector<std::string> all;
  for (const NamedParameter& named : module.named_parameters()) all.push_back(named.name);
  return all;
}
using Names = std::vector<std::string>;

}  // namespace

TEST_CASE("parameters are named by their path and come in order of registration") {
  const Outer outer;
  CHECK(names(outer) == Names{"z", "a", "second.scale", "first.scale"});
  CHECK(outer.named_parameters()[3].parameter == &outer.first.scale);
  CHECK(outer.parameters().size() == 4);
  CHECK(outer.parameter_count() == 6 + 1 + 2 + 2);
  CHECK(Module().parameter_count() == 0);
}

TEST_CASE("two parameters of one name are refused") {
  CHECK(tests::refusal([] { Twice(); }) == "module: two parameters are named 'w'");
}

TEST_CASE("training mode is on at first and reaches the children both ways") {
  Outer outer;
  CHECK(outer.training());
  CHECK(outer.first.training());
  outer.eval();
  CHECK_FALSE(outer.training());
  CHECK_FALSE(outer.first.training());
  CHECK_FALSE(outer.second.training());
  outer.train();
  CHECK(outer.training());
  CHECK(outer.second.training());
}

TEST_CASE("conversion reaches every parameter and keeps the numbers") {
  Outer outer;
  outer.first.scale.mutable_value().fill_(0.1);
  outer.to(Dtype::float64);
  for (const Variable& p : outer.parameters()) {
    CHECK(p.dtype() == Dtype::float64);
    CHECK(p.requires_grad());
  }
  CHECK(outer.first.scale.value().at({0}) == static_cast<double>(0.1F));
  outer.to(Dtype::float32);
  CHECK(outer.z.dtype() == Dtype::float32);
  CHECK(tests::refusal([&] { outer.to(Dtype::int64); }) ==
        "parameter: needs float32 or float64, got int64");
}

TEST_CASE("zero_grad reaches every parameter") {
  Outer outer;
  backward(sum(outer.z) + sum(outer.first.scale));
  CHECK(outer.z.has_grad());
  outer.zero_grad();
  for (const Variable& p : outer.parameters()) CHECK_FALSE(p.has_grad());
}

TEST_CASE("the default classifier has 10346 parameters") {
  lib::Generator generator(1);
  CHECK(EncoderClassifier(TransformerConfig{}, generator).parameter_count() == 10346);
}

TEST_CASE("the classifier names its parameters from input to output") {
  lib::Generator generator(1);
  const EncoderClassifier model({.width = 4, .layers = 2, .positions = Positions::learned},
                                generator);
  Names expected = {"input.weight", "input.bias", "positions.weight"};
  for (const std::string layer : {"encoder.0.", "encoder.1."}) {
    for (const std::string part :
         {"attention.query", "attention.key", "attention.value", "attention.out",
          "feed_forward.linear1", "feed_forward.linear2", "norm1", "norm2"}) {
      expected.push_back(layer + part + ".weight");
      expected.push_back(layer + part + ".bias");
    }
  }
  for (const std::string part : {"output1", "output_norm", "output2"}) {
    expected.push_back(part + ".weight");
    expected.push_back(part + ".bias");
  }
  CHECK(names(model) == expected);
}
