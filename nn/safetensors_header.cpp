// Reading is by events (SAX): the parser calls start_object, key, string, ..., and each call is
// checked against what may stand there. So nothing is built that is not wanted, nesting is bounded
// by the grammar, and -1, 1.5 or 2^64 arrive as what they are instead of being converted.
//
//   {"__metadata__": {KEY: TEXT}, NAME: {"dtype": TEXT, "shape": [N, ...], "data_offsets": [N, N]}}
#include "nn/safetensors_header.h"

#include <algorithm>
#include <nlohmann/json.hpp>
#include <optional>
#include <set>
#include <stdexcept>
#include <tuple>

#include "lib/text.h"

namespace qkv::nn {
namespace {

using lib::str;
using nlohmann::json;
using tensor::Dtype;
using tensor::Shape;

struct DtypeCode {
  Dtype dtype;
  std::string_view code;
};
constexpr DtypeCode kDtypeCodes[] = {{Dtype::float32, "F32"},
                                     {Dtype::float64, "F64"},
                                     {Dtype::int64, "I64"},
                                     {Dtype::boolean, "BOOL"}};

template <class... Parts>
[[noreturn]] void reject(const std::string& path, const Parts&... parts) {
  throw std::runtime_error(str("cannot read ", path, ": ", parts...));
}

// The bytes of a tensor, or nothing if they are more than `limit`. The product is never formed when
// it would exceed the limit: 2^32 * 2^32 would wrap around to 0.
std::optional<uint64_t> byte_count(const Shape& shape, Dtype dtype, uint64_t limit) {
  if (std::ranges::find(shape, 0) != shape.end()) return 0;
  uint64_t bytes = tensor::dtype_size(dtype);
  for (const int64_t axis_size : shape) {
    const uint64_t size = static_cast<uint64_t>(axis_size);
    if (bytes > limit / size) return std::nullopt;
    bytes *= size;
  }
  return bytes;
}

// Where the next event belongs:
//
//   document   {   names   "w":   {   entry   "shape":   [   list   ]   entry   }   names   }
class HeaderReader : public nlohmann::json_sax<json> {
 public:
  HeaderReader(const std::string& path, uint64_t data_bytes)
      : path_(path), data_bytes_(data_bytes) {}

  SafetensorsHeader take() { return std::move(header_); }

  bool start_object(size_t) override {
    if (place_ == Place::document) return go(Place::names);
    if (place_ != Place::names) unexpected("an object");
    if (name_ == kMetadataKey) return go(Place::metadata);
    if (header_.entries.size() == kMaxTensors) reject(path_, "more than ", kMaxTensors, " tensors");
    header_.entries.emplace_back().name = name_;
    offsets_.clear();
    fields_.clear();
    return go(Place::entry);
  }

  bool key(std::string& text) override {
    if (place_ == Place::names) {
      if (const std::string fault = name_fault(text); !fault.empty()) reject(path_, fault);
      if (!names_.insert(text).second) reject(path_, "the name ", quote(text), " appears twice");
      name_ = text;
    } else if (place_ == Place::metadata) {
      if (header_.metadata.contains(text)) {
        reject(path_, "metadata key ", quote(text), " appears twice");
      }
      if (header_.metadata.size() == kMaxTensors) {
        reject(path_, "more than ", kMaxTensors, " metadata keys");
      }
      field_ = text;
    } else {
      if (text != "dtype" && text != "shape" && text != "data_offsets") {
        reject_tensor("unknown key ", quote(text), "; need dtype, shape and data_offsets");
      }
      if (!fields_.insert(text).second) reject_tensor(text, " appears twice");
      field_ = text;
    }
    return true;
  }

  bool end_object() override {
    if (place_ == Place::names) return go(Place::document);
    if (place_ == Place::entry) finish_entry();
    return go(Place::names);
  }

  bool start_array(size_t) override {
    if (place_ != Place::entry || field_ == "dtype") unexpected("a list");
    return go(Place::list);
  }

  bool end_array() override {
    if (field_ == "data_offsets" && offsets_.size() != 2) {
      reject_tensor("data_offsets has ", offsets_.size(), " numbers; need 2, begin and end");
    }
    return go(Place::entry);
  }

  bool string(std::string& text) override {
    if (place_ == Place::metadata) {
      header_.metadata[field_] = text;
      return true;
    }
    if (place_ != Place::entry || field_ != "dtype") unexpected("the string " + quote(text));
    const auto* known = std::ranges::find(kDtypeCodes, text, &DtypeCode::code);
    if (known == std::end(kDtypeCodes)) {
      reject_tensor("dtype ", quote(text), " is not supported; F32, F64, I64 and BOOL are");
    }
    header_.entries.back().dtype = known->dtype;
    return true;
  }

  bool number_unsigned(uint64_t number) override {
    if (place_ != Place::list) unexpected(std::to_string(number));
    if (field_ == "data_offsets") {
      if (offsets_.size() == 2) reject_tensor("data_offsets has more than 2 numbers");
      offsets_.push_back(number);
    } else {
      Shape& shape = header_.entries.back().shape;
      if (shape.rank() == tensor::kMaxRank) {
        reject_tensor("shape has more than ", tensor::kMaxRank, " axes");
      }
      if (number > kMaxAxisSize) unexpected(std::to_string(number));
      shape.push_back(static_cast<int64_t>(number));
    }
    return true;
  }

