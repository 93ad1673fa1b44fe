// What a Variable is: a tensor, and a node if it belongs to a graph. What a leaf keeps, what detach
// cuts, and the switch that turns recording off.
#include "autograd/variable.h"

#include <doctest/doctest.h>

#include <thread>

#include "autograd/engine.h"
#include "autograd/ops.h"

using namespace qkv;
using namespace qkv::autograd;

namespace {

Variable leaf(double value) { return parameter(tensor::scalar(value, Dtype::float64)); }

}  // namespace

TEST_CASE("a Variable made of a tensor is a constant") {
  const Variable c = tensor::ones({2, 3}, Dtype::float64);
  CHECK(c.defined());
  CHECK_FALSE(c.requires_grad());
  CHECK(c.node() == nullptr);
  CHECK_FALSE(c.has_grad());
  CHECK(c.shape() == Shape{2, 3});
  CHECK(c.rank() == 2);
  CHECK(c.numel() == 6);
  CHECK(c.dtype() == Dtype::float64);
  CHECK_FALSE(Variable().defined());
}

TEST_CASE("a parameter is a leaf that requires a gradient and has none yet") {
  const Variable p = parameter(tensor::ones({2}));
  CHECK(p.requires_grad());
  CHECK(p.node()->is_leaf());
  CHECK(std::string(p.node()->op) == "leaf");
  CHECK_FALSE(p.has_grad());
}

TEST_CASE("copies of a Variable are the same leaf") {
  const Variable p = leaf(3), same = p;
  backward(p * p);
  CHECK(same.grad().item() == 6);
  Variable other = same;
  other.zero_grad();
  CHECK_FALSE(p.has_grad());
}

TEST_CASE("results require a gradient exactly if an operand does") {
  const Variable p = leaf(2), c = tensor::scalar(5, Dtype::float64);
  CHECK((p * c).requires_grad());
  CHECK((c * p).requires_grad());
  CHECK_FALSE((c * c).requires_grad());
  CHECK((c * c).item() == 25);
}

TEST_CASE("detach keeps the numbers and cuts the graph") {
  const Variable x = leaf(3);
  const Variable y = x * x, cut = y.detach();
  CHECK(cut.item() == 9);
  CHECK_FALSE(cut.requires_grad());
  CHECK(cut.value().shares_storage_with(y.value()));
  backward(x * cut);  // 9 x, not x^3
  CHECK(x.grad().item() == 9);
}

TEST_CASE("nothing is recorded while NoGrad lives") {
  const Variable x = leaf(3);
  const int64_t nodes = live_nodes();
  {
    const NoGrad quiet;
    CHECK_FALSE(recording());
    const Variable y = exp(x * x) + x;
    CHECK_FALSE(y.requires_grad());
    CHECK(live_nodes() == nodes);
  }
  CHECK(recording());
  CHECK((x * x).requires_grad());
}

TEST_CASE("guards nest and each gives back what it found") {
  const Variable x = leaf(3);
  {
    const NoGrad outer;
    {
      const SetRecording on(true);
      CHECK((x * x).requires_grad());
      { const NoGrad inner; }
      CHECK(recording());
    }
    CHECK_FALSE(recording());
    { const NoGrad again; }
    CHECK_FALSE(recording());
  }
  CHECK(recording());
}

TEST_CASE("a guard is undone by an exception") {
  try {
    const NoGrad quiet;
    throw 1;
  } catch (int) {
  }
  CHECK(recording());
}

TEST_CASE("a guard holds for its own thread only") {
  const NoGrad quiet;
  bool elsewhere = false;
  std::thread([&] { elsewhere = recording(); }).join();
  CHECK(elsewhere);
  CHECK_FALSE(recording());
}

TEST_CASE("zero_grad of a constant does nothing") {
  Variable c = tensor::ones({2});
  c.zero_grad();
  CHECK_FALSE(c.has_grad());
}

TEST_CASE("set_grad replaces the gradient") {
  Variable x = leaf(3);
  backward(x * x);
  x.set_grad(tensor::scalar(1, Dtype::float64));
  CHECK(x.grad().item() == 1);
}
