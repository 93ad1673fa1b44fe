// The JSON header of a safetensors file: one entry per tensor. The offsets count from the header's
// end; sorted by them, the tensors fill the rest of the file without holes or overlaps.
//
//   {"__metadata__":{"step":"7"},"w":{"dtype":"F32","shape":[2,3],"data_offsets":[0,24]}}
//
// Private to safetensors.cpp, which writes such headers and reads what they describe.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>
#include <vector>

#include "tensor/dtype.h"
#include "tensor/shape.h"

namespace qkv::nn {

inline constexpr uint64_t kMaxHeaderBytes = uint64_t{16} << 20;
inline constexpr size_t kMaxTensors = 65536;  // and as many metadata keys
inline constexpr size_t kMaxNameBytes = 255;
inline constexpr uint64_t kMaxAxisSize = (uint64_t{1} << 48) - 1;
inline constexpr std::string_view kMetadataKey = "__metadata__";

struct TensorEntry {
  std::string name;
  tensor::Dtype dtype = tensor::Dtype::float32;
  tensor::Shape shape;
  uint64_t begin = 0, end = 0;  // bytes, within the data
};

struct SafetensorsHeader {
  std::vector<TensorEntry> entries;  // sorted by offset
  std::map<std::string, std::string> metadata;
};

// The header in `json`, found in the file `path` in front of `data_bytes` bytes of data. Throws
// std::runtime_error naming the path, the tensor and the rule unless everything is as it should be.
[[nodiscard]] SafetensorsHeader parse_header(const std::string& path, std::string_view json,
                                             uint64_t data_bytes);

// "F32", "F64", "I64", "BOOL".
[[nodiscard]] std::string_view dtype_code(tensor::Dtype dtype);

// What is wrong with a tensor's name, as the end of a sentence, or "" if nothing is.
[[nodiscard]] std::string name_fault(std::string_view name);

// Text from a file, made fit for a message: in quotes, escaped, not too long. A name full of
// terminal control sequences must not reach the terminal.
[[nodiscard]] std::string quote(std::string_view text);

}  // namespace qkv::nn
