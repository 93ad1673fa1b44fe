// The verify command: every golden file of ours is right in both dtypes, and every way in which a
// result or a file can be wrong is noticed.
#include "examples/checks/verify.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <limits>
#include <sstream>

#include "autograd/ops.h"
#include "lib/file.h"
#include "tests/compare.h"
#include "tests/temporary.h"

using namespace qkv;
using namespace qkv::examples;
using namespace qkv::tests;
using Numbers = std::vector<double>;

namespace {

constexpr double kNan = std::numeric_limits<double>::quiet_NaN();
constexpr double kInf = std::numeric_limits<double>::infinity();
constexpr const char* kFolder = QKV_SOURCE_DIR "/tests/golden";

// (3, 5) times (2, -4), and its gradients for (10, 100).
const std::string kProduct = R"({"format": "qkv-golden-1", "source": "by hand", "cases": [
{"name": "product", "op": "mul", "attrs": {},
 "inputs": {"input": {"dtype": "float64", "shape": [2], "data": [3, 5]},
            "other": {"dtype": "float64", "shape": [2], "data": [2, -4]}},
 "outputs": {"output": {"dtype": "float64", "shape": [2], "data": [6, -20]}},
 "grad_outputs": {"output": {"dtype": "float64", "shape": [2], "data": [10, 100]}},
 "grads": {"input": {"dtype": "float64", "shape": [2], "data": [20, -400]},
           "other": {"dtype": "float64", "shape": [2], "data": [30, 500]}}}]})";

GoldenCase product() { return parse_golden(kProduct).cases[0]; }

Tensor pair_of(double a, double b) { return Tensor::of(Numbers{a, b}, {2}); }

std::string problem(const GoldenCase& golden, Dtype dtype = Dtype::float64,
                    const GoldenOps& ops = golden_ops()) {
  return verify_case(golden, dtype, ops).problem;
}

// The product with another result of the operation.
std::string problem_of(const GoldenOp& op, Dtype dtype = Dtype::float64) {
  return problem(product(), dtype, {{"mul", op}});
}

struct Run {
  int code;
  std::string out, errors;
};

Run run(const std::vector<std::string>& words) {
  std::ostringstream out, errors;
  const int code = run_verify(words, out, errors);
  return {code, out.str(), errors.str()};
}

// Runs the text as a file.
Run run_text(const std::string& text) {
  const TemporaryFolder folder;
  lib::write_file_atomically(folder / "golden.json", {text});
  return run({folder / "golden.json"});
}

std::string replaced(std::string text, const std::string& from, const std::string& to) {
  const size_t at = text.find(from);
  REQUIRE(at != std::string::npos);
  return text.replace(at, from.size(), to);
}

bool holds(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

}  // namespace

// ---- what is right ------------------------------------------------------------------------------

TEST_CASE("verify: every case of tests/golden is right in float64 and in float32") {
  size_t files = 0, cases = 0;
  for (const auto& entry : std::filesystem::directory_iterator(kFolder)) {
    if (entry.path().extension() != ".json") continue;
    files += 1;
    for (const GoldenCase& golden : read_golden_file(entry.path().string()).cases) {
      cases += 1;
      for (const Dtype dtype : {Dtype::float64, Dtype::float32}) {
        INFO(entry.path().filename().string(), ", ", golden.place, ", ", golden.name);
        const CaseReport report = verify_case(golden, dtype);
        CHECK(report.problem == "");
        CHECK(report.share <= 1);
        CHECK_FALSE(report.worst.empty());
      }
    }
  }
  CHECK(files == 13);
  CHECK(cases >= 249);
}

TEST_CASE("verify: the report names the element that comes nearest to its tolerance") {
  GoldenCase golden = product();
  golden.grads[1].second = pair_of(30, 500 + 1e-7);
  const CaseReport report = verify_case(golden, Dtype::float64);
  CHECK(report.problem == "");
  CHECK(report.worst == "grad of other (1,)");
  CHECK(std::fabs(report.error - 1e-7) <= 1e-12);
  CHECK(std::fabs(report.share - 1e-7 / (1e-10 + 500e-9)) <= 1e-6);
}

// ---- what is wrong ------------------------------------------------------------------------------

