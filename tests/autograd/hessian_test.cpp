// Hessian-vector products: against a quadratic whose Hessian is written down, against the dense
// Hessian of an attention row by row, and against numeric differences of its gradient.
#include "autograd/hessian.h"

#include <doctest/doctest.h>

#include <cmath>

#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::autograd;
using qkv::tests::refusal;
using qkv::tests::relative_error;

namespace {

using Numbers = std::vector<double>;
using In = const std::vector<Variable>&;

Tensor normal(const Shape& shape, uint64_t seed) {
  lib::Generator generator(seed);
  return tensor::normal(shape, 0, 1, generator, Dtype::float64);
}

// A small attention, and a loss that no input is linear in.
Variable attend(In in) {
  const Variable out = attention(in[0], in[1], in[2], {.causal = true});
  const Variable weights = normal({3, 2}, 9);
  return sum(tanh(out) * out * weights);
}
const Function kAttend = attend;

std::vector<Tensor> operands(uint64_t seed) {
  return {normal({3, 2}, seed), normal({3, 2}, seed + 1), normal({3, 2}, seed + 2)};
}

Numbers flat(const std::vector<Tensor>& parts) {
  Numbers all;
  for (const Tensor& part : parts) {
    for (const double x : part.to_vector()) all.push_back(x);
  }
  return all;
}

double dot(const std::vector<Tensor>& a, const std::vector<Tensor>& b) {
  const Numbers x = flat(a), y = flat(b);
  double total = 0;
  for (size_t i = 0; i < x.size(); ++i) total += x[i] * y[i];
  return total;
}

// Row after row: the gradient of each element of the gradient.
std::vector<Numbers> dense_hessian(const Function& f, const std::vector<Tensor>& inputs) {
  std::vector<Variable> x;
  for (const Tensor& input : inputs) x.push_back(parameter(input));
  std::vector<Numbers> rows;
  for (const Variable& g : grad({f(x)}, x, {}, {.create_graph = true})) {
    for (int64_t i = 0; i < g.numel(); ++i) {
      const Variable element = slice(reshape(g, {g.numel()}), 0, i, i + 1);
      std::vector<Tensor> row;
      for (const Variable& part : grad({element}, x, {}, {.retain_graph = true})) {
        row.push_back(part.value());
      }
      rows.push_back(flat(row));
    }
  }
  return rows;
}

Numbers gradient(const Function& f, const std::vector<Tensor>& inputs) {
  std::vector<Variable> x;
  for (const Tensor& input : inputs) x.push_back(parameter(input));
  std::vector<Tensor> parts;
  for (const Variable& g : grad({f(x)}, x)) parts.push_back(g.value());
  return flat(parts);
}

}  // namespace

TEST_CASE("the Hessian of a quadratic is the sum of its matrix and the transposed one") {
  const Tensor A = Tensor::of<double>({2, 5, 0, -1, 3, 7, 4, 0, 1}, {3, 3});
  const Function quadratic = [A](In in) {
    const Variable x = reshape(in[0], {3, 1});
    return sum(matmul(transpose(x), matmul(A, x)));
  };
  const auto Hv = hvp(quadratic, {normal({3}, 1)}, {Tensor::of<double>({1, 10, 100}, {3})});
  // A + Aᵀ = 4 4 4 / 4 6 7 / 4 7 2
  REQUIRE(Hv.size() == 1);
  CHECK(relative_error(Hv[0].to_vector(), {4 + 40 + 400, 4 + 60 + 700, 4 + 70 + 200}) <= 1e-13);
}

TEST_CASE("hvp of an attention is the dense Hessian times the vector") {
  const auto x = operands(1), v = operands(11);
  const std::vector<Numbers> H = dense_hessian(kAttend, x);
  const Numbers vector = flat(v);
  REQUIRE(H.size() == 18);
  Numbers expected;
  for (const Numbers& row : H) {
    double total = 0;
    for (size_t j = 0; j < row.size(); ++j) total += row[j] * vector[j];
    expected.push_back(total);
  }
  CHECK(relative_error(flat(hvp(kAttend, x, v)), expected) <= 1e-12);
  for (size_t i = 0; i < H.size(); ++i) {
    for (size_t j = 0; j < i; ++j) CHECK(std::fabs(H[i][j] - H[j][i]) <= 1e-12);
  }
}

TEST_CASE("hvp of an attention is the slope of its gradient") {
  const auto x = operands(1), v = operands(11);
  const double eps = 1e-5;
  std::vector<Tensor> ahead, behind;
  for (size_t i = 0; i < x.size(); ++i) {
    ahead.push_back(tensor::add(x[i], tensor::mul(v[i], eps)));
    behind.push_back(tensor::sub(x[i], tensor::mul(v[i], eps)));
  }
  const Numbers a = gradient(kAttend, ahead), b = gradient(kAttend, behind);
  Numbers slope;
  for (size_t i = 0; i < a.size(); ++i) slope.push_back((a[i] - b[i]) / (2 * eps));
  CHECK(relative_error(flat(hvp(kAttend, x, v)), slope) <= 1e-7);
}

TEST_CASE("the Hessian of an attention is symmetric") {
  const auto x = operands(1), u = operands(21), v = operands(31);
  const double uHv = dot(u, hvp(kAttend, x, v)), vHu = dot(v, hvp(kAttend, x, u));
  CHECK(std::fabs(uHv) > 0.01);
  CHECK(std::fabs(uHv - vHu) <= 1e-12 * std::fabs(uHv));
}

TEST_CASE("hvp is linear in the vector and works inside NoGrad") {
  const NoGrad quiet;
  const auto x = operands(1), v = operands(11);
  std::vector<Tensor> twice;
  for (const Tensor& part : v) twice.push_back(tensor::mul(part, 2.0));
  Numbers doubled = flat(hvp(kAttend, x, v));
  for (double& number : doubled) number *= 2;
  CHECK(relative_error(flat(hvp(kAttend, x, twice)), doubled) <= 1e-13);
}

TEST_CASE("hvp is exactly zero where the function is linear") {
  const std::vector<Tensor> x = {normal({2}, 1), normal({3}, 2)};
  const auto all = hvp([](In in) { return sum(in[0]) + sum(in[1]) * 2.0; }, x, x);
  CHECK(flat(all) == Numbers{0, 0, 0, 0, 0});
  const auto half = hvp([](In in) { return sum(in[0]) + sum(in[1] * in[1]); }, x, x);
  CHECK(half[0].to_vector() == Numbers{0, 0});
  CHECK(relative_error(half[1], tensor::mul(x[1], 2.0)) <= 1e-15);
  const auto none = hvp([](In) { return Variable(tensor::scalar(1, Dtype::float64)); }, x, x);
  CHECK(flat(none) == Numbers{0, 0, 0, 0, 0});
}

TEST_CASE("hvp says what does not fit") {
  const Tensor x = normal({2}, 1);
  const Function f = [](In in) { return sum(in[0] * in[0]); };
  CHECK(refusal([&] { return hvp(f, {x}, {}); }) == "hvp: 1 inputs but 0 vectors");
  CHECK(refusal([&] { return hvp(f, {x}, {normal({3}, 1)}); }) ==
        "hvp: vector 0 is (3,) float64, input 0 is (2,) float64");
  CHECK(refusal([&] { return hvp([](In in) { return in[0]; }, {x}, {x}); }) ==
        "hvp: needs a function to a single number, got shape (2,)");
}
