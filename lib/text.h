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

// Text from outside, made harmless for terminals and files: what is not printable ASCII becomes
// \x1b, and a backslash two.
[[nodiscard]] inline std::string escaped(const std::string& text) {
  constexpr char kDigits[] = "0123456789abcdef";
  std::string safe;
  for (const char character : text) {
    const auto byte = static_cast<unsigned char>(character);
    if (byte < 0x20 || byte > 0x7e) {
      safe += {'\\', 'x', kDigits[byte / 16], kDigits[byte % 16]};
    } else if (character == '\\') {
      safe += "\\\\";
    } else {
      safe += character;
    }
  }
  return safe;
}

}  // namespace qkv::lib
