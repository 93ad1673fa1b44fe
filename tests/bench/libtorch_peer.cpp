// PyTorch without Python, as a module of its own: its C++ interface, for what Python's interpreter
// would hide.
#include <torch/torch.h>

#include "tests/bench/peer.h"

namespace qkv::bench {
namespace {

torch::Tensor apply(Link link, const torch::Tensor& y, const torch::Tensor& c) {
  switch (link) {
    case Link::tanh:
      return torch::tanh(y);
    case Link::add:
      return y + c;
    case Link::mul:
      break;
  }
  return y * c;
}

class LibtorchPeer : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "PyTorch C++"; }
  Call chain(const Chain& chain) override {
    const torch::Tensor x = torch::tensor(chain.x).requires_grad_(), c = torch::tensor(chain.c);
    return [chain, x, c] {
      torch::Tensor y = x;
      for (int64_t i = 0; i < chain.length; ++i) y = apply(chain.link, y, c);
      y.backward();
      *chain.slope = x.grad().item<float>();
      x.mutable_grad() = torch::Tensor();
    };
  }
};

}  // namespace
}  // namespace qkv::bench

extern "C" qkv::bench::Peer* qkv_make_peer() { return new qkv::bench::LibtorchPeer; }