  bool number_integer(int64_t number) override {  // only those with a minus sign arrive here
    unexpected(number == 0 ? "-0" : std::to_string(number));
  }
  bool number_float(double, const std::string& text) override { unexpected(text.substr(0, 40)); }
  bool boolean(bool value) override { unexpected(value ? "true" : "false"); }
  bool null() override { unexpected("null"); }
  bool binary(json::binary_t&) override { unexpected("binary data"); }
  bool parse_error(size_t position, const std::string&, const json::exception&) override {
    reject(path_, "the header is not valid JSON in UTF-8 at byte ", position);
  }

 private:
  enum class Place { document, names, entry, list, metadata };

  bool go(Place place) {
    place_ = place;
    return true;
  }

  template <class... Parts>
  [[noreturn]] void reject_tensor(const Parts&... parts) const {
    reject(path_, "tensor ", quote(name_), ": ", parts...);
  }

  // Says what should have stood where `what` was found.
  [[noreturn]] void unexpected(const std::string& what) const {
    if (place_ == Place::document) reject(path_, "the header must be a JSON object, got ", what);
    if (place_ == Place::metadata) {
      reject(path_, "metadata ", quote(field_), " must be a string, got ", what);
    }
    if (place_ == Place::names) {
      reject(path_, name_ == kMetadataKey ? "" : "tensor ", quote(name_),
             " must be an object, got ", what);
    }
    if (place_ == Place::list) {
      reject_tensor(field_, " must hold integers from 0 to 2^", field_ == "shape" ? "48" : "64",
                    " - 1, got ", what);
    }
    reject_tensor(field_, field_ == "dtype" ? " must be a string" : " must be a list of integers",
                  ", got ", what);
  }

  void finish_entry() {
    for (const char* field : {"dtype", "shape", "data_offsets"}) {
      if (!fields_.contains(field)) reject_tensor(field, " is missing");
    }
    TensorEntry& entry = header_.entries.back();
    entry.begin = offsets_[0];
    entry.end = offsets_[1];
    const std::string range = str("data_offsets [", entry.begin, ", ", entry.end, "]");
    if (entry.begin > entry.end) reject_tensor(range, " end before they begin");
    if (entry.end > data_bytes_) {
      reject_tensor(range, " reach beyond the file's ", data_bytes_, " bytes of data");
    }
    const auto bytes = byte_count(entry.shape, entry.dtype, data_bytes_);
    if (bytes != entry.end - entry.begin) {
      reject_tensor(dtype_code(entry.dtype), " of shape ", entry.shape, " takes ",
                    bytes ? str(*bytes) : "more than the file's " + str(data_bytes_),
                    " bytes, but ", range, " hold ", entry.end - entry.begin);
    }
  }

  const std::string& path_;
  const uint64_t data_bytes_;
  Place place_ = Place::document;
  std::string name_, field_;              // the latest key of the header, and inside its object
  std::set<std::string> names_, fields_;  // those seen so far
  std::vector<uint64_t> offsets_;
  SafetensorsHeader header_;
};

// Every byte of data belongs to exactly one tensor: a file with holes or a tail can mean two things
// to two programs, and one with overlaps can ask for far more memory than its own size.
void check_layout(const std::string& path, const std::vector<TensorEntry>& entries,
                  uint64_t data_bytes) {
  uint64_t filled = 0;
  for (const TensorEntry& entry : entries) {
    if (entry.begin != filled) {
      reject(path, "tensor ", quote(entry.name), " begins at byte ", entry.begin,
             " of the data, but the tensors before it end at ", filled,
             "; holes and overlaps are not allowed");
    }
    filled = entry.end;
  }
  if (filled != data_bytes) {
    reject(path, data_bytes - filled, " bytes after the last tensor belong to none");
  }
}

}  // namespace

std::string_view dtype_code(Dtype dtype) {
  return std::ranges::find(kDtypeCodes, dtype, &DtypeCode::dtype)->code;
}

std::string quote(std::string_view text) {
  constexpr size_t kMost = 80;
  const std::string shown(text.substr(0, kMost));
  return json(shown).dump(-1, ' ', true, json::error_handler_t::replace) +
         (text.size() > kMost ? "..." : "");
}

std::string name_fault(std::string_view name) {
  const auto is_control = [](char c) { return static_cast<unsigned char>(c) < 32 || c == 127; };
  if (name.empty()) return "a tensor has an empty name";
  if (name.size() > kMaxNameBytes) {
    return str("tensor name ", quote(name), " has ", name.size(), " bytes; at most ", kMaxNameBytes,
               " are allowed");
  }
  if (std::ranges::any_of(name, is_control)) {
    return str("tensor name ", quote(name), " contains a control character");
  }
  return "";
}

SafetensorsHeader parse_header(const std::string& path, std::string_view text,
                               uint64_t data_bytes) {
  // The parser skips a byte order mark, and stops at a zero byte as if it were the end.
  if (text.starts_with("\xEF\xBB\xBF")) reject(path, "the header begins with a byte order mark");
  if (text.find('\0') != text.npos) reject(path, "the header contains a zero byte");

  HeaderReader reader(path, data_bytes);
  json::sax_parse(text.begin(), text.end(), &reader);
  SafetensorsHeader header = reader.take();
  std::ranges::sort(header.entries, {}, [](const TensorEntry& e) {
    return std::tuple<uint64_t, uint64_t, const std::string&>(e.begin, e.end, e.name);
  });
  check_layout(path, header.entries, data_bytes);
  return header;
}

}  // namespace qkv::nn
