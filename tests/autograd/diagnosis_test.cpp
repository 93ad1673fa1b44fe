// The diagnosis: each mistake that is planted here is recognised for what it is, by the gradient
// check itself, and right gradients are accused of nothing.
#include "autograd/diagnosis.h"

#include <doctest/doctest.h>

#include <cmath>
#include <limits>

#include "autograd/node.h"
#include "autograd/op_table.h"
#include "autograd/ops.h"
#include "tensor/elementwise.h"
#include "tensor/linear.h"
#include "tensor/matmul.h"
#include "tensor/reduce.h"
#include "tensor/softmax.h"
#include "tensor/views.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

using In = const std::vector<Variable>&;
using V = const Variable&;

// The diagnoses of an operation that computes forward(inputs) and returns what `wrong` says for
// (inputs, dy, y).
template <class Forward, class Wrong>
std::vector<std::string> diagnosed(const std::vector<Shape>& shapes, const Forward& forward,
                                   const Wrong& wrong) {
  lib::Generator generator(3);
  std::vector<Tensor> inputs;
  for (const Shape& shape : shapes) {
    inputs.push_back(tensor::normal(shape, 0, 1, generator, Dtype::float64));
  }
  const Function f = [&](In in) {
    std::vector<Tensor> values;
    for (V v : in) values.push_back(v.value());
    return record("planted", in, forward(values), [in, wrong](V dy, V y) -> Grads {
      Grads grads;
      for (V dx : wrong(in, dy, y)) grads.push_back(dx);
      return grads;
    });
  };
  return grad_check("planted", f, inputs).diagnoses;
}

using Values = const std::vector<Tensor>&;
using List = std::vector<Variable>;

// Of a function of one matrix (3, 5).
template <class Forward, class Wrong>
std::string diagnosed_unary(const Forward& forward, const Wrong& wrong, Shape shape = {3, 5}) {
  const auto all = diagnosed(
      {shape}, [&](Values x) { return forward(x[0]); },
      [&](In in, V dy, V y) { return List{wrong(in[0], dy, y)}; });
  return all.empty() ? "" : all[0];
}

bool says(const std::string& sentence, const std::string& beginning) {
  const bool found = sentence.find(beginning) != std::string::npos;
  CHECK_MESSAGE(found, "expected '", beginning, "' in '", sentence, "'");
  return found;
}

Variable through_softmax(V dy, V y) { return y * (dy - sum(dy * y, {-1}, true)); }
Tensor rows(const Tensor& x) { return tensor::softmax(x, -1); }
Tensor product(Values x) { return tensor::matmul(x[0], x[1]); }

}  // namespace

TEST_CASE("a constant factor is named, with what it may stand for") {
  const auto exp_times = [](double c) {
    return diagnosed_unary(tensor::exp, [c](V, V dy, V y) { return dy * y * c; });
  };
  says(exp_times(-1),
       "input 0: constant factor -1: backward gives -1 times the slope everywhere; "
       "perhaps the sign is lost");
  says(exp_times(2), "constant factor 2: ");
  says(exp_times(2), "counted twice, or the 1/2 of a square is missing");
  says(exp_times(0.5), "perhaps the 2 of a square's derivative is missing");
  says(exp_times(3), "perhaps a sum for a mean: 1/n is forgotten, n = 3");
  says(exp_times(0.2), "perhaps a mean for a sum: divided by n = 5");
  says(exp_times(15), "1/n is forgotten, n = 15");
  says(exp_times(std::sqrt(5)), "perhaps 1/√D is forgotten, D = 5");
  says(exp_times(1 / std::sqrt(3)), "perhaps 1/√D too many, D = 3");
  says(exp_times(1.7),
       "constant factor 1.7: backward gives 1.7 times the slope everywhere; perhaps "
       "a constant is wrong");
  says(exp_times(1.00001), "constant factor 1.00001: ");
}

TEST_CASE("one number is a multiple of any other, so only a factor that means something is named") {
  const auto exp_times = [](double c) {
    return diagnosed_unary(tensor::exp, [c](V, V dy, V y) { return dy * y * c; }, {1});
  };
  says(exp_times(2), "constant factor 2: ");
  says(exp_times(1.7), "no known pattern: 0 of 1 elements are right");
}

