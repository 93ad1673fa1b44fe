// Work on 65,536 numbers, 256 KB an array, which stay in the second-level cache: functions of each,
// sums of all, and the step of an optimiser.
#include "lib/update.h"
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

// Ours alone: `arrays` arrays are read or written once.
Row measure_alone(const std::string& name, int arrays, const Call& call) {
  return measure(name, {.unit = "Gelem/s",
                        .work = 1e-9 * kCount,
                        .peak = copy_peak(4 * kCount, arrays * 4e-9 * kCount),
                        .outputs = {},
                        .tolerance = 0,
                        .contenders = {contender("qkv", call)}});
}

Row measure_sum(const std::string& name) {
  const std::vector<float> x = random_numbers(kCount);
  volatile float total = 0;
  return measure_alone(name, 1, [&] { total = lib::sum<float>(kCount, x.data()); });
}

Row measure_dot(const std::string& name) {
  const std::vector<float> x = random_numbers(kCount, 1), y = random_numbers(kCount, 2);
  volatile float total = 0;
  return measure_alone(name, 2, [&] { total = lib::dot<float>(kCount, x.data(), y.data()); });
}

// Reads w, g, m and v, and writes all but g.
Row measure_adamw(const std::string& name) {
  const std::vector<float> g = random_numbers(kCount, 2);
  std::vector<float> w = random_numbers(kCount, 1), m(w.size()), v(w.size());
  const lib::AdamStep step{.rate = 1e-3,
                           .beta1 = 0.9,
                           .beta2 = 0.999,
                           .eps = 1e-8,
                           .decay = 0.01,
                           .correction1 = 1,
                           .correction2 = 1,
                           .decoupled = true};
  return measure_alone(name, 7, [&] {
    lib::adam_update<float>(kCount, step, w.data(), g.data(), m.data(), v.data());
  });
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
  add("one_pass/sum", measure_sum);
  add("one_pass/dot", measure_dot);
  add("one_pass/adamw", measure_adamw);
}

}  // namespace qkv::bench
