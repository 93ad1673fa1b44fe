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
      : x(random_numbers(kCount, 1)), dy(random_numbers(kCount, 2)), y(kCount), dx(kCount) {
    rows = {
        .rows = kCount / n, .n = n, .x = x.data(), .dy = dy.data(), .y = y.data(), .dx = dx.data()};
  }
  std::vector<float> x, dy, y, dx;
  Rows rows;
};

using PeerCall = Call (Peer::*)(const Rows&);

// Reads and writes of 4 bytes: forward x and y; backward dy, what was kept, and dx.
Row measure_rows(const std::string& name, const std::string& operation, bool backward, Arrays& a,
                 Call ours, PeerCall theirs) {
  std::vector<float>& result = backward ? a.dx : a.y;
  Case work{.unit = "Gelem/s",
            .work = 1e-9 * kCount,
            .peak = copy_peak(4 * kCount, (backward ? 12e-9 : 8e-9) * kCount),
            .outputs = {std::span(result)},
            .tolerance = 1e-5,
            .contenders = {contender("qkv", std::move(ours))}};
  for (const auto& peer : peers()) {
    if (Call call = (*peer.*theirs)(a.rows)) {
      work.contenders.push_back(contender(peer->name(), call));
    }
  }
  if (Torch* torch = Torch::shared()) {
    const std::vector<int64_t> shape{a.rows.rows, a.rows.n};
    torch->send("x", shape, a.x);
    torch->send("dy", shape, a.dy);
    work.contenders.push_back(
        torch->contender(operation, {{backward ? "dx" : "y", std::span(result)}}));
  }
  return measure(name, work);
}

void add_softmax(int64_t n) {
  add(lib::str("softmax/", n, "/definition"), [n](const std::string& name) {
    Arrays a(n);
    return measure(name,
                   {.unit = "Gelem/s",
                    .work = 1e-9 * kCount,
                    .peak = copy_peak(4 * kCount, 8e-9 * kCount),
                    .outputs = {std::span(a.y)},
                    .tolerance = 1e-5,
                    .contenders = {contender("qkv", [&a] {
                      lib::softmax_definition<float>({a.rows.rows, a.rows.n}, a.rows.x, a.rows.y);
                    })}});
  });
  add(lib::str("softmax/", n, "/forward"), [n](const std::string& name) {
    Arrays a(n);
    const Rows& r = a.rows;
    return measure_rows(
        name, "softmax", false, a,
        [r] {
          lib::softmax<float>({r.rows, r.n}, r.x, r.y);
        },
        &Peer::softmax);
  });
}

void add_softmax_backward(int64_t n) {
  add(lib::str("softmax/", n, "/backward"), [n](const std::string& name) {
    Arrays a(n);
    const Rows& r = a.rows;
    lib::softmax<float>({r.rows, r.n}, r.x, r.y);
    return measure_rows(
        name, "softmax_backward", true, a,
        [r] {
          lib::softmax_backward<float>({r.rows, r.n}, r.dy, r.y, r.dx);
        },
        &Peer::softmax_backward);
  });
}

void add_layer_norm(int64_t n) {
  add(lib::str("layer_norm/", n, "/forward"), [n](const std::string& name) {
    Arrays a(n);
    const Rows& r = a.rows;
    std::vector<float> inverse(static_cast<size_t>(r.rows));
    return measure_rows(
        name, "layer_norm", false, a,
        [r, &inverse] { lib::layer_norm<float>(r.rows, r.n, r.x, 1e-5f, r.y, inverse.data()); },
        &Peer::layer_norm);
  });
  add(lib::str("layer_norm/", n, "/backward"), [n](const std::string& name) {
    Arrays a(n);
    const Rows& r = a.rows;
    std::vector<float> inverse(static_cast<size_t>(r.rows));
    lib::layer_norm<float>(r.rows, r.n, r.x, 1e-5f, r.y, inverse.data());
    return measure_rows(
        name, "layer_norm_backward", true, a,
        [r, &inverse] {
          lib::layer_norm_backward<float>(r.rows, r.n, r.dy, r.y, inverse.data(), r.dx);
        },
        &Peer::layer_norm_backward);
  });
}

}  // namespace

void add_rows() {
  for (const int64_t n : {16, 64, 256, 1024, 8192, 65'536}) {
    add_softmax(n);
    add_softmax_backward(n);
    add_layer_norm(n);
  }
}

}  // namespace qkv::bench
