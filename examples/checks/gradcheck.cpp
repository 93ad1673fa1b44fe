// The table of gradient checks, printed. float64, every element, random cotangents, two orders.
#include "examples/checks/gradcheck.h"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include "autograd/eps_sweep.h"
#include "examples/checks/model_rows.h"
#include "examples/lab/stopwatch.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using autograd::GradCheckReport;
using autograd::OpCase;
using lib::str;

const char* const kHelp =
    "usage: qkv gradcheck [NAME] [--eps-sweep]\n\n"
    "Compares the gradients of every operation and every model, or of those with NAME in their\n"
    "names, with numeric differences; with NAME, one line for each shape that is tried.\n\n"
    "  --eps-sweep   for each operation with NAME in its name: the error of numeric gradients\n"
    "                against eps, in float64 and in float32, as a chart\n\n"
    "exit code: 0 all right, 1 something is wrong, 2 no such name or option\n";

const char* const kHeading =
    "error   the largest |analytic - numeric| / max(|analytic|, |numeric|, 0.001) of any element;\n"
    "        numeric is (L(x + eps) - L(x - eps)) / 2 eps with eps 1e-6, L = f(x) · r, r random;\n"
    "        right is |analytic - numeric| <= 1e-7 + 1e-6 |numeric|; an element that is not is\n"
    "        judged once more at eps / 10\n"
    "slope   L(x + h d) - L(x) - h <gradient, d> vanishes like h to this power: 2 if the gradient\n"
    "        is right, 1 if it is wrong; exact: there is no remainder, f is linear around x\n"
    "second  the error of gradients of gradients, with eps 1e-5\n\n";

// What a line of the table sums up: one row, or all rows of an operation.
struct Line {
  int64_t shapes = 0, elements = 0, kinks = 0;
  double error = 0, second = 0;
  autograd::TaylorFit slope;  // the one nearest to wrong
  std::string failures;

  void add(const Line& other);
};

void Line::add(const Line& other) {
  shapes += other.shapes, elements += other.elements, kinks += other.kinks;
  error = autograd::larger(error, other.error);
  second = autograd::larger(second, other.second);
  if (!other.slope.exact && (slope.exact || !(other.slope.slope >= slope.slope))) {
    slope = other.slope;
  }
  failures += other.failures;
}

// The explanation, with its lines set in.
std::string indented(const std::string& text) {
  std::string result = "    ";
  for (const char c : text) result += c == '\n' ? "\n    " : std::string(1, c);
  return result + "\n";
}

Line checked(const OpCase& row) {
  Line line;
  line.shapes = 1;
  const GradCheckReport first = check_row(row), second = check_row_second_order(row);
  line.elements = first.elements;
  line.kinks = static_cast<int64_t>(first.kinks.size() + second.kinks.size());
  line.error = first.worst_relative_error;
  line.second = second.worst_relative_error;
  line.slope = first.taylor;
  if (!first.passed) line.failures += indented(first.message);
  if (!second.passed) line.failures += indented(second.message);
  if (row.kinks.empty() && line.kinks > 0) {  // samples keep away from kinks that are known
    const auto& kinks = first.kinks.empty() ? second.kinks : first.kinks;
    line.failures +=
        indented(row.op + ", " + row.variant + (first.kinks.empty() ? ", second order" : "") +
                 ": a kink that the row does not list: " + kinks[0].text());
  }
  return line;
}

std::string verdict(const Line& line) {
  if (!line.failures.empty()) return "WRONG";
  if (line.kinks == 0) return "ok";
  return str("ok, ", line.kinks, line.kinks == 1 ? " kink" : " kinks");
}

// "last axis: (2, 3, 4)"
std::string title(const OpCase& row) {
  lib::Generator generator(1);
  const auto inputs = row.sample(generator);
  std::string text = "  " + row.variant + ":";
  if (inputs.size() > 4) return str(text, " ", inputs.size(), " inputs");
  for (const auto& input : inputs) text += " " + input.shape().str();
  return text;
}

