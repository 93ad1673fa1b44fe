// Anomaly mode: who was the first to make a number that is not finite? By the time that a loss is
// NaN, everything is. While a DetectAnomaly lives, each operation's result is looked at when it is
// made, and each gradient when a backward has made it; the first bad one is reported and named.
//
//   const DetectAnomaly watch;
//   backward(mean(sqrt(x)));     sqrt: its backward makes a gradient that is not finite for operand
//                                0: (2,) float64 has inf at (1,); dy is finite
#pragma once

#include <stdexcept>

#include "autograd/node.h"

namespace qkv::autograd {

// What DetectAnomaly reports. The graph and the gradients at leaves are left as by any exception in
// the middle of backward().
struct NotFinite : std::runtime_error {
  using std::runtime_error::runtime_error;
};

struct AnomalyOptions {
  // Is an infinity an anomaly, or only NaN? Who masks scores with -inf by hand needs false.
  bool infinities = true;
};

// For its thread, and for as long as it lives; nests. Every result and gradient is read once more:
// training takes roughly twice as long. Without one alive nothing is.
class DetectAnomaly {
 public:
  explicit DetectAnomaly(AnomalyOptions options = {});
  ~DetectAnomaly();
  DetectAnomaly(const DetectAnomaly&) = delete;
  DetectAnomaly& operator=(const DetectAnomaly&) = delete;

 private:
  AnomalyOptions options_before_;
  bool before_;
};

// ---- for the engine: each throws NotFinite, and is called only while somebody watches -----------

// The cotangent that a pass is given.
void check_cotangent(const char* function, const Variable& cotangent);

// The sum of what a node's users have sent: the parts were finite.
void check_sum(const Node& node, const Variable& dy);

// What a node's backward has made of dy.
void check_gradients(const Node& node, const Grads& grads);

}  // namespace qkv::autograd
