// Named tensors in a file, in the safetensors format (github.com/huggingface/safetensors), which
// many other programs read:
//
//   N, 8 bytes, little-endian  |  JSON, N bytes: names, dtypes, shapes, offsets  |  the numbers
//
// Next: safetensors_header.h, the JSON. Whether a file fits a model is another question.
#pragma once

#include <map>
#include <string>
#include <vector>

#include "tensor/tensor.h"

namespace qkv::nn {

struct NamedTensor {
  std::string name;
  tensor::Tensor value;
};

struct SafetensorsFile {
  std::vector<NamedTensor> tensors;  // in the order of their numbers in the file
  std::map<std::string, std::string> metadata;
};

// Writes the tensors, sorted by descending element size and then by name, so that equal tensors
// make equal bytes. The file appears whole or not at all (lib/file.h).
// Throws std::invalid_argument if a tensor is undefined; if a name is empty, longer than 255 bytes,
// repeated, "__metadata__", or holds control characters; if any text is not UTF-8; or if the header
// would exceed the limits of safetensors_header.h. Throws std::runtime_error if writing fails.
void save_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata = {});

// Reads a file that may come from anywhere: what it claims is checked before it is believed, and
// before memory is set aside for it. F32, F64, I64 and BOOL are read, other dtypes refused. Takes
// the memory of the tensors and a small multiple of the header's length.
// Throws std::runtime_error naming the file, the tensor and the rule.
[[nodiscard]] SafetensorsFile load_safetensors(const std::string& path);

}  // namespace qkv::nn
