// The same bits everywhere: every kernel and every tensor operation under each instruction set of
// this machine and with 1, 2, 3 and 8 threads; and float32 results pinned, so that they also hold
// between machines and compilers. A reader's loss curve equals the book's to the last digit.
#include <doctest/doctest.h>

#include <functional>
#include <string>
#include <vector>

#include "lib/layer_norm.h"
#include "lib/matmul.h"
#include "lib/softmax.h"
#include "lib/vector_math.h"
#include "tensor/elementwise.h"
#include "tensor/index.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/update.h"
#include "tensor/views.h"
#include "tests/determinism/computation.h"

using namespace qkv::tensor;
using namespace qkv::tests;
using qkv::lib::Function;

namespace {

// ---- the kernels -------------------------------------------------------------------------------

// Larger than a chunk, so that it is cut, and no multiple of anything.
constexpr int64_t kLong = 3 * 32'768 + 1021;

std::vector<Tensor> mapped(Function f, Dtype dtype) {
  Tensor x = mul(normals({kLong}, dtype), 4);
  if (f == Function::log) x = abs(x);
  return {dispatch_floating("mapped", dtype, [&]<class T>(T) {
    Tensor y = Tensor::empty(x.shape(), dtype);
    qkv::lib::map(f, kLong, x.data<T>(), y.mutable_data<T>());
    return y;
  })};
}

std::vector<Tensor> row_sums(Dtype dtype) {
  const Tensor x = normals({kLong}, dtype), y = normals({kLong}, dtype, 2);
  return {dispatch_floating("row_sums", dtype, [&]<class T>(T) {
    std::vector<T> sums;
    for (const int64_t n : std::vector<int64_t>{0, 1, 7, 16, 33, 1000, kLong}) {
      sums.push_back(qkv::lib::sum(n, x.data<T>()));
      sums.push_back(qkv::lib::dot(n, x.data<T>(), y.data<T>()));
    }
    return Tensor::of(sums, {static_cast<int64_t>(sums.size())});
  })};
}

std::vector<Tensor> products(Dtype dtype) {
  std::vector<Tensor> results;
  for (const qkv::lib::ProductShape& shape : {qkv::lib::ProductShape{1, 1, 1},
                                              {7, 33, 5},
                                              {151, 67, 299},
                                              {49, 1031, 61},
                                              {13, 17, 521}}) {
    const int64_t M = shape.M, N = shape.N, K = shape.K;
    const Tensor A = normals({M, K}, dtype), B = normals({N, K}, dtype, 2);
    Tensor C = normals({M, N}, dtype, 3);
    dispatch_floating("products", dtype, [&]<class T>(T) {
      qkv::lib::matmul<T>({M, N, K, true}, {A.data<T>(), K, 1}, {B.data<T>(), 1, K},
                          {C.mutable_data<T>(), N, 1});
    });
    results.push_back(C);
  }
  return results;
}

std::vector<Tensor> row_kernels(Dtype dtype) {
  std::vector<Tensor> results;
  for (const int64_t n : {1, 5, 16, 31, 300}) {
    const int64_t rows = 40'000 / n;
    const Tensor x = normals({rows, n}, dtype), dy = normals({rows, n}, dtype, 2);
    Tensor y = zeros({rows, n}, dtype), dx = y.clone(), weights = y.clone();
    Tensor mean = zeros({rows}, dtype), inverse = mean.clone();
    Tensor gamma = normals({n}, dtype, 3), dgamma = gamma.clone(), dbeta = gamma.clone();
    dispatch_floating("row_kernels", dtype, [&]<class T>(T) {
      qkv::lib::softmax<T>({rows, n}, x.data<T>(), weights.mutable_data<T>());
      qkv::lib::layer_norm<T>({rows, n}, x.data<T>(), gamma.data<T>(), dy.data<T>(), T(1e-5),
                              y.mutable_data<T>(), mean.mutable_data<T>(),
                              inverse.mutable_data<T>());
      qkv::lib::layer_norm_backward<T>({rows, n}, dy.data<T>(), x.data<T>(), mean.data<T>(),
                                       inverse.data<T>(), gamma.data<T>(), dx.mutable_data<T>(),
                                       dgamma.mutable_data<T>(), dbeta.mutable_data<T>());
    });
    for (const Tensor& t : {weights, y, mean, inverse, dx, dgamma, dbeta}) results.push_back(t);
  }
  return results;
}

std::vector<Tensor> updated(Dtype dtype) {
  Tensor w = normals({101, 37}, dtype), m = zeros({101, 37}, dtype), v = m.clone(), u = m.clone();
  for (int step = 1; step <= 3; ++step) {
    const Tensor g = normals({101, 37}, dtype, static_cast<size_t>(step));
    sgd_update_(w, g, &u, {0.1, 0.9, 0.01, true, step == 1});
    adam_update_(w, g, m, v, {0.1, 0.9, 0.999, 1e-8, 0.01, 0.1 * step, 0.001 * step, true});
  }
  return {w, m, v, u};
}

const std::vector<Computation>& kernels() {
  static const std::vector<Computation> list = {
      {"exp", 0x345f94dcaa58e543, [](Dtype d) { return mapped(Function::exp, d); }},
      {"log", 0x93b6c52b6757edd5, [](Dtype d) { return mapped(Function::log, d); }},
      {"tanh", 0x9eb3686cea256f3b, [](Dtype d) { return mapped(Function::tanh, d); }},
      {"sigmoid", 0xc0f82c43f9ad2529, [](Dtype d) { return mapped(Function::sigmoid, d); }},
      {"erf", 0x9870315cd6cebba2, [](Dtype d) { return mapped(Function::erf, d); }},
      {"gelu", 0xf5c3fcf87bae46b2, [](Dtype d) { return mapped(Function::gelu, d); }},
      {"gelu_slope", 0x3d7eb10323596a43, [](Dtype d) { return mapped(Function::gelu_slope, d); }},
      {"gelu_tanh", 0xf97734c87fa65441, [](Dtype d) { return mapped(Function::gelu_tanh, d); }},
      {"sum and dot", 0x6a155e560f405888, row_sums},
      {"matmul", 0xe1d357e67077d740, products},
      {"softmax and layer_norm", 0xecd6dd0de3fd8ddf, row_kernels},
      {"sgd and adam", 0x61a1c54f7021d1b7, updated},
  };
  return list;
}

// ---- the tensor operations ---------------------------------------------------------------------

std::vector<Tensor> arithmetic(Dtype dtype) {
  const Tensor a = normals({300, 1, 17}, dtype), b = transpose(normals({17, 19}, dtype, 2));
  const Tensor positive = abs(a), mask = less(a, b);
  return {add(a, b),
          sub(a, b),
          mul(a, b),
          div(a, b),
          maximum(a, b),
          add(a, 0.1),
          mul(a, 0.1),
          neg(a),
          positive,
          sqrt(positive),
          relu(b),
          equal(a, b),
          mask,
          less_equal(a, b),
          greater(a, b),
          is_finite(a),
          logical_not(mask),
          logical_and(mask, less(b, a)),
          logical_or(mask, less(b, a)),
          where(mask, a, b),
          masked_fill(b, less(b, b), 3)};
}

std::vector<Tensor> functions(Dtype dtype) {
  const Tensor x = transpose(normals({301, 257}, dtype)), y = normals(x.shape(), dtype, 2);
  std::vector<Tensor> results = {exp(x), log(abs(x)), tanh(x), sigmoid(x), gelu(x), gelu_tanh(x)};
  for (Tensor (*const f)(const Tensor&, const Tensor&) :
       {tanh_backward, sigmoid_backward, relu_backward, gelu_backward, gelu_tanh_backward})
    results.push_back(f(x, y));
  return results;
}

std::vector<Tensor> powers(Dtype dtype) {
  const Tensor x = normals({301, 257}, dtype);
  return {pow(abs(x), 2.5), pow(x, -3), silu(x), logsumexp(x, 0), logsumexp(x, 1)};
}

std::vector<Tensor> reductions(Dtype dtype) {
  const Tensor x = normals({31, 37, 41}, dtype);
  std::vector<Tensor> results;
  for (const std::vector<int>& axes : {std::vector<int>{}, {0}, {1}, {2}, {0, 2}, {1, 2}}) {
    results.push_back(sum(x, axes));
    results.push_back(mean(transpose(x), axes));
  }
  for (const int axis : {0, 1, 2})
    results.push_back(max(x, axis)), results.push_back(argmax(x, axis));
  results.push_back(reduce_to(x, {37, 1}));
  return results;
}

std::vector<Tensor> batched_products(Dtype dtype) {
  const Tensor A = normals({5, 4, 33, 70}, dtype), B = normals({4, 65, 70}, dtype, 2);
  const Tensor C = normals({70, 130}, dtype, 3);
  return {matmul(A, transpose(B)), matmul(A, C), matmul(transpose(A), A)};
}

std::vector<Tensor> softmaxes(Dtype dtype) {
  const Tensor x = normals({60, 37, 41}, dtype), mask = less(normals({37, 41}, dtype, 2), x);
  const Tensor y = softmax(x, 0), z = log_softmax(x, 1), dy = softmax_backward(x, y, 0);
  return {y, z, softmax(x, -1), masked_softmax(x, mask), dy, log_softmax_backward(x, z, 1)};
}

std::vector<Tensor> places(Dtype dtype) {
  qkv::lib::Generator generator(4);
  const Tensor x = normals({50, 30}, dtype), ids = integers({7, 50}, 0, 50, generator);
  const Tensor rows = embedding(x, ids), one = integers({50, 1}, 0, 30, generator);
  return {rows,
          scatter_add_rows(rows, ids, 50),
          gather(x, 1, one),
          scatter_add(gather(x, 1, one), 1, one, 30),
          concat({x, x}, 1),
          stack({x, x}, 0),
          slice_adjoint(x, {110, 30}, 0, 3, 2),
          one_hot(ids, 50, dtype)};
}

std::vector<Tensor> random_fills(Dtype dtype) {
  qkv::lib::Generator generator(5);
  return {uniform({1001}, -1, 3, generator, dtype), normal({1001}, 1, 2, generator, dtype),
          integers({1001}, -5, 1000, generator)};
}

const std::vector<Computation>& operations() {
  static const std::vector<Computation> list = {
      {"arithmetic, comparisons and masks", 0xa6f180d387293adf, arithmetic},
      {"functions of one number", 0x96c7bfe3e7cede31, functions},
      {"powers and sums of exponentials", 0x8311741e6a169c0d, powers},
      {"reductions", 0x798752aabe0398aa, reductions},
      {"products", 0x50f4f864a426238f, batched_products},
      {"softmaxes", 0x652b08862bd7e827, softmaxes},
      {"gather, scatter and concat", 0x0c97107f2fc7bfe6, places},
      {"random fills", 0x00c41d77c8718055, random_fills},
  };
  return list;
}

}  // namespace

TEST_CASE("a digest tells one bit") {
  Tensor x = zeros({3}), y = x.clone();
  CHECK(digest({x}) == digest({y}));
  y.mutable_data<float>()[1] = -0.0f;
  CHECK(digest({x}) != digest({y}));
}

TEST_CASE("the settings in use come back after a test has varied them") {
  const qkv::lib::Isa isa = qkv::lib::active_isa();
  const int threads = qkv::lib::num_threads();
  std::vector<std::string> seen;
  for_each_setting([&](const std::string& setting) { seen.push_back(setting); });
  if (!short_form()) {
    CHECK(seen.size() == 4 * qkv::lib::supported_isas().size());
    CHECK(seen.front() == "scalar, 1 threads");
  }
  CHECK(qkv::lib::active_isa() == isa);
  CHECK(qkv::lib::num_threads() == threads);
}

TEST_CASE("kernels have the same bits for every instruction set and number of threads") {
  check_all(kernels());
}

TEST_CASE("tensor operations have the same bits for every instruction set and number of threads") {
  check_all(operations());
}

// In float64 the standard library's functions take part, and those differ from system to system.
TEST_CASE("float32 results are the same on every machine and with every compiler") {
  check_pinned(kernels());
  check_pinned(operations());
}
