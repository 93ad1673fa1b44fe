// Grades exercise 17 against the library's table.
#include "examples/exercises/grader.h"
#include "nn/positions.h"

namespace qkv::examples {

Tensor sinusoids(int64_t T, int64_t C);

namespace {

// Column c of row t is sin or cos of t 10000^(-exponent(c)).
template <class Exponent, class IsSine>
Tensor table(int64_t T, int64_t C, const Exponent& exponent, const IsSine& is_sine, int64_t first) {
  std::vector<double> values;
  for (int64_t t = first; t < first + T; ++t) {
    for (int64_t c = 0; c < C; ++c) {
      const double angle = static_cast<double>(t) * std::pow(10000.0, -exponent(c));
      values.push_back(is_sine(c) ? std::sin(angle) : std::cos(angle));
    }
  }
  return numbers(values, {T, C});
}

void ask(int64_t T, int64_t C) {
  tried(lib::str("T = ", T, ", C = ", C));
  const auto share = [C](int64_t a) { return static_cast<double>(a) / static_cast<double>(C); };
  const auto in_pairs = [&](int64_t c) { return share(c / 2 * 2); };
  const auto even = [](int64_t c) { return c % 2 == 0; };
  const auto odd = [](int64_t c) { return c % 2 == 1; };
  compare("the table", sinusoids(T, C), nn::sinusoidal_positions(T, C, Dtype::float64),
          {{"sine and cosine exchanged: even columns are sines", table(T, C, in_pairs, odd, 0)},
           {"an exponent of c / C: the two columns of a pair share one, 2i / C",
            table(T, C, share, even, 0)},
           {"an exponent of 2c / C: i counts pairs, not columns",
            table(
                T, C, [&](int64_t c) { return share(2 * c); }, even, 0)},
           {"an exponent of i / C: it is 2i / C",
            table(
                T, C, [&](int64_t c) { return share(c / 2); }, even, 0)},
           {"the sign of the exponent: clocks that get faster, not slower",
            table(
                T, C, [&](int64_t c) { return -in_pairs(c); }, even, 0)},
           {"an exponent of 0 everywhere: a division of whole numbers",
            table(
                T, C, [](int64_t) { return 0.0; }, even, 0)},
           {"all sines first, then all cosines: here they take turns",
            table(
                T, C, [&](int64_t c) { return share(c % (C / 2) * 2); },
                [C](int64_t c) { return c < C / 2; }, 0)},
           {"places counted from 1: the first is 0", table(T, C, in_pairs, even, 1)}});
}

void questions() {
  ask(4, 6);
  ask(50, 16);
}

}  // namespace
}  // namespace qkv::examples

int main() { return qkv::examples::grade(17, "sinusoidal positions", qkv::examples::questions); }
