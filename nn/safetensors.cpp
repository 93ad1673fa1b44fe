// Saving: sort, describe, write. Loading: length, header, then each tensor straight into its own
// storage, so the file is never held as a whole. Numbers are little-endian, as on every machine qkv
// is built for.
#include "nn/safetensors.h"

#include <algorithm>
#include <array>
#include <bit>
#include <nlohmann/json.hpp>
#include <set>
#include <utility>

#include "lib/file.h"
#include "lib/text.h"
#include "nn/safetensors_header.h"

namespace qkv::nn {
namespace {

using lib::str;
using tensor::Dtype;
using tensor::Tensor;

static_assert(std::endian::native == std::endian::little);
static_assert(sizeof(bool) == 1);

constexpr size_t kLengthBytes = 8;  // the header's length, and the alignment of what follows

std::string_view bytes_of(const Tensor& t) {  // t is contiguous
  const size_t bytes = static_cast<size_t>(t.numel()) * tensor::dtype_size(t.dtype());
  return tensor::dispatch(t.dtype(), [&]<class T>(T) {
    return std::string_view(reinterpret_cast<const char*>(t.data<T>()), bytes);
  });
}

void check_savable(const std::string& path, const std::vector<NamedTensor>& tensors,
                   const std::map<std::string, std::string>& metadata) {
  const auto reject = [&](const auto&... why) { lib::fail("cannot write ", path, ": ", why...); };
  if (tensors.size() > kMaxTensors) reject("more than ", kMaxTensors, " tensors");
  if (metadata.size() > kMaxTensors) reject("more than ", kMaxTensors, " metadata keys");
  std::set<std::string_view> names;
  for (const auto& [name, value] : tensors) {
    if (const std::string fault = name_fault(name); !fault.empty()) reject(fault);
    if (name == kMetadataKey) reject("the name ", quote(name), " is reserved");
    if (!names.insert(name).second) reject("the name ", quote(name), " appears twice");
    if (!value.defined()) reject("tensor ", quote(name), " is undefined");
    for (const int64_t size : value.shape()) {
      if (static_cast<uint64_t>(size) > kMaxAxisSize) {
        reject("tensor ", quote(name), ": an axis of ", value.shape(), " is longer than 2^48 - 1");
      }
    }
  }
}

std::string json_string(const std::string& path, std::string_view text) {
  try {
    return nlohmann::json(text).dump();
  } catch (const nlohmann::json::exception&) {
    lib::fail("cannot write ", path, ": the text ", quote(text), " is not valid UTF-8");
  }
}

// The length and the JSON, padded with spaces so that the data begins at a multiple of 8.
std::string format_header(const std::string& path, const std::vector<NamedTensor>& tensors,
                          const std::map<std::string, std::string>& metadata) {
  std::string json = "{", comma;
  if (!metadata.empty()) {
    json += json_string(path, kMetadataKey) + ":{";
    for (const auto& [key, value] : metadata) {
      json += std::exchange(comma, ",");
      json += json_string(path, key) + ":" + json_string(path, value);
    }
    json += "}";
  }
  uint64_t begin = 0;
  for (const auto& [name, value] : tensors) {
    const uint64_t end = begin + bytes_of(value).size();
    json += std::exchange(comma, ",") + json_string(path, name);
    json += str(":{\"dtype\":\"", dtype_code(value.dtype()), "\",\"shape\":[");
    for (int axis = 0; axis < value.rank(); ++axis) {
      json += str(axis > 0 ? "," : "", value.shape()[axis]);
    }
    json += str("],\"data_offsets\":[", begin, ",", end, "]}");
    begin = end;
  }
  json += "}";
  json.append((kLengthBytes - json.size() % kLengthBytes) % kLengthBytes, ' ');
  if (json.size() > kMaxHeaderBytes) {
    lib::fail("cannot write ", path, ": names and metadata take ", json.size(), " bytes; at most ",
              kMaxHeaderBytes, " are allowed");
  }
  std::string length(kLengthBytes, '\0');
  for (size_t i = 0; i < kLengthBytes; ++i) length[i] = static_cast<char>(json.size() >> (8 * i));
  return length + json;
}

SafetensorsHeader read_header(lib::InputFile& file) {
  const auto reject = [&](const auto&... why) {
    throw std::runtime_error(str("cannot read ", file.path(), ": ", why...));
  };
  if (file.size() < kLengthBytes) {
    reject("a safetensors file has 8 bytes or more, this one has ", file.size());
  }
  std::array<unsigned char, kLengthBytes> bytes;
  file.read(bytes.data(), bytes.size());
  uint64_t length = 0;
  for (size_t i = 0; i < kLengthBytes; ++i) length |= uint64_t{bytes[i]} << (8 * i);

  if (length > kMaxHeaderBytes) {
    reject("its header claims ", length, " bytes; at most ", kMaxHeaderBytes, " are read");
  }
  if (length > file.size() - kLengthBytes) {
    reject("its header claims ", length, " bytes, but only ", file.size() - kLengthBytes,
           " follow; the file is cut short");
  }
  std::string json(static_cast<size_t>(length), '\0');
  file.read(json.data(), json.size());
  return parse_header(file.path(), json, file.size() - kLengthBytes - length);
}

// REQUIRES: the file stands at the tensor's first byte.
Tensor read_tensor(lib::InputFile& file, const TensorEntry& entry) {
  Tensor value = Tensor::empty(entry.shape, entry.dtype);
  const size_t bytes = static_cast<size_t>(entry.end - entry.begin);
  tensor::dispatch(entry.dtype, [&]<class T>(T) { file.read(value.mutable_data<T>(), bytes); });
  if (entry.dtype == Dtype::boolean) {  // to C++, a bool that is neither 0 nor 1 is no bool at all
    const std::string_view read = bytes_of(value);
    const auto bad = std::ranges::find_if(read, [](char c) { return c != 0 && c != 1; });
    if (bad != read.end()) {
      throw std::runtime_error(str("cannot read ", file.path(), ": tensor ", quote(entry.name),
                                   ": element ", bad - read.begin(), " is ",
                                   int{static_cast<unsigned char>(*bad)}, "; a BOOL is 0 or 1"));
    }
  }
  return value;
}

}  // namespace

void save_safetensors(const std::string& path, const std::vector<NamedTensor>& tensors,
                      const std::map<std::string, std::string>& metadata) {
  check_savable(path, tensors, metadata);
  std::vector<NamedTensor> sorted;
  for (const auto& [name, value] : tensors) sorted.push_back({name, value.contiguous()});
  std::ranges::sort(sorted, {}, [](const NamedTensor& t) {
    return std::pair<int, std::string_view>(-static_cast<int>(tensor::dtype_size(t.value.dtype())),
                                            t.name);
  });

  const std::string header = format_header(path, sorted, metadata);
  std::vector<std::string_view> parts = {header};
  for (const NamedTensor& t : sorted) parts.push_back(bytes_of(t.value));
  lib::write_file_atomically(path, parts);
}

SafetensorsFile load_safetensors(const std::string& path) {
  lib::InputFile file(path);
  SafetensorsHeader header = read_header(file);
  SafetensorsFile result;
  for (TensorEntry& entry : header.entries) {
    Tensor value = read_tensor(file, entry);
    result.tensors.push_back({std::move(entry.name), std::move(value)});
  }
  result.metadata = std::move(header.metadata);
  return result;
}

}  // namespace qkv::nn
