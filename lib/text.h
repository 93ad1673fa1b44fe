// Text for messages: str(a, b, ...) writes its arguments one after the other, fail(a, b, ...)
// throws them. A user's mistake is always reported through fail, as one sentence that names the
// operation, the offending values and the rule. Next: check.h, for mistakes of our own.
#pragma once

#include <sstream>
#include <stdexcept>
#include <string>

namespace qkv::lib {

// The arguments, printed with operator<<, as one string.
template <class... Parts>
[[nodiscard]] std::string str(const Parts&... parts) {
  std::ostringstream out;
  (out << ... << parts);
  return out.str();
}

// Throws std::invalid_argument whose message is str(parts...).
template <class... Parts>
[[noreturn]] void fail(const Parts&... parts) {
  throw std::invalid_argument(str(parts...));
}

}  // namespace qkv::lib
