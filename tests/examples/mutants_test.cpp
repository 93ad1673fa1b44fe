// Mutation test of the gradient check: it refuses every wrong gradient of the list and accepts the
// right ones; each of the weak checks beside it misses some. No operation goes without a mutant.
#include "examples/mutants/mutants.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <set>
#include <sstream>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "examples/checks/model_rows.h"
#include "examples/mutants/kill_table.h"
#include "examples/mutants/weak_checks.h"
#include "tests/compare.h"
#include "tests/determinism/settings.h"

using namespace qkv;
using namespace qkv::examples;
using autograd::Function;
using autograd::Tensor;
using autograd::Variable;
using tests::relative_error;

namespace {

using Names = std::set<std::string>;

// The names of operations in a table that neither have a mutant nor are exempt, in one line.
std::string without_mutant(const std::vector<autograd::OpCase>& table, const Names& exempt) {
  Names covered = exempt;
  for (const Mutant& mutant : mutants()) covered.insert(mutant.operation);
  std::string text;
  for (const auto& row : table) text += covered.insert(row.op).second ? row.op + " " : "";
  return text;
}

// All gradients of Σ f(x) · r, one after the other.
std::vector<double> gradients(const Function& f, const std::vector<Tensor>& inputs) {
  std::vector<Variable> leaves;
  for (const Tensor& input : inputs) leaves.push_back(autograd::parameter(input.clone()));
  const Variable y = f(leaves);
  lib::Generator generator(3);
  const Variable r = autograd::random_cotangent(y.shape(), generator);
  std::vector<double> all;
  for (const Variable& dx : grad({y}, leaves, {r})) {
    for (const double slope : dx.value().to_vector()) all.push_back(slope);
  }
  return all;
}

std::vector<double> values(const Function& f, const std::vector<Tensor>& inputs) {
  return f({inputs.begin(), inputs.end()}).value().to_vector();
}

// Those that the long tests try: all, or every third where time is short.
std::vector<const Mutant*> tried() {
  std::vector<const Mutant*> list;
  const size_t step = tests::short_form() ? 3 : 1;
  for (size_t i = 0; i < mutants().size(); i += step) list.push_back(&mutants()[i]);
  return list;
}

// A character of UTF-8 is one byte that is not 10xxxxxx, and some that are.
int64_t columns_of(const std::string& text) {
  return std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; });
}

const Mutant& mutant_named(const std::string& name) {
  for (const Mutant& mutant : mutants()) {
    if (mutant.name() == name) return mutant;
  }
  throw std::invalid_argument("no mutant is named " + name);
}

const WeakCheck& check_named(const std::string& column) {
  for (const WeakCheck& check : weak_checks()) {
    if (check.column == column) return check;
  }
  throw std::invalid_argument("no check is named " + column);
}

bool survives(const std::string& mutant, const std::string& column) {
  const Mutant& m = mutant_named(mutant);
  return accepts(check_named(column), m.wrong, inputs_of(m));
}

}  // namespace

TEST_CASE("there are at least 60 mutants, families stand together and names are unique and short") {
  CHECK(mutants().size() >= 60);
  Names names, families;
  std::string family;
  for (const Mutant& mutant : mutants()) {
    CHECK_MESSAGE(names.insert(mutant.name()).second, mutant.name());
    CHECK_MESSAGE(columns_of(mutant.name()) <= 60, mutant.name());  // leaves 40 for the verdicts
    if (mutant.family != family) CHECK_MESSAGE(families.insert(mutant.family).second, family);
    family = mutant.family;
  }
}

TEST_CASE("every operation of the op table and every model has a mutant") {
  const Names exempt = {};
  CHECK(without_mutant(autograd::op_table(), exempt) == "");
  CHECK(without_mutant(model_table(), exempt) == "");
  CHECK(without_mutant({{.op = "new_op", .variant = "", .sample = {}, .apply = {}}}, exempt) ==
        "new_op ");
}

TEST_CASE("a mutant has the value of the right function, in float64 and in float32") {
  for (const Mutant& mutant : mutants()) {
    std::vector<Tensor> inputs = inputs_of(mutant);
    CHECK_MESSAGE(values(mutant.wrong, inputs) == values(mutant.right, inputs), mutant.name());
    for (Tensor& input : inputs) input = input.to(tensor::Dtype::float32);
    CHECK_MESSAGE(values(mutant.wrong, inputs) == values(mutant.right, inputs), mutant.name());
  }
}

