// The operations of golden files, given what a file should not have. That they are right where a
// file is right: verify_test.cpp.
#include "examples/checks/golden_ops.h"

#include <doctest/doctest.h>

#include <algorithm>

#include "examples/checks/verify.h"
#include "lib/memory.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::examples;
using namespace qkv::tests;

namespace {

std::vector<GoldenCase> cases_of(const std::string& name) {
  return read_golden_file(QKV_SOURCE_DIR "/tests/golden/" + name + ".json").cases;
}

Tensor& input(GoldenCase& golden, const std::string& name) {
  const auto found = std::find_if(golden.inputs.begin(), golden.inputs.end(),
                                  [&](const auto& entry) { return entry.first == name; });
  REQUIRE(found != golden.inputs.end());
  return found->second;
}

// The gradients of the case are those of other shapes: here it has none.
std::string refusal_of(GoldenCase golden, Dtype dtype = Dtype::float64) {
  golden.grads.clear();
  golden.grad_outputs.clear();
  return refusal([&] { return verify_case(golden, dtype); });
}

bool is_weight(const std::string& name) {  // w, v, w_q, b_ih, bias_ih_l0, ff1_w, bridge.0.bias, ...
  return name == "v" || name == "w" || name == "v_p" || name.find('.') != std::string::npos ||
         name.starts_with("w_") || name.starts_with("b_") || name.starts_with("weight_") ||
         name.starts_with("bias_") || name.ends_with("_w") || name.ends_with("_b") ||
         name.ends_with("weight") || name.ends_with("bias");
}

}  // namespace

TEST_CASE("golden: weights that fit nothing are refused before a module of their size is made") {
  constexpr int64_t kMost = 1 << 20;  // bytes; a module 3000 wide has 36 MB or more
  size_t tried = 0;
  for (const char* file :
       {"attention", "recurrent", "recurrent_layers", "seq2seq", "transformer", "models"}) {
    for (const GoldenCase& right : cases_of(file)) {
      for (const auto& entry : right.inputs) {
        const std::string& name = entry.first;
        if (!is_weight(name)) continue;
        for (const Shape& shape :
             {Shape{3000, 1}, {1, 3000}, {3000, 0}, {0, 3000}, {3000}, {0}, {}}) {
          GoldenCase golden = right;
          input(golden, name) = tensor::zeros(shape, Dtype::float64);
          INFO(right.op, ": ", name, " ", shape.str());
          const int64_t before = lib::memory_stats().live_bytes;
          lib::reset_peak_memory();
          CHECK(refusal_of(golden).starts_with(right.place));
          CHECK(lib::memory_stats().peak_bytes - before <= kMost);
          tried += 1;
        }
      }
    }
  }
  CHECK(tried >= 700);
}

TEST_CASE("golden: two weights that together ask for a large module are refused as well") {
  for (GoldenCase& golden : cases_of("attention")) {
    if (golden.op != "additive_attention") continue;
    input(golden, "w_q") = tensor::zeros({3000, 1}, Dtype::float64);
    input(golden, "w_k") = tensor::zeros({1, 3000}, Dtype::float64);
    CHECK(refusal_of(golden) == golden.place +
                                    ".inputs.w_k: has shape (1, 3000); with the other weights, "
                                    "additive_attention needs (3000, 3000)");
  }
  for (GoldenCase& golden : cases_of("transformer")) {
    input(golden, "ff1_w") = tensor::zeros({1, 0}, Dtype::float64);
    input(golden, "ff2_w") = tensor::zeros({8000, 0}, Dtype::float64);
    CHECK(refusal_of(golden) == golden.place + ".inputs.ff2_w: has shape (8000, 0); " + golden.op +
                                    " needs a matrix that is not empty");
  }
}

TEST_CASE("golden: gradients of what is not differentiated are refused whatever they are") {
  size_t clipped = 0;
  for (GoldenCase golden : cases_of("optimizers")) {
    clipped += golden.op == "clip_grad_norm";
    golden.grad_outputs = golden.outputs;
    golden.grads = golden.inputs;
    CHECK(refusal([&] { return verify_case(golden, Dtype::float64); }) ==
          golden.place + ".grads: " + golden.op + " is not differentiated");
  }
  CHECK(clipped == 1);
}
