// Finding the peers: OpenBLAS and BLIS by their files, Eigen, oneDNN and PyTorch
// without Python as modules of this program.
#include <dlfcn.h>

#include <cstdio>
#include <cstdlib>
#include <string>

#include "lib/cpu.h"
#include "tests/bench/cblas_peer.h"
#include "tests/bench/peer.h"

namespace qkv::bench {
namespace {

[[maybe_unused]] void add_module(std::vector<std::unique_ptr<Peer>>& found, const char* path) {
  void* module = dlopen(path, RTLD_NOW | RTLD_LOCAL);
  if (!module) {
    std::fprintf(stderr, "qkv-bench: %s\n", dlerror());
    return;
  }
  const auto make = reinterpret_cast<MakePeer>(dlsym(module, "qkv_make_peer"));
  if (make) found.emplace_back(make());
}

std::vector<std::unique_ptr<Peer>> find_peers() {
  std::vector<std::unique_ptr<Peer>> found;
  for (const CblasLibrary& library :
       {CblasLibrary{"OpenBLAS", "libopenblas.so.0"}, CblasLibrary{"BLIS", "libblis.so.4"}}) {
    if (auto peer = make_cblas_peer(library)) found.push_back(std::move(peer));
  }
#ifdef QKV_BENCH_EIGEN
  add_module(found, QKV_BENCH_EIGEN);
#endif
#ifdef QKV_BENCH_ONEDNN
  add_module(found, QKV_BENCH_ONEDNN);
#endif
#ifdef QKV_BENCH_LIBTORCH
  add_module(found, QKV_BENCH_LIBTORCH);
#endif
  return found;
}

}  // namespace

const std::vector<std::unique_ptr<Peer>>& peers() {
  static const std::vector<std::unique_ptr<Peer>> found = find_peers();
  return found;
}

void tell_peers_their_settings() {
  // OpenBLAS and BLIS do not know every processor by its number and then fall back to AVX2; where
  // there is AVX-512 they are told so. What the user has set stays.
  constexpr int kKeep = 0;
  if (lib::isa_supported(lib::Isa::avx512)) {
    setenv("OPENBLAS_CORETYPE", "SkylakeX", kKeep);
    setenv("BLIS_ARCH_TYPE", "0", kKeep);  // skx, in BLIS 0.9
    setenv("ATEN_CPU_CAPABILITY", "avx512", kKeep);
  }
  for (const char* threads : {"OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "BLIS_NUM_THREADS"}) {
    setenv(threads, "1", 1);
  }
}

}  // namespace qkv::bench
