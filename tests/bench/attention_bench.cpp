// Fused attention, forward and backward, against PyTorch's plain composition, with the memory each
// needs. The work counted is 14 T² D for each head: Q Kᵀ and P V forward, five such products
// backward; what the fused form computes a second time does not count.
#include "lib/attention.h"

#include <cmath>

#include "lib/text.h"
#include "tests/bench/memory.h"
#include "tests/bench/suite.h"
#include "tests/bench/torch_peer.h"

namespace qkv::bench {
namespace {

struct Setting {
  int64_t B, H, T, D;
};

std::string name_of(const Setting& s) {
  return lib::str("attention/B", s.B, "_H", s.H, "_T", s.T, "_D", s.D);
}

// Operands and results, each (B, H, T, D).
struct Arrays {
  explicit Arrays(const Setting& s)
      : shape{s.B, s.H, s.T, s.D},
        Q(random_numbers(s.B * s.H * s.T * s.D, 1)),
        K(random_numbers(s.B * s.H * s.T * s.D, 2)),
        V(random_numbers(s.B * s.H * s.T * s.D, 3)),
        dO(random_numbers(s.B * s.H * s.T * s.D, 4)),
        O(Q.size()),
        dQ(Q.size()),
        dK(Q.size()),
        dV(Q.size()),
        logsumexp(static_cast<size_t>(s.B * s.H * s.T)) {}

  void forward_and_backward() {
    const Setting& s = shape;
    const auto heads = [&s]<class T>(T* data) {
      return lib::Heads<T>{data, s.H * s.T * s.D, s.T * s.D, s.D};
    };
    const auto in = [&heads](const std::vector<float>& v) { return heads(v.data()); };
    const auto out = [&heads](std::vector<float>& v) { return heads(v.data()); };
    const lib::AttentionProblem<float> problem{.shape = {.batch = s.B,
                                                         .heads = s.H,
                                                         .queries = s.T,
                                                         .keys = s.T,
                                                         .width = s.D,
                                                         .value_width = s.D},
                                               .mask = {},
                                               .scale = 1 / std::sqrt(static_cast<float>(s.D)),
                                               .Q = in(Q),
                                               .K = in(K),
                                               .V = in(V)};
    lib::attention(problem, out(O), logsumexp.data());
    lib::attention_backward(problem, {in(O), logsumexp.data()}, in(dO),
                            {out(dQ), out(dK), out(dV)});
  }

  Setting shape;
  std::vector<float> Q, K, V, dO, O, dQ, dK, dV, logsumexp;
};

void send(Torch& torch, const Arrays& a) {
  const std::vector<int64_t> sizes{a.shape.B, a.shape.H, a.shape.T, a.shape.D};
  torch.send("Q", sizes, a.Q);
  torch.send("K", sizes, a.K);
  torch.send("V", sizes, a.V);
  torch.send("dO", sizes, a.dO);
}

double torch_memory(const Arrays& a) {
  const std::unique_ptr<Torch> torch = Torch::start();
  send(*torch, a);
  torch->make("attention");
  torch->run();
  return static_cast<double>(torch->peak_memory());
}

Row measure_attention(const std::string& name, const Setting& s) {
  Arrays a(s);
  const double gflop = 14e-9 * static_cast<double>(s.B * s.H * s.T * s.T * s.D);
  Case work{.unit = "GFLOP/s",
            .work = gflop,
            .peak = fma_peak<float>(gflop),
            .outputs = {std::span(a.O), std::span(a.dQ), std::span(a.dK), std::span(a.dV)},
            .tolerance = 1e-4,
            .contenders = {contender("qkv", [&a] { a.forward_and_backward(); })}};
  if (Torch* torch = Torch::shared()) {
    send(*torch, a);
    work.contenders.push_back(
        torch->contender("attention", {{"O", a.O}, {"dQ", a.dQ}, {"dK", a.dK}, {"dV", a.dV}}));
  }
  Row row = measure(name, work);
  row.extra["MB qkv"] = memory_of(name) / 1e6;
  if (Torch::shared()) row.extra["MB PyTorch"] = torch_memory(a) / 1e6;
  return row;
}

}  // namespace

void add_attention() {
  for (const Setting& s : {Setting{64, 4, 20, 16}, Setting{4, 8, 256, 64}, Setting{1, 1, 1024, 64},
                           Setting{1, 1, 4096, 64}}) {
    add(name_of(s), [s](const std::string& name) { return measure_attention(name, s); });
    add_memory(name_of(s), [s] { Arrays(s).forward_and_backward(); });
  }
}

}  // namespace qkv::bench