void print_line(const std::string& name, size_t width, const Line& line, bool with_shapes,
                std::ostream& out) {
  const std::string shapes = with_shapes ? str(line.shapes) : "";
  char text[96];
  std::snprintf(text, sizeof text, " %6s %8lld  %8.1e  %5s  %8.1e   ", shapes.c_str(),
                static_cast<long long>(line.elements), line.error, line.slope.text().c_str(),
                line.second);
  out << name << std::string(width > name.size() ? width - name.size() : 0, ' ') << text
      << verdict(line) << "\n"
      << std::flush;
}

// What is special about a row: kinks, a relaxed tolerance.
void print_remarks(const OpCase& row, std::ostream& out) {
  if (!row.kinks.empty()) out << "  (bends " << row.kinks << ")\n";
  if (row.tolerance.reason.empty()) return;
  out << "  (" << row.variant << ": allowed is " << row.tolerance.atol << " + "
      << row.tolerance.rtol << " |numeric|, since " << row.tolerance.reason << ")\n";
}

std::vector<OpCase> rows_named(const std::string& part) {
  std::vector<OpCase> rows;
  for (const auto* table : {&autograd::op_table(), &model_table()}) {
    for (const OpCase& row : *table) {
      if (row.op.find(part) != std::string::npos) rows.push_back(row);
    }
  }
  if (rows.empty()) lib::fail("gradcheck: no operation or model has '", part, "' in its name");
  return rows;
}

int print_sweeps(const std::vector<OpCase>& rows, std::ostream& out) {
  for (size_t i = 0; i < rows.size(); ++i) {
    if (i > 0 && rows[i].op == rows[i - 1].op) continue;  // the first row of an operation
    lib::Generator generator(1);
    out << (i > 0 ? "\n" : "") << rows[i].op << title(rows[i]).substr(1)
        << "\nlargest error of the numeric gradient, relative to the largest slope\n\n"
        << autograd::eps_chart(autograd::eps_sweep(rows[i].apply, rows[i].sample(generator)))
        << std::flush;
  }
  return 0;
}

}  // namespace

int check_rows(const std::vector<OpCase>& rows, bool details, std::ostream& out) {
  const Stopwatch watch;
  size_t width = 22;
  for (const OpCase& row : rows)
    width = std::max(width, details ? title(row).size() : row.op.size());
  out << kHeading << "name" << std::string(width - 4, ' ')
      << " shapes elements     error  slope    second   verdict\n";
  int64_t names = 0, wrong = 0;
  Line all;
  for (size_t first = 0, end = 0; first < rows.size(); first = end) {
    Line sum;
    std::vector<Line> lines;
    for (; end < rows.size() && rows[end].op == rows[first].op; ++end) {
      lines.push_back(checked(rows[end]));
      sum.add(lines.back());
    }
    print_line(rows[first].op, width, sum, true, out);
    for (size_t i = first; details && i < end; ++i) print_remarks(rows[i], out);
    for (size_t i = first; details && i < end; ++i) {
      print_line(title(rows[i]), width, lines[i - first], false, out);
    }
    out << sum.failures << std::flush;
    all.add(sum);
    names += 1;
    wrong += !sum.failures.empty();
  }
  char end_of_line[64];
  std::snprintf(end_of_line, sizeof end_of_line, "worst error %.1e, %.1f s\n", all.error,
                watch.seconds());
  out << str("\n", names - wrong, " of ", names, " right, ", all.shapes, " shapes, ", all.elements,
             " elements compared, ", end_of_line);
  return wrong == 0 ? 0 : 1;
}

int run_gradcheck(const std::vector<std::string>& words, std::ostream& out) {
  std::string name;
  bool sweep = false;
  for (const std::string& word : words) {
    if (word == "--help" || word == "-h") {
      out << kHelp;
      return 0;
    }
    if (word == "--eps-sweep") {
      sweep = true;
    } else if (word.starts_with("-")) {
      lib::fail("gradcheck: unknown option '", word, "'; ./qkv gradcheck --help lists them");
    } else if (!name.empty()) {
      lib::fail("gradcheck: takes one name, got '", name, "' and '", word, "'");
    } else {
      name = word;
    }
  }
  if (sweep && name.empty()) lib::fail("gradcheck: --eps-sweep needs the name of an operation");
  const std::vector<OpCase> rows = rows_named(name);
  return sweep ? print_sweeps(rows, out) : check_rows(rows, !name.empty(), out);
}

}  // namespace qkv::examples