TEST_CASE("a forgotten scale of attention is a constant factor, of the queries and the keys") {
  const auto all = diagnosed(
      {{3, 7}, {4, 7}},
      [](Values x) {
        return tensor::mul(tensor::matmul(x[0], tensor::transpose(x[1])), 1 / std::sqrt(7));
      },
      [](In in, V dy, V) {
        return List{matmul(dy, in[1]), matmul(transpose(dy), in[0])};
      });
  REQUIRE(all.size() == 2);
  for (const std::string& sentence : all) says(sentence, "perhaps 1/√D is forgotten, D = 7");
}

TEST_CASE("a gradient of zeros is disconnected, and one that is not a number is non-finite") {
  says(diagnosed_unary(tensor::exp, [](V, V dy, V) { return dy * 0.0; }),
       "input 0: disconnected: backward sends nothing but zeros");
  says(diagnosed_unary(tensor::exp, [](V, V, V) { return Variable(); }), "disconnected: ");
  const auto cut = grad_check("cut", [](In in) { return exp(in[0]).detach(); },
                              {Tensor::of<double>({1, 2}, {2})});
  says(cut.diagnoses.at(0), "input 0: disconnected: ");
  const auto constant = grad_check(
      "constant", [](In in) { return Variable(tensor::ones(in[0].shape(), in[0].dtype())); },
      {Tensor::of<double>({1, 2}, {2})});
  CHECK(constant.passed);
  const auto poison = [](V x, V, V) {
    Tensor bad = tensor::exp(x.value());
    bad.mutable_data<double>()[4] = std::numeric_limits<double>::quiet_NaN();
    bad.mutable_data<double>()[9] = std::numeric_limits<double>::infinity();
    return Variable(bad);
  };
  says(diagnosed_unary(tensor::exp, poison),
       "non-finite: 2 of 15 elements are NaN or infinite where the slope is not");
  says(diagnosed_unary(tensor::log, [](V x, V dy, V) { return dy / x; }),
       "non-finite function: around this point its value is NaN or infinite");
}

TEST_CASE("a mask that backward forgets is a leak") {
  const Tensor keep = Tensor::of<bool>({true, false, true, true, false, true}, {2, 3});
  const Tensor zero = tensor::scalar(0, Dtype::float64);
  says(diagnosed_unary([&](const Tensor& x) { return tensor::where(keep, tensor::exp(x), zero); },
                       [](V x, V dy, V) { return dy * exp(x); }, {2, 3}),
       "leak: the result does not depend on 2 of 6 elements");
  says(diagnosed_unary(tensor::relu, [](V, V dy, V) { return dy; }), "leak: ");
}

TEST_CASE("a transposed gradient is recognised, square or not") {
  const auto wrong_b = [](In in, V dy, V) {
    return List{matmul(dy, transpose(in[1])), matmul(transpose(dy), in[0])};
  };
  const auto square = diagnosed({{3, 3}, {3, 3}}, product, wrong_b);
  REQUIRE(square.size() == 1);
  says(square[0], "input 1: transposed: these are the right numbers of the transposed matrix");
  const auto oblong = diagnosed({{2, 3}, {3, 4}}, product, [&](In in, V dy, V y) {
    List grads = wrong_b(in, dy, y);
    grads[1] = reshape(grads[1], {3, 4});  // (4, 3): someone made the shapes fit
    return grads;
  });
  REQUIRE(oblong.size() == 1);
  says(oblong[0], "input 1: transposed: ");
}

TEST_CASE("the other operand's gradient is swapped") {
  const auto all = diagnosed(
      {{2, 3}, {2, 3}}, [](Values x) { return tensor::mul(x[0], x[1]); },
      [](In in, V dy, V) {
        return List{dy * in[0], dy * in[1]};
      });
  REQUIRE(all.size() == 2);
  says(all[0], "input 0: swapped: this is the gradient of input 1");
  says(all[1], "input 1: swapped: this is the gradient of input 0");
}

TEST_CASE("a sum over a broadcast axis that is missing is found in the slice that is left") {
  const auto add = [](Values x) { return tensor::add(x[0], x[1]); };
  const auto first_row = diagnosed({{4, 3}, {1, 3}}, add, [](In, V dy, V) {
    return List{dy, slice(dy, 0, 0, 1)};
  });
  REQUIRE(first_row.size() == 1);
  says(first_row[0], "input 1: missing sum: this is the gradient through index 0 of axis 0");
  const auto last = diagnosed({{4, 3}, {4, 1}}, add, [](In, V dy, V) {
    return List{dy, slice(dy, 1, 2, 3)};
  });
  says(last.at(0), "missing sum: this is the gradient through index 2 of axis 1");
  const auto bias = diagnosed({{2, 4, 3}, {3}}, add, [](In, V dy, V) {
    return List{dy, reshape(slice(slice(dy, 0, 0, 1), 1, 0, 1), {3})};
  });
  says(bias.at(0), "missing sum: this is the gradient through index 0 of axes 0 to 1");
  const auto weight = diagnosed({{2, 3, 4}, {4, 5}}, product, [](In in, V dy, V) {
    const Variable all = matmul(transpose(in[0]), dy);  // (2, 4, 5)
    return List{matmul(dy, transpose(in[1])), reshape(slice(all, 0, 1, 2), {4, 5})};
  });
  says(weight.at(0), "missing sum: this is the gradient through index 1 of axis 0");
}

