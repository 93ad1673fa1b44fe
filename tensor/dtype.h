// The four element types, and the one place where a runtime dtype becomes a C++ type.
#pragma once

#include <cstddef>
#include <cstdint>
#include <iosfwd>
#include <string_view>

#include "lib/text.h"

namespace qkv::tensor {

enum class Dtype { float32, float64, int64, boolean };

[[nodiscard]] std::string_view dtype_name(Dtype dtype);  // "float32", "float64", "int64", "bool"
[[nodiscard]] size_t dtype_size(Dtype dtype);            // bytes per element
[[nodiscard]] inline bool is_floating(Dtype d) {
  return d == Dtype::float32 || d == Dtype::float64;
}

std::ostream& operator<<(std::ostream& out, Dtype dtype);

template <class T>
constexpr Dtype dtype_of();
template <>
constexpr Dtype dtype_of<float>() {
  return Dtype::float32;
}
template <>
constexpr Dtype dtype_of<double>() {
  return Dtype::float64;
}
template <>
constexpr Dtype dtype_of<int64_t>() {
  return Dtype::int64;
}
template <>
constexpr Dtype dtype_of<bool>() {
  return Dtype::boolean;
}

// Calls body(T()) with the C++ type of `dtype`: dispatch(d, [&]<class T>(T) { ... });
template <class Body>
decltype(auto) dispatch(Dtype dtype, const Body& body) {
  switch (dtype) {
    case Dtype::float32:
      return body(float());
    case Dtype::float64:
      return body(double());
    case Dtype::int64:
      return body(int64_t());
    case Dtype::boolean:
      break;
  }
  return body(bool());
}

// The same for the floating types. Throws std::invalid_argument, naming `op`, for the others.
template <class Body>
decltype(auto) dispatch_floating(const char* op, Dtype dtype, const Body& body) {
  if (!is_floating(dtype)) {
    lib::fail(op, ": needs float32 or float64, got ", dtype_name(dtype));
  }
  return dtype == Dtype::float32 ? body(float()) : body(double());
}

}  // namespace qkv::tensor
