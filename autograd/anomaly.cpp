// The looking, and the sentences. Since the first bad number ends everything, an operation can tell
// whether it made one or was given it: what other operations have made was finite.
#include "autograd/anomaly.h"

#include <algorithm>
#include <cmath>
#include <utility>

#include "autograd/numeric.h"
#include "autograd/tape.h"
#include "lib/text.h"

namespace qkv::autograd {

constinit thread_local bool watching = false;

namespace {

thread_local AnomalyOptions current;

// "(2, 3) float64 has nan at (0, 1)"; empty if the tensor is defined and all is well, or undefined.
std::string fault(const Variable& v) {
  if (!v.defined() || !tensor::is_floating(v.dtype())) return "";
  const std::vector<double> x = v.value().to_vector();
  const auto bad = std::find_if(x.begin(), x.end(), [](double number) {
    return current.infinities ? !std::isfinite(number) : std::isnan(number);
  });
  if (bad == x.end()) return "";
  const std::string number = std::isnan(*bad) ? "nan" : *bad > 0 ? "inf" : "-inf";
  return lib::str(v.shape(), " ", v.dtype(), " has ", number, " at ",
                  index_text(bad - x.begin(), v.shape()));
}

template <class... Parts>
[[noreturn]] void report(const Parts&... parts) {
  throw NotFinite(lib::str(parts...));
}

}  // namespace

DetectAnomaly::DetectAnomaly(AnomalyOptions options)
    : options_before_(std::exchange(current, options)), before_(std::exchange(watching, true)) {}
DetectAnomaly::~DetectAnomaly() {
  watching = before_;
  current = options_before_;
}

void check_result(const char* op, Operands inputs, const Tensor& result) {
  if (inside_backward()) return;  // its gradients are looked at, under the name of its operation
  const std::string wrong = fault(result);
  if (wrong.empty()) return;
  for (size_t i = 0; i < inputs.size(); ++i) {
    const std::string given = fault(inputs[i]);
    if (given.empty()) continue;
    report(op, ": passes on a number that is not finite: operand ", i, ", ", given,
           "; it was fed in, or made while nobody watched");
  }
  report(op, ": makes a number that is not finite: the result ", wrong,
         "; all operands are finite");
}

void check_cotangent(const char* function, const Variable& cotangent) {
  const std::string wrong = fault(cotangent);
  if (!wrong.empty()) report(function, ": the cotangent ", wrong);
}

void check_sum(const Node& node, const Variable& dy) {
  const std::string wrong = fault(dy);
  if (wrong.empty()) return;
  report(node.op, ": the gradients that its users send are finite, but their sum ", wrong);
}

void check_gradients(const Node& node, const Grads& grads) {
  for (size_t i = 0; i < grads.size(); ++i) {
    const std::string wrong = fault(grads[i]);
    if (wrong.empty()) continue;
    const std::string what =
        lib::str(node.op, ": its backward makes a gradient that is not finite for operand ", i,
                 ": ", wrong, "; dy is finite");
    for (const Variable& saved : saved_by(node)) {
      const std::string given = fault(saved);
      if (!given.empty()) report(what, ", but a saved tensor is not: ", given);
    }
    report(what, ", and what it saved");
  }
}

}  // namespace qkv::autograd
