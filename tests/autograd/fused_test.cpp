// Oracle: a fused operation is its definition, computed faster. Values and gradients agree, and a
// gradient with a graph is the definition's. Which operations are fused is found out here as well,
// not believed.
#include <doctest/doctest.h>

#include "autograd/engine.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "tests/compare.h"
#include "tests/operations.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::relative_error;

namespace {

std::vector<Variable> sampled(const OpCase& row, uint64_t seed, Dtype dtype = Dtype::float64) {
  lib::Generator generator(seed);
  std::vector<Variable> inputs;
  for (const Tensor& input : row.sample(generator)) inputs.push_back(parameter(input.to(dtype)));
  return inputs;
}

// The value, then the gradient of each input at a random cotangent.
struct Results {
  Variable value;
  std::vector<Variable> grads;
};

Results run(const OpCase& row, const std::vector<Variable>& inputs, bool create_graph = false) {
  const Variable y = row.apply(inputs);
  lib::Generator generator(99);
  const Tensor r = tensor::uniform(y.shape(), -1, 1, generator, y.dtype());
  return {y, grad({y}, inputs, {r}, {.create_graph = create_graph})};
}

// All numbers in one list: a gradient that is 0 but for rounding has no scale of its own.
std::vector<double> numbers(const Results& results) {
  std::vector<double> all = results.value.value().to_vector();
  for (const Variable& g : results.grads) {
    const std::vector<double> more = g.value().to_vector();
    all.insert(all.end(), more.begin(), more.end());
  }
  return all;
}

void check_agreement(const Results& fused, const Results& definition, double tolerance) {
  CHECK(fused.value.dtype() == definition.value.dtype());
  CHECK(fused.value.shape() == definition.value.shape());
  CHECK(relative_error(numbers(fused), numbers(definition)) <= tolerance);
}

bool records(const Variable& result, const std::string& name) {
  return tests::operations_behind(result).contains(name);
}

template <class Body>
void for_each_fused_row(const Body& body) {
  int rows = 0;
  for (const OpCase& row : op_table()) {
    if (!row.fused) continue;
    INFO(row.op, ", ", row.variant);
    body(row);
    ++rows;
  }
  CHECK(rows >= 14);
}

}  // namespace

TEST_CASE("a row is marked fused if and only if its operation has a definition") {
  for (const OpCase& row : op_table()) {
    INFO(row.op, ", ", row.variant);
    const std::vector<Variable> inputs = sampled(row, 1);
    CHECK(records(row.apply(inputs), row.op));
    const UseDefinitions definitions;
    CHECK(records(row.apply(inputs), row.op) == !row.fused);
  }
}

TEST_CASE("fused operations equal their definitions in value and gradients") {
  for_each_fused_row([](const OpCase& row) {
    for (const uint64_t seed : {1u, 2u, 3u}) {
      const std::vector<Variable> inputs = sampled(row, seed);
      const Results fused = run(row, inputs);
      const UseDefinitions definitions;
      check_agreement(fused, run(row, inputs), 1e-12);
    }
  });
}

TEST_CASE("fused operations equal their definitions in float32") {
  for_each_fused_row([](const OpCase& row) {
    const std::vector<Variable> inputs = sampled(row, 4, Dtype::float32);
    const Results fused = run(row, inputs);
    const UseDefinitions definitions;
    check_agreement(fused, run(row, inputs), 1e-5);
  });
}

TEST_CASE("gradients of fused operations with a graph equal those without") {
  for_each_fused_row([](const OpCase& row) {
    const std::vector<Variable> inputs = sampled(row, 5);
    const Results plain = run(row, inputs), recorded = run(row, inputs, true);
    check_agreement(plain, recorded, 1e-12);
    for (const Variable& g : plain.grads) CHECK_FALSE(g.requires_grad());
    CHECK(recorded.grads[0].requires_grad());
  });
}

TEST_CASE("second derivatives of fused operations equal those of their definitions") {
  for_each_fused_row([](const OpCase& row) {
    const auto second = [&](const std::vector<Variable>& inputs) {
      const Variable dx = run(row, inputs, true).grads[0];
      lib::Generator generator(100);
      const Tensor r = tensor::uniform(dx.shape(), -1, 1, generator, Dtype::float64);
      return Results{dx, grad({dx}, inputs, {r})};
    };
    const std::vector<Variable> inputs = sampled(row, 6);
    const Results fused = second(inputs);
    const UseDefinitions definitions;
    check_agreement(fused, second(inputs), 1e-12);
  });
}

TEST_CASE("a Variable that is two operands of a fused operation gets both gradients") {
  lib::Generator generator(7);
  const Variable x = parameter(tensor::normal({3, 4}, 0, 1, generator, Dtype::float64));
  const Variable g = parameter(tensor::normal({4}, 0, 1, generator, Dtype::float64));
  const OpCase row{"layer_norm",
                   "gamma is beta",
                   {},
                   [](const auto& in) { return layer_norm(in[0], in[1], in[1]); },
                   true};
  const Results fused = run(row, {x, g}), recorded = run(row, {x, g}, true);
  check_agreement(fused, recorded, 1e-12);
  const UseDefinitions definitions;
  check_agreement(fused, run(row, {x, g}), 1e-12);
}

TEST_CASE("inputs of a fused operation that require no gradient may be constants") {
  lib::Generator generator(8);
  const Variable x = parameter(tensor::normal({3, 4}, 0, 1, generator, Dtype::float64));
  const Variable one = tensor::ones({4}, Dtype::float64), zero = tensor::zeros({4}, Dtype::float64);
  const OpCase row{"layer_norm",
                   "constants",
                   {},
                   [&](const auto& in) { return layer_norm(in[0], one, zero); },
                   true};
  check_agreement(run(row, {x}), run(row, {x}, true), 1e-12);
}

TEST_CASE("the definitions are used only while a guard lives") {
  CHECK_FALSE(using_definitions());
  {
    const UseDefinitions outer;
    { const UseDefinitions inner; }
    CHECK(using_definitions());
  }
  CHECK_FALSE(using_definitions());
}
