// Grades exercise 21 after every number of four sequences: rising, falling, mixed and large ones.
#include "examples/exercises/grader.h"

namespace qkv::examples {

std::pair<double, double> see(double max, double sum, double x);

namespace {

using Step = std::function<std::pair<double, double>(double max, double sum, double x)>;

// {max, sum} after the first n numbers.
Tensor after(const std::vector<double>& x, size_t n, const Step& step) {
  std::pair<double, double> state = {-std::numeric_limits<double>::infinity(), 0.0};
  for (size_t i = 0; i < n; ++i) state = step(state.first, state.second, x[i]);
  return numbers({state.first, state.second});
}

std::pair<double, double> right(double max, double sum, double x) {
  const double top = std::max(max, x);
  return {top, sum * std::exp(max - top) + std::exp(x - top)};
}

std::vector<Slip> slips(const std::vector<double>& x, size_t n) {
  const auto give = [&](const Step& step) { return after(x, n, step); };
  const double infinity = std::numeric_limits<double>::infinity();
  return {{"nothing was seen: max and sum are as before the first number", numbers({-infinity, 0})},
          {"the old sum was not rescaled: its terms are measured from the old maximum",
           give([](double max, double sum, double v) {
             const double top = std::max(max, v);
             return std::pair(top, sum + std::exp(v - top));
           })},
          {"no maximum was subtracted", give([](double max, double sum, double v) {
             return std::pair(std::max(max, v), sum + std::exp(v));
           })},
          {"the old sum was rescaled by exp(new - old), the wrong way round",
           give([](double max, double sum, double v) {
             const double top = std::max(max, v);
             return std::pair(top, (sum > 0 ? sum * std::exp(top - max) : 0) + std::exp(v - top));
           })},
          {"a new maximum adds nothing: its own term is exp(0) = 1",
           give([](double max, double sum, double v) {
             const double top = std::max(max, v);
             return std::pair(top, sum * std::exp(max - top) + (v > max ? 0 : std::exp(v - top)));
           })},
          {"the last number is taken for the largest", give([](double max, double sum, double v) {
             return std::pair(v, sum * std::exp(max - v) + 1);
           })},
          {"infinity times 0 before the first number: max is -infinity then",
           give([](double max, double sum, double v) {
             const double top = std::max(max, v);
             return std::pair(top, sum * std::exp(top - max) + std::exp(v - top));
           })}};
}

void ask(const std::string& what, const std::vector<double>& x) {
  tried(what);
  for (size_t n = 1; n <= x.size(); ++n) {
    compare(lib::str("{max, sum} after ", n), after(x, n, see), after(x, n, right), slips(x, n));
  }
}

void questions() {
  ask("1, 2, 3: every number is a new maximum", {1, 2, 3});
  ask("3, 2, 1: none but the first is", {3, 2, 1});
  ask("0.5, -1, 2, 2, 0", {0.5, -1, 2, 2, 0});
  ask("-1000, 1000, 999: exp(1000) would be infinite", {-1000, 1000, 999});
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(21, "online softmax", qkv::examples::questions); }
