// Eigen as a module of its own: it chooses its instruction set when it is compiled, so this file
// alone is compiled for the machine at hand, and nothing else may share its functions.
#include <Eigen/Core>

#include "tests/bench/peer.h"

namespace qkv::bench {
namespace {

template <class T>
using RowMajor = Eigen::Matrix<T, Eigen::Dynamic, Eigen::Dynamic, Eigen::RowMajor>;

// The four cases are four types to Eigen.
template <class T>
Call looped(const Product<T>& p) {
  using In = Eigen::Map<const RowMajor<T>>;
  return [p] {
    for (int64_t i = 0; i < p.batch; ++i) {
      const In A(p.A + i * p.M * p.K, p.transposed_a ? p.K : p.M, p.transposed_a ? p.M : p.K);
      const In B(p.B + i * p.K * p.N, p.transposed_b ? p.N : p.K, p.transposed_b ? p.K : p.N);
      Eigen::Map<RowMajor<T>> C(p.C + i * p.M * p.N, p.M, p.N);
      if (p.transposed_a && p.transposed_b) {
        C.noalias() = A.transpose() * B.transpose();
      } else if (p.transposed_a) {
        C.noalias() = A.transpose() * B;
      } else if (p.transposed_b) {
        C.noalias() = A * B.transpose();
      } else {
        C.noalias() = A * B;
      }
    }
  };
}

class EigenPeer : public Peer {
 public:
  [[nodiscard]] std::string name() const override { return "Eigen"; }
  Call matmul(const Product<float>& p) override { return looped(p); }
  Call matmul(const Product<double>& p) override { return looped(p); }
};

}  // namespace
}  // namespace qkv::bench

extern "C" qkv::bench::Peer* qkv_make_peer() { return new qkv::bench::EigenPeer; }