TEST_CASE("a factor that varies as the result or an input does is named") {
  says(diagnosed_unary(rows, [](V, V dy, V y) { return dy - sum(dy * y, {-1}, true); }),
       "missing factor y, the result: multiplied by it");
  says(diagnosed_unary(rows, [](V, V dy, V y) { return through_softmax(dy, y) * y; }),
       "factor too many, y, the result: divided by it");
  says(diagnosed_unary(tensor::exp, [](V, V dy, V) { return dy; }), "missing factor y, the result");
  says(diagnosed_unary([](const Tensor& x) { return tensor::mul(x, x); },
                       [](V, V dy, V) { return dy * 2.0; }),
       "missing factor x, the input itself: ");
  says(diagnosed_unary(tensor::sigmoid, [](V, V dy, V y) { return dy * y; }),
       "missing factor (1 - y, the result)");
  says(diagnosed_unary(tensor::tanh, [](V, V dy, V) { return dy; }), "no known pattern");
  const auto one = diagnosed(
      {{2, 3}, {2, 3}}, [](Values x) { return tensor::mul(x[0], x[1]); },
      [](In in, V dy, V) {
        return List{dy, dy * in[0]};
      });
  says(one.at(0), "input 0: missing factor input 1");
}

TEST_CASE("a slice that is off by one is a shift") {
  const auto left = [](const Tensor& x) { return tensor::slice(x, 1, 0, 4); };
  says(diagnosed_unary(left, [](V x, V dy, V) { return slice_adjoint(dy, x.shape(), 1, 1, 1); }),
       "shifted: along axis 1 every element has the gradient of the one before it; a slice begins "
       "one place too late");
  const auto right = [](const Tensor& x) { return tensor::slice(x, 0, 1, 3); };
  says(diagnosed_unary(right, [](V x, V dy, V) { return slice_adjoint(dy, x.shape(), 0, 0, 1); }),
       "shifted: along axis 0 every element has the gradient of the one after it; a slice begins "
       "one place too early");
}

TEST_CASE("a cotangent that is not used is forgotten") {
  says(diagnosed_unary(tensor::exp, [](V, V, V y) { return y; }), "dy is forgotten: ");
}

TEST_CASE("what nothing explains is no known pattern, with the number of elements that are right") {
  says(diagnosed_unary(rows, [](V, V dy, V y) { return dy * y; }),
       "input 0: no known pattern: 0 of 15 elements are right");
  says(diagnosed_unary(tensor::exp,
                       [](V x, V dy, V y) {
                         Tensor factor = tensor::ones(x.shape(), Dtype::float64);
                         factor.mutable_data<double>()[7] = 1.5;
                         return dy * y * factor;
                       }),
       "no known pattern: 14 of 15 elements are right");
}

TEST_CASE("a function too large for all its slopes is diagnosed by what is left") {
  says(diagnosed_unary(tensor::exp, [](V, V dy, V y) { return dy * y * 2.0; }, {1100}),
       "constant factor 2: ");
}

TEST_CASE("right gradients are accused of nothing") {
  for (const OpCase& row : op_table()) {
    lib::Generator generator(1);
    const auto report = grad_check(row.op, row.apply, row.sample(generator));
    CHECK(report.diagnoses.empty());
  }
  const Gradient right{{2}, {1, 2}, {3, 4}, {3, 4}, {}};
  CHECK(diagnose({{right}, {2}, {1, 1}, {1, 1}}, 0) == "");
}

TEST_CASE("without the slopes of single outputs the other patterns still work") {
  const Gradient twice{{2}, {1, 2}, {6, 8}, {3, 4}, {}};
  says(diagnose({{twice}, {3}, {1, 1, 1}, {1, 1, 1}}, 0), "constant factor 2");
  const Gradient odd{{2}, {1, 2}, {6, 9}, {3, 4}, {}};
  says(diagnose({{odd}, {3}, {1, 1, 1}, {1, 1, 1}}, 0), "no known pattern");
}
