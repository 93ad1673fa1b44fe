// What an operation costs besides its arithmetic: chains of operations on one number, recorded,
// gone through backwards and destroyed.
#include "autograd/engine.h"
#include "autograd/ops.h"
#include "tests/bench/suite.h"

namespace qkv::bench {
namespace {

using autograd::Variable;

constexpr int64_t kLength = 1000;

Variable apply(Link link, const Variable& y, const Variable& c) {
  switch (link) {
    case Link::tanh:
      return tanh(y);
    case Link::add:
      return y + c;
    case Link::mul:
      break;
  }
  return y * c;
}

Row measure_chain(const std::string& name, Link link) {
  std::vector<float> slope(1);
  const Chain chain{
      .link = link, .length = kLength, .x = 0.5f, .c = 1.0001f, .slope = slope.data()};
  Variable x = autograd::parameter(tensor::scalar(chain.x));
  const Variable c = tensor::scalar(chain.c);
  const auto ours = [&] {
    Variable y = x;
    for (int64_t i = 0; i < kLength; ++i) y = apply(link, y, c);
    backward(y);
    slope[0] = static_cast<float>(x.grad().item());
    x.zero_grad();
  };
  Case work{.unit = "Mop/s",
            .work = 1e-6 * kLength,
            .peak = Peak(),
            .outputs = {std::span(slope)},
            .tolerance = 1e-3,
            .contenders = {contender("qkv", ours)}};
  for (const auto& peer : peers()) {
    if (Call call = peer->chain(chain)) work.contenders.push_back(contender(peer->name(), call));
  }
  Row row = measure(name, work);
  row.extra["microseconds"] = 1 / row.ours;
  return row;
}

}  // namespace

void add_graph() {
  for (const auto& [name, link] :
       {std::pair{"graph/tanh", Link::tanh}, std::pair{"graph/add", Link::add},
        std::pair{"graph/mul", Link::mul}}) {
    add(name, [l = link](const std::string& full) { return measure_chain(full, l); });
  }
}

}  // namespace qkv::bench
