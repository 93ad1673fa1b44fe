// The engine: every use of a node counts, gradients add up until they are zeroed, a graph can be
// gone through once unless it is kept, and gradients are Variables that can be differentiated
// again.
#include "autograd/engine.h"

#include <doctest/doctest.h>

#include "autograd/ops.h"
#include "tensor/elementwise.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

Variable leaf(double value) { return parameter(tensor::scalar(value, Dtype::float64)); }
Variable constant(double value) { return tensor::scalar(value, Dtype::float64); }
Variable vector(std::vector<double> values) {
  const auto n = static_cast<int64_t>(values.size());
  return parameter(Tensor::of(values, {n}));
}
std::vector<double> numbers(const Variable& x) { return x.value().to_vector(); }
using Numbers = std::vector<double>;

}  // namespace

TEST_CASE("x times x has slope 2x because both arrows count") {
  const Variable x = leaf(3);
  backward(x * x);
  CHECK(x.grad().item() == 6);
}

TEST_CASE("a diamond sends the gradient of both sides") {
  const Variable x = leaf(2);
  const Variable top = x * x;  // 4
  const Variable left = top * 3.0, right = top * top;
  backward(left + right);  // 3 x² + x⁴
  CHECK(x.grad().item() == 3 * 4 + 4 * 8);
}

TEST_CASE("an old node used late and early waits for all its gradients") {
  const Variable x = leaf(2);
  const Variable a = x * x;      // x²
  const Variable b = a * x;      // x³
  const Variable c = b * a * x;  // x⁶
  backward(c + a);               // 6 x⁵ + 2 x
  CHECK(x.grad().item() == 6 * 32 + 4);
}

TEST_CASE("leaf gradients of two backward calls add up until zero_grad") {
  Variable x = leaf(3);
  backward(x * x);
  backward(x * 10.0);
  CHECK(x.grad().item() == 16);
  x.zero_grad();
  CHECK_FALSE(x.has_grad());
  backward(x * x);
  CHECK(x.grad().item() == 6);
}

TEST_CASE("a leaf that is its own result gets the cotangent") {
  const Variable x = leaf(3);
  backward(x);
  CHECK(x.grad().item() == 1);
}

TEST_CASE("a second backward through a freed graph is an error that says what to do") {
  const Variable x = leaf(3);
  const Variable y = x * x;
  backward(y);
  CHECK_THROWS_WITH_AS(backward(y),
                       "backward: the graph behind 'mul' was freed by an earlier backward; pass "
                       "retain_graph there to go through it twice",
                       std::invalid_argument);
  CHECK(x.grad().item() == 6);  // unchanged by the refused pass
}

TEST_CASE("a retained graph can be gone through again") {
  const Variable x = leaf(3);
  const Variable y = exp(x * x);
  backward(y, {}, {.retain_graph = true});
  const double once = x.grad().item();
  backward(y, {}, {.retain_graph = true});
  CHECK(x.grad().item() == 2 * once);
  backward(y);
  CHECK(x.grad().item() == 3 * once);
  CHECK_THROWS_AS(backward(y), std::invalid_argument);
}

TEST_CASE("a graph that shares a freed part cannot be gone through") {
  const Variable x = leaf(3);
  const Variable shared = x * x;
  const Variable left = shared * 2.0, right = shared * 3.0;
  backward(left);
  CHECK_THROWS_AS(backward(right), std::invalid_argument);
}

TEST_CASE("a cotangent multiplies the gradient of each element") {
  const Variable x = vector({1, 2, 3});
  backward(x * x, Variable(Tensor::of<double>({1, 10, 100}, {3})));
  CHECK(numbers(x.grad()) == Numbers{2, 40, 600});
}

TEST_CASE("an output of one element needs no cotangent whatever its rank") {
  const Variable x = parameter(tensor::full({1, 1}, 3, Dtype::float64));
  backward(x * x);
  CHECK(numbers(x.grad()) == Numbers{6});
}

TEST_CASE("grad gives gradients of leaves and leaves them alone") {
  const Variable x = leaf(3), y = leaf(5);
  const auto g = grad({x * x * y}, {y, x});
  CHECK(g[0].item() == 9);
  CHECK(g[1].item() == 30);
  CHECK_FALSE(x.has_grad());
  CHECK_FALSE(y.has_grad());
}

TEST_CASE("grad reaches interior nodes and what is before them") {
  const Variable x = leaf(2);
  const Variable middle = x * x, late = middle * 3.0;
  const Variable y = late * late + middle;  // 9 x⁴ + x²
  const auto g = grad({y}, {late, middle, x});
  CHECK(g[0].item() == 24);  // 2 late
  CHECK(g[1].item() == 18 * 4 + 1);
  CHECK(g[2].item() == 36 * 8 + 4);
}