TEST_CASE("verify: one element that is off by a hundred-millionth is noticed, wherever it is") {
  for (const bool gradient : {false, true}) {
    for (const size_t which : {0u, 1u}) {
      if (!gradient && which == 1) continue;
      for (const size_t element : {0u, 1u}) {
        GoldenCase golden = product();
        Tensor& tensor = (gradient ? golden.grads : golden.outputs)[which].second;
        Numbers numbers = tensor.to_vector();
        numbers[element] *= 1 + 1e-8;
        tensor = pair_of(numbers[0], numbers[1]);
        const std::string name = golden.inputs[which].first;
        const std::string what = gradient ? "grad of " + name : "output";
        CHECK(problem(golden).starts_with(what + " (" + std::to_string(element) + ",) is "));
        numbers[element] *= -1;
        tensor = pair_of(numbers[0], numbers[1]);
        CHECK(holds(problem(golden, Dtype::float32), ", expected "));
      }
    }
  }
}

TEST_CASE("verify: float32 allows 2e-5 of the largest element, and no more") {
  GoldenCase golden = product();
  golden.outputs[0].second = pair_of(6 + 3.9e-4, -20);
  CHECK(problem(golden, Dtype::float32) == "");
  golden.outputs[0].second = pair_of(6 + 4.1e-4, -20);
  CHECK(holds(problem(golden, Dtype::float32), "output (0,) is 6, expected 6.0004"));
}

TEST_CASE("verify: in float32 what is 0 but for rounding is measured by the other gradients") {
  GoldenCase golden = product();
  golden.grads[0].second = pair_of(1e-14, 0);
  const GoldenOp nearly_none = [](GoldenCall& call) -> Outputs {
    const Variable x = call.input("input");
    return {{"output", x.detach() * call.input("other") + x * 1e-7}};
  };
  CHECK(problem(golden, Dtype::float32, {{"mul", nearly_none}}) == "");
  golden.grads[0].second = pair_of(1e-9, 0);  // this says that the gradient is not 0
  CHECK(holds(problem(golden, Dtype::float32, {{"mul", nearly_none}}), "grad of input (1,)"));
}

TEST_CASE("verify: NaN and infinities are right only where they are expected") {
  GoldenCase golden = product();
  golden.inputs[0].second = pair_of(kNan, 5);
  CHECK(holds(problem(golden), "output (0,) is nan, expected 6"));
  CHECK(holds(problem(golden, Dtype::float32), "output (0,) is nan, expected 6"));
  golden.outputs[0].second = pair_of(kNan, -20);
  golden.grads[1].second = pair_of(kNan, 500);
  CHECK(problem(golden) == "");
  golden.outputs[0].second = pair_of(kNan, kNan);
  CHECK(holds(problem(golden), "output (1,) is -20, expected nan"));
  golden = product();
  golden.outputs[0].second = pair_of(6, -kInf);
  CHECK(holds(problem(golden), "output (1,) is -20, expected -inf"));
  golden = product();
  golden.outputs[0].second = pair_of(kInf, -20);
  CHECK(holds(problem(golden, Dtype::float32), "output (0,) is 6, expected inf"));
}

TEST_CASE("verify: outputs that are missing, extra or of another shape or type are noticed") {
  const auto times = [](GoldenCall& call) { return call.input("input") * call.input("other"); };
  CHECK(problem_of([&](GoldenCall& call) -> Outputs {
          return {{"result", times(call)}};
        }) == "output: mul has no such output");
  CHECK(problem_of([&](GoldenCall& call) -> Outputs {
          return {{"output", times(call)}, {"weights", times(call)}};
        }) == "weights: the file does not have this output");
  CHECK(problem_of([&](GoldenCall& call) -> Outputs {
          return {{"output", reshape(times(call), {2, 1})}};
        }) == "output has shape (2, 1), expected (2,)");
  CHECK(problem_of([&](GoldenCall& call) -> Outputs {
          return {{"output", times(call).value().to(Dtype::int64)}};
        }) == "output is int64, expected float64");
  CHECK(problem_of(
            [&](GoldenCall& call) -> Outputs {
              return {{"output", times(call).value().to(Dtype::float64)}};
            },
            Dtype::float32) == "output is float64, expected float32");
}

TEST_CASE("verify: an input that no gradient reaches is noticed, and one that is doubled") {
  CHECK(problem_of([](GoldenCall& call) -> Outputs {
          return {{"output", call.input("input").detach() * call.input("other")}};
        }) == "grad of input: no gradient reaches this input");
  CHECK(problem_of([](GoldenCall& call) -> Outputs {
          return {{"output", (call.input("input") * call.input("other")).detach()}};
        }) == "grad of input: no gradient reaches this input");
  CHECK(problem_of([](GoldenCall& call) -> Outputs {
          const Variable x = call.input("input"), y = call.input("other");
          return {{"output", x * y * 2.0 - (x * y).detach()}};
        }).starts_with("grad of "));
}

