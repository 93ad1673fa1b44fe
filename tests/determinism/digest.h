// A digest of tensors: 64 bits that change if one bit of one element does.
#pragma once

#include <cstdint>
#include <cstring>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::tests {

// FNV-1a over the bytes of all elements in row-major order.
// Source: Fowler, Noll, Vo, "The FNV non-cryptographic hash algorithm".
inline uint64_t digest(const std::vector<tensor::Tensor>& tensors) {
  uint64_t hash = 14695981039346656037u;
  for (const tensor::Tensor& t : tensors) {
    const tensor::Tensor packed = t.contiguous();
    tensor::dispatch(t.dtype(), [&]<class T>(T) {
      std::vector<unsigned char> bytes(static_cast<size_t>(t.numel()) * sizeof(T));
      if (!bytes.empty()) std::memcpy(bytes.data(), packed.data<T>(), bytes.size());
      for (const unsigned char byte : bytes) hash = (hash ^ byte) * 1099511628211u;
    });
  }
  return hash;
}

}  // namespace qkv::tests
