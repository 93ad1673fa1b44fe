// The gradcheck command: its table, its explanations, its exit codes, and the models it covers.
#include "examples/checks/gradcheck.h"

#include <doctest/doctest.h>

#include <cmath>
#include <sstream>

#include "autograd/node.h"
#include "autograd/ops.h"
#include "examples/checks/model_rows.h"
#include "tensor/elementwise.h"
#include "tests/compare.h"

using namespace qkv;
using autograd::OpCase;
using autograd::Variable;
using tests::refusal;

namespace {

using In = const std::vector<Variable>&;

std::string printed(const std::vector<std::string>& words, int code = 0) {
  std::ostringstream out;
  CHECK(examples::run_gradcheck(words, out) == code);
  return out.str();
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// A row of exp whose backward is `factor` times the right one, at x.
OpCase exp_row(std::string op, double factor, std::vector<double> x) {
  const auto n = static_cast<int64_t>(x.size());
  return {std::move(op), "vector",
          [x, n](lib::Generator&) { return std::vector{tensor::Tensor::of(x, {n})}; },
          [factor](In in) {
            const Variable& v = in[0];
            return autograd::record("planted", {v}, tensor::exp(v.value()),
                                    [v, factor](const Variable& dy) -> autograd::Grads {
                                      return {dy * exp(v) * factor};
                                    });
          }};
}

}  // namespace

TEST_CASE("every whole model passes the gradient check, every parameter of it") {
  for (const OpCase& row : examples::model_table()) {
    const auto report = check_row(row);
    CHECK_MESSAGE(report.passed, row.variant, ": ", report.message);
    CHECK(report.elements > 50);
    CHECK(report.kinks.empty());
  }
}

TEST_CASE("gradients of gradients of whole models are right in every parameter") {
  int encoders = 0, attentions = 0;
  for (const OpCase& row : examples::model_table()) {
    const bool attention = row.op == "multi_head_attention";
    const bool encoder = row.op == "encoder_classifier" && row.variant.starts_with("pre-norm");
    if (!attention && (!encoder || encoders > 0)) continue;
    const auto report = check_row_second_order(row);
    CHECK_MESSAGE(report.passed, row.variant, ": ", report.message);
    CHECK(report.elements > 50);
    encoders += encoder;
    attentions += attention;
  }
  CHECK(encoders == 1);
  CHECK(attentions >= 3);
}

TEST_CASE("gradcheck of a name prints a line for each operation and each shape and ends with 0") {
  const std::string text = printed({"softmax"});
  for (const char* line : {"\nsoftmax  ", "\nlog_softmax  ", "\nmasked_softmax  ",
                           "\n  last axis: (2, 3, 4)  ", "\n  strided: (2, 3, 4)  "}) {
    CHECK_MESSAGE(contains(text, line), std::string(line));
  }
  CHECK(contains(text, "\n3 of 3 right, "));
  CHECK_FALSE(contains(text, "matmul"));
  CHECK_FALSE(contains(text, "WRONG"));
  CHECK(contains(printed({"relu"}), "\n  (bends at 0: the slope there is taken as 0)\n"));
  CHECK(contains(printed({"multi_head"}), "\n  self, causal: 9 inputs  "));
}

TEST_CASE("the table of given rows has a line for each operation and counts what is wrong") {
  std::ostringstream out;
  const std::vector<OpCase> rows = {exp_row("right", 1, {0.5, 1}), exp_row("right", 1, {2}),
                                    exp_row("wrong", 2, {0.5, 1, 2})};
  CHECK(examples::check_rows(rows, false, out) == 1);
  const std::string text = out.str();
  CHECK(contains(text, "\nright                       2        3"));
  CHECK(contains(text, "    2.0"));
  CHECK(contains(text, "   ok\nwrong                       1        3   5.0e-01    1.0"));
  CHECK(contains(text, "   WRONG\n    wrong, vector: input 0 at (2,): analytic "));
  CHECK(contains(text, "\n      why      input 0: constant factor 2: "));
  CHECK(contains(text, "\n1 of 2 right, 3 shapes, 6 elements compared, worst error 5.0e-01, "));
  std::ostringstream good;
  CHECK(examples::check_rows({rows[0]}, false, good) == 0);
}

TEST_CASE("kinks are counted in the verdict and a relaxed tolerance is shown with its reason") {
  OpCase row{"bent", "vector",
             [](lib::Generator&) {
               return std::vector{tensor::Tensor::of<double>({0, 1, -1, 0}, {4})};
             },
             // relu(x) x bends at 0 only in its second derivative
             [](In in) { return relu(in[0]) * in[0]; }};
  row.tolerance = {.atol = 1e-5, .rtol = 1e-4, .reason = "it is an example"};
  row.kinks = "at 0, in the second derivative";
  std::ostringstream out;
  CHECK(examples::check_rows({row}, true, out) == 0);
  CHECK(contains(out.str(), "   ok, 2 kinks\n"));
  CHECK(contains(out.str(),
                 "  (vector: allowed is 1e-05 + 0.0001 |numeric|, since it is an example)\n"));
}

TEST_CASE("a kink that the row does not list is wrong and an error that is no number is shown") {
  OpCase row{"bent", "vector",
             [](lib::Generator&) {
               return std::vector{tensor::Tensor::of<double>({0, 1}, {2})};
             },
             [](In in) { return relu(in[0]) * in[0]; }};
  std::ostringstream out;
  CHECK(examples::check_rows({row}, false, out) == 1);
  CHECK(contains(out.str(),
                 "   WRONG\n    bent, vector, second order: a kink that the row does not "
                 "list: kink at input 0 (0,): the slope is "));
  row.apply = [](In in) { return relu(in[0]); };
  std::ostringstream first;
  CHECK(examples::check_rows({row}, false, first) == 1);
  CHECK(contains(first.str(), "\n    bent, vector: a kink that the row does not list: kink at "));
  std::ostringstream broken;
  CHECK(examples::check_rows({exp_row("nan", NAN, {1, 2}), exp_row("nan", 1, {1, 2})}, false,
                             broken) == 1);
  CHECK(contains(broken.str(), "       4       nan"));
  CHECK(contains(broken.str(), "judged once more at eps / 10\n"));
}

TEST_CASE("the eps sweep prints a chart for each operation") {
  const std::string text = printed({"gelu", "--eps-sweep"});
  CHECK(contains(text, "gelu matrix: (3, 4)\n"));
  CHECK(contains(text, "\ngelu_tanh matrix: (3, 4)\n"));
  CHECK(contains(text, "\n1e-06  "));
  CHECK(contains(text, "\nbest: float64 "));
  CHECK(printed({"--eps-sweep", "gelu"}) == text);
}

TEST_CASE("gradcheck explains its words and refuses others in one sentence") {
  CHECK(printed({"--help"}).starts_with("usage: qkv gradcheck [NAME] [--eps-sweep]\n"));
  CHECK(printed({"softmax", "-h"}) == printed({"--help"}));
  const auto refused = [](const std::vector<std::string>& words) {
    std::ostringstream out;
    return refusal([&] { examples::run_gradcheck(words, out); });
  };
  CHECK(refused({"no such thing"}) ==
        "gradcheck: no operation or model has 'no such thing' in its name");
  CHECK(refused({"softmax", "--eps"}) ==
        "gradcheck: unknown option '--eps'; ./qkv gradcheck --help lists them");
  CHECK(refused({"relu", "gelu"}) == "gradcheck: takes one name, got 'relu' and 'gelu'");
  CHECK(refused({"--eps-sweep"}) == "gradcheck: --eps-sweep needs the name of an operation");
}
