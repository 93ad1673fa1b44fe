// The explanation, line by line:
//
//   exp, matrix: input 0 at (1, 2): analytic 0.8, numeric 0.4, absolute error 0.4, relative ...
//     why      input 0: constant factor 2: backward gives 2 times the slope everywhere; perhaps ...
//     Taylor   slope 1.0: ...
//     wrong    6 of 6 elements; allowed is |analytic - numeric| <= 1e-07 + 1e-06 |numeric|
//                input  index     analytic     numeric   absolute   relative
#include "autograd/grad_report.h"

#include <cstdio>

#include "lib/text.h"

namespace qkv::autograd {
namespace {

using lib::str;

std::string table_row(const GradDifference& d) {
  char text[160];
  std::snprintf(text, sizeof text, "\n             %5d  %-12s %12.6g %12.6g %10.1e %10.1e", d.input,
                d.index.c_str(), d.analytic, d.numeric, d.absolute_error(), d.relative_error());
  return text;
}

std::string taylor_line(const TaylorFit& taylor) {
  const std::string what = "\n  Taylor   L(x + h d) - L(x) - h <gradient, d> ";
  if (taylor.exact) return what + "is 0 but for rounding, as it should be";
  if (taylor.slope != taylor.slope) return what + "is not a number";
  const std::string power = what + "falls like h^" + taylor.text();
  return power + (taylor.agrees() ? ", as it should" : "; with a right gradient, like h^2");
}

}  // namespace

std::string Kink::text() const {
  return str("kink at input ", input, " ", index, ": the slope is ", below, " below and ", above,
             " above; backward takes ", analytic);
}

std::string Kink::jump_text() const {
  return str("jump at input ", input, " ", index, ": the slope is ", below, " below and ", above,
             " above, and it grows as the step falls: no gradient is right there; choose inputs ",
             "away from it");
}

std::string describe(const std::string& name, const GradCheckReport& report,
                     const GradCheckOptions& options, const std::string& obstacle) {
  if (!obstacle.empty()) return name + ": " + obstacle;
  const GradDifference& d = report.worst;
  std::string text = str(name, ": input ", d.input, " at ", d.index, ": analytic ", d.analytic,
                         ", numeric ", d.numeric, ", absolute error ", d.absolute_error(),
                         ", relative error ", d.relative_error());
  for (const std::string& diagnosis : report.diagnoses) text += "\n  why      " + diagnosis;
  if (!report.too_steep.empty()) {
    text += str("\n  why      ", report.too_steep[0],
                ": a tenth of eps leaves a hundredth of the error, which is the step's, then: eps ",
                options.eps, " is too large here; choose inputs where the function is less steep");
  }
  text += taylor_line(report.taylor);
  text += str("\n  wrong    ", report.wrong_elements, " of ", report.elements,
              " elements; allowed is |analytic - numeric| <= ", options.atol, " + ", options.rtol,
              " |numeric|");
  if (!report.worst_elements.empty()) {
    text += "\n             input  index            analytic      numeric   absolute   relative";
  }
  for (const GradDifference& worst : report.worst_elements) text += table_row(worst);
  for (size_t i = 0; i < report.kinks.size() && i < 3; ++i) {
    text += "\n  besides  " + report.kinks[i].text();
  }
  for (size_t i = 0; i < report.jumps.size() && i < 3; ++i) {
    text += "\n  besides  " + report.jumps[i].jump_text();
  }
  return text;
}

}  // namespace qkv::autograd
