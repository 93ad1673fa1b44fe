// The table of gradient checks, printed. float64, every element, random cotangents.
#include "examples/lab/gradcheck.h"

#include <algorithm>
#include <cstdio>
#include <ostream>

#include "examples/lab/model_rows.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

using autograd::OpCase;

struct Line {
  std::string name;
  int64_t variants = 0, elements = 0;
  double worst = 0;
  std::string failures;
};

void check_row(const OpCase& row, Line& line) {
  lib::Generator generator(1);
  const auto report =
      autograd::grad_check(row.op + ", " + row.variant, row.apply, row.sample(generator));
  line.variants += 1;
  line.elements += report.elements;
  line.worst = std::max(line.worst, report.worst_relative_error);
  if (!report.passed) line.failures += "  " + report.message + "\n";
}

void print_line(const Line& line, std::ostream& out) {
  char text[160];
  std::snprintf(text, sizeof text, "%-24s %8lld %9lld   %8.1e   %s\n", line.name.c_str(),
                static_cast<long long>(line.variants), static_cast<long long>(line.elements),
                line.worst, line.failures.empty() ? "ok" : "WRONG");
  out << text << line.failures << std::flush;
}

}  // namespace

int run_gradcheck(const std::string& filter, std::ostream& out) {
  std::vector<const OpCase*> rows;
  for (const auto* table : {&autograd::op_table(), &model_table()}) {
    for (const OpCase& row : *table) {
      if (row.op.find(filter) != std::string::npos) rows.push_back(&row);
    }
  }
  if (rows.empty()) {
    out << "gradcheck: no operation or model has '" << filter << "' in its name\n";
    return 2;
  }
  out << "analytic gradients against (L(x + eps) - L(x - eps)) / 2 eps: float64, every element,\n"
         "random cotangents, eps 1e-6; passes if |difference| <= 1e-7 + 1e-6 |numeric|\n\n"
         "name                     variants  elements   worst error\n";
  int64_t wrong = 0, elements = 0, names = 0;
  for (size_t i = 0; i < rows.size();) {
    Line line;
    line.name = rows[i]->op;
    for (; i < rows.size() && rows[i]->op == line.name; ++i) check_row(*rows[i], line);
    print_line(line, out);
    wrong += !line.failures.empty();
    elements += line.elements;
    names += 1;
  }
  out << lib::str("\n", names - wrong, " of ", names, " right, ", elements, " elements compared\n");
  return wrong == 0 ? 0 : 1;
}

}  // namespace qkv::examples
