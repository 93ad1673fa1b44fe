// A peer: another library that does the same work. Each one is loaded at run time, in a namespace
// of its own (dlopen, RTLD_LOCAL), since two of them may define the same functions; none is ever
// linked into qkv. A peer answers a description of the work with a function that does it, or with
// an empty one if it has no such operation.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <vector>

#include "lib/vector_math.h"

namespace qkv::bench {

using Call = std::function<void()>;

// C = op(A) op(B), row-major and dense, `batch` of them one behind the other; op transposes or not.
//
//   A  (M, K), or stored as (K, M) if transposed_a      C  (M, N)
//   B  (K, N), or stored as (N, K) if transposed_b
template <class T>
struct Product {
  int64_t batch, M, N, K;
  bool transposed_a = false, transposed_b = false;
  const T* A = nullptr;
  const T* B = nullptr;
  T* C = nullptr;
};

// Rows of n float32 numbers, one behind the other. Forward: y from x. Backward: dx from dy and what
// the operation keeps of its forward pass, which is x for layer norm and y for softmax. Layer norm
// has n factors gamma and n summands beta, and their gradients.
struct Rows {
  int64_t rows, n;
  const float *x, *dy, *gamma, *beta;
  float *y, *dx, *dgamma, *dbeta;
};

// A chain of operations on one number, forward and backward: y = x, `length` times y = f(y), then
// *slope = dy/dx. What it takes is the cost of the graph: the arithmetic is next to nothing.
enum class Link { tanh, add, mul };  // f(y) = tanh y, y + c, y c
struct Chain {
  Link link;
  int64_t length;
  float x, c;
  float* slope;
};

class Peer {
 public:
  virtual ~Peer() = default;
  [[nodiscard]] virtual std::string name() const = 0;
  virtual Call matmul(const Product<float>&) { return {}; }
  virtual Call matmul(const Product<double>&) { return {}; }
  virtual Call softmax(const Rows&) { return {}; }
  virtual Call softmax_backward(const Rows&) { return {}; }
  virtual Call layer_norm(const Rows&) { return {}; }
  virtual Call layer_norm_backward(const Rows&) { return {}; }
  virtual Call map(lib::Function, int64_t /*n*/, const float* /*x*/, float* /*y*/) { return {}; }
  virtual Call chain(const Chain&) { return {}; }
};

// The peers that are installed on this machine, each held to one thread and told to use its best
// kernels (tell_peers_their_settings). Loaded once.
[[nodiscard]] const std::vector<std::unique_ptr<Peer>>& peers();

// Environment variables that the libraries read when they are loaded. REQUIRES: called before
// peers(), from the only thread.
void tell_peers_their_settings();

// A peer in a module of its own exports this function.
using MakePeer = Peer* (*)();

}  // namespace qkv::bench
