// One backward for each output position, with a cotangent that is zero everywhere else.
#include "autograd/dependency.h"

#include <cmath>

#include "autograd/engine.h"
#include "lib/text.h"

namespace qkv::autograd {
namespace {

Shape positions_of(const char* name, const Variable& v) {
  if (v.rank() == 0) {
    lib::fail("dependency: the ", name, " is a single number; it has no positions");
  }
  Shape shape = v.shape();
  shape.erase(shape.rank() - 1);
  return shape;
}

// The largest |x| of each row of C numbers; NaN if one of them is.
void row_maxima(const std::vector<double>& x, size_t C, double* maxima) {
  for (size_t i = 0; i < x.size(); ++i) {
    double& largest = maxima[i / C];
    if (std::fabs(x[i]) > largest || std::isnan(x[i])) largest = std::fabs(x[i]);
  }
}

char symbol(double strength) {
  if (!std::isfinite(strength)) return '!';
  return strength > 0 ? '#' : '.';
}

}  // namespace

Dependency dependency(const Variable& output, const Variable& input, uint64_t seed) {
  Dependency result{.strength = {},
                    .output = positions_of("output", output),
                    .input = positions_of("input", input)};
  const int64_t rows = result.output.numel(), columns = result.input.numel();
  const int64_t C = output.shape().from_end(1);
  lib::Generator generator(seed);
  const std::vector<double> weights =
      tensor::normal(output.shape(), 0, 1, generator, Dtype::float64).to_vector();
  std::vector<double> strength(static_cast<size_t>(rows * columns), 0.0);
  for (int64_t row = 0; row < rows; ++row) {
    std::vector<double> chosen(weights.size(), 0.0);
    for (size_t i = static_cast<size_t>(row * C); i < static_cast<size_t>((row + 1) * C); ++i) {
      chosen[i] = weights[i];
    }
    const Tensor cotangent = Tensor::of(chosen, output.shape()).to(output.dtype());
    const Variable slope = grad({output}, {input}, {cotangent}, {.retain_graph = true})[0];
    row_maxima(slope.value().to_vector(), static_cast<size_t>(input.shape().from_end(1)),
               strength.data() + row * columns);
  }
  result.strength = Tensor::of(strength, {rows, columns});
  return result;
}

std::string Dependency::str() const {
  const auto batch = [](const Shape& positions) {  // how many positions before the next gap
    return positions.rank() > 0 ? positions.from_end(1) : 1;
  };
  const int64_t rows = output.numel(), columns = input.numel();
  const std::vector<double> cells = strength.to_vector();
  std::string text;
  for (int64_t row = 0; row < rows; ++row) {
    if (row > 0 && row % batch(output) == 0) text += "\n";
    for (int64_t column = 0; column < columns; ++column) {
      if (column > 0) text += column % batch(input) == 0 ? "   " : " ";
      text += symbol(cells[static_cast<size_t>(row * columns + column)]);
    }
    text += "\n";
  }
  return text;
}

}  // namespace qkv::autograd
