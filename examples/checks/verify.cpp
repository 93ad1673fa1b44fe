// Golden cases, run and compared. Whatever cannot be compared is wrong: a missing or extra output,
// another shape, NaN where a number is expected, an input that no gradient reaches.
#include "examples/checks/verify.h"

#include <cmath>
#include <cstdio>
#include <limits>
#include <new>
#include <ostream>

#include "autograd/engine.h"
#include "autograd/numeric.h"
#include "examples/lab/progress.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::fail;
using lib::str;

const char* const kHelp =
    "usage: qkv verify [--float32] FILE...\n\n"
    "Runs the cases of golden files and compares results and gradients, element by element, with\n"
    "what the files say. tests/golden has such files, and in README.md their format.\n\n"
    "  --float32   in float32, within 2e-5 of the largest element; without it in float64, within\n"
    "              1e-10 + 1e-9 of the element\n\n"
    "exit code: 0 all right, 1 a result is off, 2 a file is malformed or names an unknown "
    "operation\n";

constexpr double kInfinity = std::numeric_limits<double>::infinity();

double largest(const Tensor& tensor) {
  double result = 0;
  for (const double v : tensor.to_vector()) result = std::max(result, std::fabs(v));
  return result;
}

double largest(const NamedTensors& tensors) {
  double result = 0;
  for (const auto& [name, value] : tensors) result = std::max(result, largest(value));
  return result;
}

// 0 for what is the same, NaN included; infinite for what only one of them has.
double distance(double ours, double theirs) {
  if (ours == theirs || (std::isnan(ours) && std::isnan(theirs))) return 0;
  const double error = std::fabs(ours - theirs);
  return std::isnan(error) ? kInfinity : error;
}

class Comparison {
 public:
  Comparison(const GoldenCase& golden, Dtype dtype)
      : dtype_(dtype), outputs_(largest(golden.outputs)), grads_(largest(golden.grads)) {}

  // What cannot be compared is infinitely far.
  void problem(const std::string& text) {
    if (report_.problem.empty()) report_.problem = text;
    report_.error = report_.share = kInfinity;
  }

  void output(const std::string& name, const Tensor& ours, const Tensor& theirs) {
    compare(escaped(name), ours, theirs, outputs_);
  }
  void gradient(const std::string& name, const Tensor& ours, const Tensor& theirs) {
    compare("grad of " + escaped(name), ours, theirs, grads_);
  }

  CaseReport take() {
    if (report_.problem.empty()) report_.problem = wrong_element_;
    return report_;
  }

 private:
  // `largest_of_all`: in the case's outputs, or in its gradients.
  void compare(const std::string& what, const Tensor& ours, const Tensor& theirs,
               double largest_of_all) {
    const bool floating = theirs.dtype() == Dtype::float64;
    const Dtype dtype = floating ? dtype_ : theirs.dtype();
    if (ours.dtype() != dtype) {
      return problem(str(what, " is ", ours.dtype(), ", expected ", dtype));
    }
    if (ours.shape() != theirs.shape()) {
      return problem(str(what, " has shape ", ours.shape(), ", expected ", theirs.shape()));
    }
    const double scale = scale_of(theirs, largest_of_all);
    const std::vector<double> actual = ours.to_vector(), expected = theirs.to_vector();
    for (size_t i = 0; i < actual.size(); ++i) {
      const double error = distance(actual[i], expected[i]);
      const double allowed = floating ? tolerance(expected[i], scale) : 0;
      const double share = error == 0 ? 0 : allowed < kInfinity ? error / allowed : kInfinity;
      if (report_.worst.empty() || share > report_.share) {
        report_.worst = what + " " + autograd::index_text(static_cast<int64_t>(i), ours.shape());
        report_.error = error;
        report_.share = share;
        if (!(share <= 1)) wrong_element_ = report_.worst + describe(actual[i], expected[i]);
      }
    }
  }

  // What is 0 but for rounding, like the gradient of the keys' bias, has no size of its own.
  static double scale_of(const Tensor& expected, double largest_of_all) {
    const double own = largest(expected);
    return own > 1e-12 * largest_of_all ? own : largest_of_all;
  }

  [[nodiscard]] double tolerance(double expected, double scale) const {
    if (dtype_ == Dtype::float32) return 2e-5 * scale;
    return 1e-10 + 1e-9 * std::fabs(expected);
  }

  static std::string describe(double actual, double expected) {
    char text[120];
    std::snprintf(text, sizeof text, " is %.17g, expected %.17g", actual, expected);
    return text;
  }

  Dtype dtype_;
  double outputs_, grads_;  // the largest of each
  CaseReport report_;
  std::string wrong_element_;
};

Outputs run(const GoldenCase& golden, GoldenCall& call, const GoldenOps& ops) {
  const auto op = ops.find(golden.op);
  if (op == ops.end()) fail(golden.place, ".op: unknown operation '", escaped(golden.op), "'");
  Outputs outputs = op->second(call);
  call.require_all_read();
  return outputs;
}