TEST_CASE("a layer in pieces has the value and the gradient of the layer itself") {
  for (const Mutant& mutant : mutants()) {
    const std::vector<Tensor> inputs = inputs_of(mutant);
    const auto of_value =
        relative_error(values(mutant.apart, inputs), values(mutant.right, inputs));
    CHECK_MESSAGE(of_value <= 1e-12, mutant.name());
    const auto of_gradient =
        relative_error(gradients(mutant.apart, inputs), gradients(mutant.right, inputs));
    CHECK_MESSAGE(of_gradient <= 1e-12, mutant.name());
  }
}

TEST_CASE("a mutant has another gradient than the right function, by more than the tolerance") {
  for (const Mutant& mutant : mutants()) {
    const std::vector<Tensor> inputs = inputs_of(mutant);
    const std::vector<double> wrong = gradients(mutant.wrong, inputs);
    const std::vector<double> right = gradients(mutant.right, inputs);
    REQUIRE(wrong.size() == right.size());
    double worst = 0;
    for (size_t i = 0; i < right.size(); ++i) {
      worst = std::max(worst, std::abs(wrong[i] - right[i]) / (1e-7 + 1e-6 * std::abs(right[i])));
    }
    CHECK_MESSAGE(worst >= 100, mutant.name());
  }
}

TEST_CASE("grad_check kills every mutant and accepts every right function") {
  for (const Mutant* mutant : tried()) {
    const std::vector<Tensor> inputs = inputs_of(*mutant);
    CHECK_MESSAGE(!autograd::grad_check(mutant->name(), mutant->wrong, inputs).passed,
                  mutant->name());
    const auto report = autograd::grad_check(mutant->name(), mutant->right, inputs);
    CHECK_MESSAGE(report.passed, report.message);
  }
}

TEST_CASE("each weak check misses mutants and none refuses a right function") {
  int64_t missed_by_all = 0;
  for (const WeakCheck& check : weak_checks()) {
    int64_t missed = 0;
    for (const Mutant* mutant : tried()) {
      const std::vector<Tensor> inputs = inputs_of(*mutant);
      const double wrong = excess(check, mutant->wrong, inputs);
      const double right = excess(check, mutant->right, inputs);
      missed += wrong <= 1;
      CHECK_MESSAGE(right <= 1, check.column, ", ", mutant->name());
      // The table is the same on every machine: no verdict hangs on the last digits.
      CHECK_MESSAGE(!(std::abs(wrong - 1) <= 0.01), check.column, ", ", mutant->name());
      CHECK_MESSAGE(!(std::abs(right - 1) <= 0.01), check.column, ", ", mutant->name());
    }
    if (!tests::short_form()) CHECK_MESSAGE(missed >= 5, check.column);
    missed_by_all += missed;
  }
  CHECK(missed_by_all >= 4);  // of the few that the short form tries, too
}

TEST_CASE("a weak check without its weakness sees what grad_check sees") {
  const WeakCheck strong = {.column = "strong", .habit = ""};
  for (const Mutant* mutant : tried()) {
    const std::vector<Tensor> inputs = inputs_of(*mutant);
    CHECK_MESSAGE(!accepts(strong, mutant->wrong, inputs), mutant->name());
    CHECK_MESSAGE(accepts(strong, mutant->right, inputs), mutant->name());
  }
}

TEST_CASE("half the tolerance of the float32 check refuses right functions") {
  WeakCheck check = check_named("float32");
  check.atol /= 2, check.rtol /= 2;
  int64_t refused = 0;
  for (const Mutant& mutant : mutants()) {
    refused += !accepts(check, mutant.right, inputs_of(mutant));
  }
  CHECK(refused >= 1);
}