// ---- the command --------------------------------------------------------------------------------

TEST_CASE("verify: the command prints a line per case and ends with 0, 1 or 2") {
  const Run right = run_text(kProduct);
  CHECK(right.code == 0);
  CHECK(right.errors == "");
  CHECK(holds(right.out, "float64; expected results: by hand"));
  CHECK(
      holds(right.out, "  product                              ok     0.0e+00   0.0e+00  output"));
  CHECK(holds(right.out, "1 of 1 cases are right"));

  const Run wrong = run_text(replaced(kProduct, "-400", "400"));
  CHECK(wrong.code == 1);
  CHECK(holds(wrong.out, "WRONG  8.0e+02   2.0e+09  grad of input (1,) is -400, expected 400"));
  CHECK(holds(wrong.out, "0 of 1 cases are right"));
}

TEST_CASE("verify: malformed files and unknown operations end with 2 and the place") {
  const auto refused = [](const std::string& text, const std::string& place) {
    const Run run = run_text(text);
    CHECK(run.code == 2);
    INFO(run.errors);
    CHECK(holds(run.errors, "golden.json'"));
    CHECK(holds(run.errors, place));
    CHECK(holds(run.out, "0 of 0 cases are right; 1 files were refused"));
  };
  refused(kProduct.substr(0, 300), "is not valid JSON at line ");
  refused(replaced(kProduct, R"("op": "mul")", R"("op": "mull")"),
          "cases[0].op: unknown operation 'mull'");
  refused(replaced(kProduct, R"("other": {)", R"("others": {)"),
          "cases[0].grads.other: there is no");
  refused(replaced(kProduct, R"("attrs": {})", R"("attrs": {"alpha": 2})"),
          "cases[0].attrs.alpha: mul has no attribute of this name");
  refused(replaced(kProduct, R"("inputs": {)",
                   R"("inputs": {"third": {"dtype": "bool", "shape": [0], "data": []}, )"),
          "cases[0].inputs.third: mul has no input of this name");
  refused(replaced(kProduct, R"("op": "mul")", R"("op": "linear")"),
          "cases[0].inputs.weight: is missing; linear needs it");
  refused(
      replaced(kProduct, R"("shape": [2], "data": [3, 5])", R"("shape": [3], "data": [3, 5, 7])"),
      "cases[0].grads.input: has shape (2,), the input (3,)");
}

TEST_CASE("verify: what an operation refuses is a mistake of the file, told with the place") {
  GoldenCase golden = product();
  golden.inputs[1].second = Tensor::of(Numbers{1, 2, 3}, {3});
  CHECK(refusal([&] { return problem(golden); }).starts_with("cases[0]: mul: shapes do not"));
  golden = product();
  golden.op = "unknown";
  CHECK(refusal([&] { return problem(golden); }) == "cases[0].op: unknown operation 'unknown'");
}

TEST_CASE("verify: help is a usage and no mistake") {
  for (const char* word : {"--help", "-h"}) {
    const Run help = run({word});
    CHECK(help.code == 0);
    CHECK(help.out.starts_with("usage: qkv verify [--float32] FILE..."));
    CHECK(help.errors == "");
  }
}

TEST_CASE("verify: one bad file among good ones does not hide the others") {
  const TemporaryFolder folder;
  lib::write_file_atomically(folder / "good", {kProduct});
  lib::write_file_atomically(folder / "bad", {"{"});
  const Run both = run({folder / "bad", folder / "good", folder / "none"});
  CHECK(both.code == 2);
  CHECK(holds(both.out, "1 of 1 cases are right; 2 files were refused"));
  CHECK(holds(both.errors, folder / "none"));
  CHECK(run({"--float32", folder / "good"}).code == 0);
  CHECK(holds(run({folder / "good", "--float32"}).out, "float32; expected"));
  CHECK(refusal([&] {
          return run({"--float16", folder / "good"}).code;
        }) == "verify: unknown option '--float16'; ./qkv verify --help lists them");
  CHECK(refusal([&] { return run({"--float32"}).code; }) == "verify: needs at least one file");
}

TEST_CASE("verify: text of a file cannot take over the terminal") {
  const Run run =
      run_text(replaced(kProduct, R"("name": "product")", R"("name": "\u001b[31mred")"));
  CHECK(run.code == 0);
  CHECK_FALSE(holds(run.out, "\x1b"));
  CHECK(holds(run.out, "\\x1b[31mred"));
}