void compare_outputs(const GoldenCase& golden, const Outputs& outputs, Comparison& comparison) {
  for (const auto& [name, theirs] : golden.outputs) {
    const Variable* const ours = find_named(outputs, name);
    if (ours == nullptr) {
      comparison.problem(str(escaped(name), ": ", golden.op, " has no such output"));
    } else {
      comparison.output(name, ours->value(), theirs);
    }
  }
  for (const auto& [name, ours] : outputs) {
    if (find_named(golden.outputs, name) == nullptr) {
      comparison.problem(str(name, ": the file does not have this output"));
    }
  }
}

// The gradient of Σ over outputs of Σ(output · grad_output), left at the parameters of the call.
void compare_gradients(const GoldenCase& golden, GoldenCall& call, const Outputs& outputs,
                       Comparison& comparison) {
  for (const auto& [name, cotangent] : golden.grad_outputs) {
    const Variable* const output = find_named(outputs, name);
    if (output == nullptr || output->shape() != cotangent.shape()) return;  // reported already
    if (!output->requires_grad()) continue;
    autograd::backward(*output, cotangent.to(output->dtype()), {.retain_graph = true});
  }
  for (const auto& [name, theirs] : golden.grads) {
    const Variable input = call.input(name);
    if (input.has_grad()) {
      comparison.gradient(name, input.grad().value(), theirs);
    } else {
      comparison.problem("grad of " + escaped(name) + ": no gradient reaches this input");
    }
  }
}

}  // namespace

CaseReport verify_case(const GoldenCase& golden, Dtype dtype, const GoldenOps& ops) {
  Comparison comparison(golden, dtype);
  GoldenCall call(golden, dtype);
  try {
    const Outputs outputs = run(golden, call, ops);
    compare_outputs(golden, outputs, comparison);
    compare_gradients(golden, call, outputs, comparison);
  } catch (const std::invalid_argument& error) {
    const std::string text = error.what();
    fail(text.starts_with(golden.place) ? "" : golden.place + ": ", text);
  } catch (const std::bad_alloc&) {
    fail(golden.place, ": ", golden.op, " needs more memory than there is");
  }
  return comparison.take();
}

namespace {

struct Count {
  int64_t cases = 0, wrong = 0, refused_files = 0;
};

void verify_file(const std::string& path, Dtype dtype, Count& count, std::ostream& out) {
  const GoldenFile file = read_golden_file(path);
  for (const GoldenCase& golden : file.cases) {  // before any is run
    if (golden_ops().contains(golden.op)) continue;
    fail("'", escaped(path), "': ", golden.place, ".op: unknown operation '", escaped(golden.op),
         "'");
  }
  out << escaped(path) << ", " << dtype << "; expected results: " << escaped(file.source) << "\n";
  for (const GoldenCase& golden : file.cases) {
    CaseReport report;
    try {
      report = verify_case(golden, dtype);
    } catch (const std::invalid_argument& error) {
      fail("'", escaped(path), "': ", error.what());
    }
    count.cases += 1;
    count.wrong += !report.problem.empty();
    char text[120];
    std::snprintf(text, sizeof text, "  %-36.60s %-5s %8.1e  %8.1e  ", escaped(golden.name).c_str(),
                  report.problem.empty() ? "ok" : "WRONG", report.error, report.share);
    out << text << (report.problem.empty() ? report.worst : report.problem) << "\n" << std::flush;
  }
}

}  // namespace

int run_verify(const std::vector<std::string>& words, std::ostream& out, std::ostream& errors) {
  Dtype dtype = Dtype::float64;
  std::vector<std::string> paths;
  for (const std::string& word : words) {
    if (word == "--help" || word == "-h") {
      out << kHelp;
      return 0;
    }
    if (word == "--float32") {
      dtype = Dtype::float32;
    } else if (word.starts_with("-")) {
      fail("verify: unknown option '", escaped(word), "'; ./qkv verify --help lists them");
    } else {
      paths.push_back(word);
    }
  }
  if (paths.empty()) fail("verify: needs at least one file");
  out << "  case                                           error  / allowed  at\n";
  Count count;
  for (const std::string& path : paths) {
    try {
      verify_file(path, dtype, count, out);
    } catch (const std::invalid_argument& error) {
      errors << "qkv: verify: " << error.what() << "\n";
      count.refused_files += 1;
    }
  }
  out << "\n" << count.cases - count.wrong << " of " << count.cases << " cases are right";
  if (count.refused_files > 0) out << "; " << count.refused_files << " files were refused";
  out << "\n";
  return count.refused_files > 0 ? 2 : count.wrong > 0 ? 1 : 0;
}

}  // namespace qkv::examples
