// Softmax and layer norm, forward and backward, over rows of many lengths. Every case has 65,536
// numbers, 256 KB an array: all stay in the second-level cache, so the arithmetic is measured.
#include "lib/layer_norm.h"
#include "lib/softmax.h"
#include "lib/text.h"
#include "tests/bench/suite.h"
#include "tests/bench/torch_peer.h"

namespace qkv::bench {
namespace {

constexpr int64_t kCount = 65'536;

// The arrays of one case, and the description of it for peers.
struct Arrays {
  explicit Arrays(int64_t n)
      : x(random_numbers(kCount, 1)),
        dy(random_numbers(kCount, 2)),
        gamma(random_numbers(n, 3)),
        beta(random_numbers(n, 4)),
        y(kCount),
        dx(kCount),
        dgamma(gamma.size()),
        dbeta(gamma.size()),
        mean(static_cast<size_t>(kCount / n)),
        inverse(mean.size()) {
    rows = {.rows = kCount / n,
            .n = n,
            .x = x.data(),
            .dy = dy.data(),
            .gamma = gamma.data(),
            .beta = beta.data(),
            .y = y.data(),
            .dx = dx.data(),
            .dgamma = dgamma.data(),
            .dbeta = dbeta.data()};
  }
  std::vector<float> x, dy, gamma, beta, y, dx, dgamma, dbeta, mean, inverse;
  Rows rows;
};

using PeerCall = Call (Peer::*)(const Rows&);
using Results = std::vector<std::pair<std::string, std::span<float>>>;

// An operation by its name in torch_peer.py and its function in a Peer, and how many arrays of
// kCount numbers it reads and writes: forward x and y; backward dy, what was kept, and dx.
struct Operation {
  std::string name;
  PeerCall theirs;
  int arrays;
};

Row measure_rows(const std::string& name, const Operation& operation, Arrays& a, Call ours,
                 const Results& results) {
  Case work{.unit = "Gelem/s",
            .work = 1e-9 * kCount,
            .peak = copy_peak(4 * kCount, operation.arrays * 4e-9 * kCount),
            .outputs = {},
            .tolerance = 1e-4,  // dgamma and dbeta are sums over up to 4,096 rows
            .contenders = {contender("qkv", std::move(ours))}};
  for (const auto& [result, numbers] : results) work.outputs.emplace_back(numbers);
  if (!operation.theirs) return measure(name, work);
  for (const auto& peer : peers()) {
    if (Call call = (*peer.*operation.theirs)(a.rows)) {
      work.contenders.push_back(contender(peer->name(), call));
    }
  }
  if (Torch* torch = Torch::shared()) {
    const std::vector<int64_t> shape{a.rows.rows, a.rows.n};
    torch->send("x", shape, a.x);
    torch->send("dy", shape, a.dy);
    torch->send("gamma", {a.rows.n}, a.gamma);
    torch->send("beta", {a.rows.n}, a.beta);
    work.contenders.push_back(torch->contender(operation.name, results));
  }
  return measure(name, work);
}

// Registers prepare(arrays): what it returns is called many times; `results` names the arrays that
// a call fills.
void add_rows(const std::string& name, const Operation& operation, int64_t n,
              Call (*prepare)(Arrays&), Results (*results)(Arrays&)) {
  add(name, [=](const std::string& full) {
    Arrays a(n);
    Call ours = prepare(a);
    return measure_rows(full, operation, a, std::move(ours), results(a));
  });
}

Results y_of(Arrays& a) { return {{"y", a.y}}; }
Results dx_of(Arrays& a) { return {{"dx", a.dx}}; }
Results all_gradients_of(Arrays& a) {
  return {{"dx", a.dx}, {"dgamma", a.dgamma}, {"dbeta", a.dbeta}};
}

lib::RowsShape shape_of(const Arrays& a) { return {.rows = a.rows.rows, .n = a.rows.n}; }
lib::NormShape norm_of(const Arrays& a) { return {.rows = a.rows.rows, .n = a.rows.n}; }

Call softmax_definition(Arrays& a) {
  return [&a] { lib::softmax_definition<float>(shape_of(a), a.x.data(), a.y.data()); };
}

Call softmax(Arrays& a) {
  return [&a] { lib::softmax<float>(shape_of(a), a.x.data(), a.y.data()); };
}

Call softmax_backward(Arrays& a) {
  softmax(a)();
  return [&a] { lib::softmax_backward<float>(shape_of(a), a.dy.data(), a.y.data(), a.dx.data()); };
}

Call layer_norm_definition(Arrays& a) {
  return [&a] {
    lib::layer_norm_definition<float>(norm_of(a), a.x.data(), a.gamma.data(), a.beta.data(), 1e-5f,
                                      a.y.data(), a.mean.data(), a.inverse.data());
  };
}

Call layer_norm(Arrays& a) {
  return [&a] {
    lib::layer_norm<float>(norm_of(a), a.x.data(), a.gamma.data(), a.beta.data(), 1e-5f, a.y.data(),
                           a.mean.data(), a.inverse.data());
  };
}

Call layer_norm_backward(Arrays& a) {
  layer_norm(a)();
  return [&a] {
    lib::layer_norm_backward<float>(norm_of(a), a.dy.data(), a.x.data(), a.mean.data(),
                                    a.inverse.data(), a.gamma.data(), a.dx.data(), a.dgamma.data(),
                                    a.dbeta.data());
  };
}

}  // namespace

void add_rows() {
  for (const int64_t n : {16, 64, 256, 1024, 8192, 65'536}) {
    const std::string softmaxes = lib::str("softmax/", n), norms = lib::str("layer_norm/", n);
    add_rows(softmaxes + "/definition", {"softmax", nullptr, 2}, n, softmax_definition, y_of);
    add_rows(softmaxes + "/forward", {"softmax", &Peer::softmax, 2}, n, softmax, y_of);
    add_rows(softmaxes + "/backward", {"softmax_backward", &Peer::softmax_backward, 3}, n,
             softmax_backward, dx_of);
    add_rows(norms + "/definition", {"layer_norm", nullptr, 2}, n, layer_norm_definition, y_of);
    add_rows(norms + "/forward", {"layer_norm", &Peer::layer_norm, 2}, n, layer_norm, y_of);
    add_rows(norms + "/backward", {"layer_norm_backward", &Peer::layer_norm_backward, 3}, n,
             layer_norm_backward, all_gradients_of);
  }
}

}  // namespace qkv::bench
