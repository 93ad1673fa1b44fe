// CHECK(a == b) states what must be true if our own code is right. When it is not, it throws a
// CheckError that shows the expression *and its values*: "CHECK(n == m) failed: 3 == 4".
// DCHECK is the same in Debug builds and tests (QKV_DCHECK), and costs nothing elsewhere.
// Users' mistakes go through fail() of text.h. Include this file from .cpp files only: the
// test runner has a CHECK of its own.
#pragma once

#include "lib/text.h"

namespace qkv::lib {

// Thrown when a CHECK does not hold: a bug of this library, never the caller's.
struct CheckError : std::logic_error {
  using std::logic_error::logic_error;
};

// The left side of a comparison, caught before it is compared: `Catch() <=> a == b` parses as
// `(Catch() <=> a) == b`, because <=> binds tighter than the comparisons, so both values are at
// hand if the comparison turns out false.
struct Comparison {
  bool holds;
  std::string values;
};

template <class L>
struct Left {
  const L& left;
  template <class R>
  Comparison compare(bool holds, const char* op, const R& right) const {
    return {holds, holds ? std::string() : str(left, " ", op, " ", right)};
  }
  template <class R>
  Comparison operator==(const R& right) const {
    return compare(left == right, "==", right);
  }
  template <class R>
  Comparison operator!=(const R& right) const {
    return compare(left != right, "!=", right);
  }
  template <class R>
  Comparison operator<(const R& right) const {
    return compare(left < right, "<", right);
  }
  template <class R>
  Comparison operator<=(const R& right) const {
    return compare(left <= right, "<=", right);
  }
  template <class R>
  Comparison operator>(const R& right) const {
    return compare(left > right, ">", right);
  }
  template <class R>
  Comparison operator>=(const R& right) const {
    return compare(left >= right, ">=", right);
  }
  operator Comparison() const { return {static_cast<bool>(left), left ? "" : str(left)}; }
};

struct Catch {
  template <class L>
  Left<L> operator<=>(const L& left) const {
    return {left};
  }
};

inline void check(const Comparison& c, const char* expression, const char* file, int line) {
  if (!c.holds) {
    throw CheckError(str(file, ":", line, ": CHECK(", expression, ") failed: ", c.values));
  }
}

}  // namespace qkv::lib

#define CHECK(...) \
  ::qkv::lib::check(::qkv::lib::Catch() <=> __VA_ARGS__, #__VA_ARGS__, __FILE__, __LINE__)

#if defined(QKV_DCHECK)
#define DCHECK(...) CHECK(__VA_ARGS__)
#else
#define DCHECK(...) static_cast<void>(sizeof(::qkv::lib::Catch() <=> __VA_ARGS__))
#endif
