// cblas_sgemm and cblas_dgemm, called once for each product of a batch.
#include "tests/bench/cblas_peer.h"

#include <dlfcn.h>

namespace qkv::bench {
namespace {

constexpr int kRowMajor = 101, kPlain = 111, kTransposed = 112;

template <class T>
using Gemm = void (*)(int order, int trans_a, int trans_b, int M, int N, int K, T alpha, const T* A,
                      int lda, const T* B, int ldb, T beta, T* C, int ldc);

template <class T>
Call looped(Gemm<T> gemm, const Product<T>& p) {
  if (!gemm) return {};
  const int M = static_cast<int>(p.M), N = static_cast<int>(p.N), K = static_cast<int>(p.K);
  return [=] {
    for (int64_t i = 0; i < p.batch; ++i) {
      gemm(kRowMajor, p.transposed_a ? kTransposed : kPlain, p.transposed_b ? kTransposed : kPlain,
           M, N, K, T(1), p.A + i * p.M * p.K, p.transposed_a ? M : K, p.B + i * p.K * p.N,
           p.transposed_b ? K : N, T(0), p.C + i * p.M * p.N, N);
    }
  };
}

class CblasPeer : public Peer {
 public:
  CblasPeer(std::string name, void* library)
      : name_(std::move(name)),
        sgemm_(reinterpret_cast<Gemm<float>>(dlsym(library, "cblas_sgemm"))),
        dgemm_(reinterpret_cast<Gemm<double>>(dlsym(library, "cblas_dgemm"))) {}

  [[nodiscard]] std::string name() const override { return name_; }
  Call matmul(const Product<float>& p) override { return looped(sgemm_, p); }
  Call matmul(const Product<double>& p) override { return looped(dgemm_, p); }

 private:
  std::string name_;
  Gemm<float> sgemm_;
  Gemm<double> dgemm_;
};

}  // namespace

std::unique_ptr<Peer> make_cblas_peer(const CblasLibrary& library) {
  void* handle = dlopen(library.file.c_str(), RTLD_NOW | RTLD_LOCAL);
  if (!handle) return nullptr;
  return std::make_unique<CblasPeer>(library.name, handle);
}

}  // namespace qkv::bench
