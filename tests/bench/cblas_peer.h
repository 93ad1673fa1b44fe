// A peer with the C interface of BLAS: OpenBLAS or BLIS.
#pragma once

#include <memory>
#include <string>

#include "tests/bench/peer.h"

namespace qkv::bench {

struct CblasLibrary {
  std::string name, file;  // the file as the dynamic linker knows it
};

// Null if the library is not installed.
[[nodiscard]] std::unique_ptr<Peer> make_cblas_peer(const CblasLibrary& library);

}  // namespace qkv::bench
