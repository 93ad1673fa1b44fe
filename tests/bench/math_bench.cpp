// Elementary functions on 65,536 numbers, 256 KB: in and out fit into the second-level cache.
#include "lib/vector_math.h"
#include "tests/bench/suite.h"
#include "tests/bench/torch_peer.h"

namespace qkv::bench {
namespace {

constexpr int64_t kCount = 65'536;

Row measure_map(const std::string& name, lib::Function function) {
  std::vector<float> x = random_numbers(kCount), y(x.size());
  if (function == lib::Function::log) {
    for (float& v : x) v = v * v + 0.01f;
  }
  Case work{
      .unit = "Gelem/s",
      .work = 1e-9 * kCount,
      .peak = copy_peak(4 * kCount, 8e-9 * kCount),
      .outputs = {std::span(y)},
      .tolerance = 1e-5,
      .contenders = {contender("qkv", [&] { lib::map(function, kCount, x.data(), y.data()); })}};
  for (const auto& peer : peers()) {
    if (Call call = peer->map(function, kCount, x.data(), y.data())) {
      work.contenders.push_back(contender(peer->name(), call));
    }
  }
  if (Torch* torch = Torch::shared()) {
    torch->send("x", {kCount}, x);
    const std::string word = name.substr(name.find('/') + 1);
    work.contenders.push_back(
        torch->contender("elementwise function=" + word, {{"y", std::span(y)}}));
  }
  return measure(name, work);
}

}  // namespace

void add_math() {
  using lib::Function;
  for (const auto& [name, function] :
       {std::pair{"map/exp", Function::exp}, std::pair{"map/log", Function::log},
        std::pair{"map/tanh", Function::tanh}, std::pair{"map/sigmoid", Function::sigmoid},
        std::pair{"map/gelu", Function::gelu}}) {
    add(name, [f = function](const std::string& full) { return measure_map(full, f); });
  }
}

}  // namespace qkv::bench