TEST_CASE("each weakness hides what it is known to hide") {
  CHECK(survives("softmax: zeros", ".sum()"));
  CHECK(survives("softmax: wrong sign", ".sum()"));
  CHECK(survives("softmax: ten times too much", ".sum()"));
  CHECK(survives("exp: ignores dy", ".sum()"));
  CHECK(survives("neg: clips dy to [-1, 1]", ".sum()"));
  CHECK(survives("scale: reads dy as if it were row-major", ".sum()"));
  CHECK(survives("permute: applies the order again, not its inverse", ".sum()"));
  CHECK(survives("layer_norm: zeros for dx, where gamma is 1", ".sum()"));
  CHECK(survives("embedding: takes id 0 for padding", "one index"));
  CHECK(survives("linear: db is 1 % too large", "2e-2"));
  CHECK(survives("erf: rounds 2 / √π to 1.13", "2e-2"));
  CHECK(survives("relu: leaks 0.01 dy where x < 0", "float32"));
  for (const WeakCheck& check : weak_checks()) {
    CHECK(survives("softmax: the last row is 1 % too large", check.column));
    CHECK(!survives("neg: forgets the sign", check.column));
  }
}

TEST_CASE("a gradient that is not a number is killed by every check that looks at it") {
  const Function right = [](const std::vector<Variable>& in) { return in[0] * 1.0; };
  const Function wrong = [](const std::vector<Variable>& in) {
    return autograd::record("nan", in, in[0].value(),
                            [](const Variable& dy) -> autograd::Grads { return {dy * NAN}; });
  };
  const std::vector<Tensor> inputs = {tensor::ones({2}, tensor::Dtype::float64)};
  for (const WeakCheck& check : weak_checks()) {
    CHECK(accepts(check, right, inputs));
    CHECK(!accepts(check, wrong, inputs));
  }
}

TEST_CASE("mutants prints a row for each family, and ends with 0 when all are killed") {
  std::vector<Mutant> few;  // the first of every operation
  Names operations;
  for (const Mutant& mutant : mutants()) {
    if (operations.insert(mutant.operation).second) few.push_back(mutant);
  }
  std::ostringstream out;
  CHECK(run_mutants("", out, few) == 0);
  const std::string text = out.str();
  std::istringstream lines(text);
  for (std::string line; std::getline(lines, line);) CHECK_MESSAGE(columns_of(line) <= 100, line);
  for (const Mutant& mutant : mutants()) {
    CHECK_MESSAGE(text.find("\n" + mutant.family + " ") != std::string::npos, mutant.family);
  }
  CHECK(text.find("\n                             100 %") != std::string::npos);
}

TEST_CASE("mutants with a name prints a line for each that has it") {
  std::ostringstream out;
  CHECK(run_mutants("softmax: zeros", out) == 0);
  const std::string text = out.str();
  CHECK(text.find("ours  .sum()  one index  2e-2  float32\nsoftmax: zeros") != std::string::npos);
  CHECK(text.find("     x       .          x     x        x\n") != std::string::npos);
  CHECK(text.find("exp") == std::string::npos);
}

TEST_CASE("mutants with a name that none has ends with 2 and says so") {
  std::ostringstream out;
  CHECK(run_mutants("no such thing", out) == 2);
  CHECK(out.str() == "mutants: none has 'no such thing' in its name\n");
}

TEST_CASE("mutants prints its usage when asked and no control character of a name") {
  std::ostringstream help, unknown;
  CHECK(run_mutants("--help", help) == 0);
  CHECK(help.str().starts_with("usage: qkv mutants [NAME]\n"));
  CHECK(run_mutants("\x1b[2J", unknown) == 2);
  CHECK(unknown.str() == "mutants: none has '\\x1b[2J' in its name\n");
}

TEST_CASE("mutants ends with 1 if one survives, or if a right function is refused") {
  Mutant survivor = mutant_named("neg: forgets the sign");
  survivor.wrong = survivor.right;
  Mutant alarm = mutant_named("neg: forgets the sign");
  alarm.right = alarm.wrong;
  for (const std::string filter : {"", "neg"}) {
    std::ostringstream out;
    CHECK(run_mutants(filter, out, {mutant_named("exp: ignores dy"), survivor}) == 1);
    CHECK(run_mutants(filter, out, {alarm}) == 1);
    CHECK(run_mutants(filter, out, {mutant_named("neg: forgets the sign")}) == 0);
  }
}