TEST_CASE("grad of an input that is asked for twice or is the output") {
  const Variable x = leaf(2);
  const Variable y = x * x;
  const auto g = grad({y}, {x, y, x});
  CHECK(g[0].item() == 4);
  CHECK(g[1].item() == 1);
  CHECK(g[2].item() == 4);
}

TEST_CASE("an input that no path leads to has gradient zero in its own shape") {
  const Variable x = leaf(2), other = vector({1, 2, 3});
  const auto g = grad({x * x}, {other, x});
  CHECK(numbers(g[0]) == Numbers{0, 0, 0});
  CHECK(g[0].dtype() == Dtype::float64);
  CHECK(g[1].item() == 4);
}

TEST_CASE("several outputs add up with their cotangents") {
  const Variable x = vector({2, 3});
  const Variable square = x * x, total = sum(x);
  const auto g =
      grad({square, total}, {x}, {Variable(Tensor::of<double>({1, 10}, {2})), constant(100)});
  CHECK(numbers(g[0]) == Numbers{104, 160});
  const Variable a = leaf(2);
  CHECK(grad({a * a, a * 5.0}, {a})[0].item() == 9);  // ones by default
}

TEST_CASE("third derivative of x to the fourth") {
  const Variable x = leaf(3);
  const Variable y = x * x * x * x;
  const Variable first = grad({y}, {x}, {}, {.create_graph = true})[0];
  const Variable second = grad({first}, {x}, {}, {.create_graph = true})[0];
  const Variable third = grad({second}, {x}, {}, {.create_graph = true})[0];
  CHECK(first.item() == 4 * 27);
  CHECK(second.item() == 12 * 9);
  CHECK(third.item() == 24 * 3);
  CHECK(grad({third}, {x})[0].item() == 24);
}

TEST_CASE("gradients have a graph only if create_graph asks for it") {
  const Variable x = leaf(3);
  CHECK_FALSE(grad({x * x}, {x})[0].requires_grad());
  CHECK_FALSE(grad({x * x}, {x}, {}, {.retain_graph = true})[0].requires_grad());
  CHECK(grad({x * x}, {x}, {}, {.create_graph = true})[0].requires_grad());
}

TEST_CASE("a cotangent can be differentiated") {
  const Variable x = leaf(3), r = leaf(5);
  const Variable g = grad({x * x}, {x}, {r}, {.create_graph = true})[0];  // 2 x r
  CHECK(grad({g}, {r})[0].item() == 6);
}

TEST_CASE("backward works inside NoGrad and create_graph has to be asked for outside") {
  const Variable x = leaf(3);
  const Variable y = x * x;
  const NoGrad quiet;
  backward(y);
  CHECK(x.grad().item() == 6);
}

TEST_CASE("a backward that gives a wrong shape is our bug and named") {
  const Variable x = vector({1, 2, 3});
  const Variable y = record("sloppy", {x}, tensor::scalar(6, Dtype::float64),
                            [](const Variable& dy) -> Grads { return {dy}; });
  CHECK_THROWS_WITH_AS(backward(y),
                       "sloppy: its backward gives a gradient () float64 for an input (3,) float64",
                       std::logic_error);
}

TEST_CASE("a backward that gives a wrong dtype or number of gradients is our bug") {
  const Variable x = leaf(1);
  const Variable narrow = record("narrow", {x}, x.value().clone(), [](const Variable&) -> Grads {
    return {Variable(tensor::scalar(1))};
  });
  CHECK_THROWS_WITH_AS(backward(narrow),
                       "narrow: its backward gives a gradient () float32 for an input () float64",
                       std::logic_error);
  const Variable many = record("many", {x}, x.value().clone(), [](const Variable& dy) -> Grads {
    return {dy, dy};
  });
  CHECK_THROWS_AS(backward(many), std::logic_error);
}

TEST_CASE("an operation without a backward is a hard error that names it") {
  const Variable x = leaf(1);
  const auto node = make_node("mystery", x.value());  // record() would have refused it
  node->inputs.push_back(x.node());
  CHECK_THROWS_WITH_AS(backward(Variable(x.value(), node) * 2.0),
                       "backward: the operation 'mystery' has no backward", std::invalid_argument);
  CHECK_FALSE(x.has_grad());
}

TEST_CASE("an exception in the middle of backward leaves everything usable") {
  const int64_t nodes = live_nodes();
  {
    const Variable x = leaf(3);
    {
      const Variable bomb = record("bomb", {x * x}, tensor::scalar(9, Dtype::float64),
                                   [](const Variable&) -> Grads { throw 42; });
      CHECK_THROWS_AS(backward(exp(bomb) * 2.0), int);
    }
    CHECK(recording());
    CHECK_FALSE(x.has_grad());
    backward(x * x);
    CHECK(x.grad().item() == 6);
  }
  CHECK(live_nodes() == nodes);
}
