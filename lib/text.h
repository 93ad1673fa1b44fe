// Text for messages: str(a, b, ...) writes its arguments one after the other, fail(a, b, ...)
// throws them. A user's mistake is always reported through fail, as one sentence that names the
// operation, the offending values and the rule. Below: text made harmless, and put into columns.
// Next: check.h, for mistakes of our own.
#pragma once

#include <algorithm>
#include <cstdint>
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

// Is it UTF-8, of characters that an XML document may hold? (No control characters but tab, line
// feed and carriage return; no surrogates, no U+FFFE and U+FFFF, nothing written longer than need
// be.)
[[nodiscard]] inline bool is_xml_utf8(const std::string& text) {
  const auto byte = [&](size_t i) { return static_cast<unsigned char>(text[i]); };
  for (size_t i = 0; i < text.size();) {
    const uint32_t lead = byte(i);
    if (lead < 0x20 && lead != '\t' && lead != '\n' && lead != '\r') return false;
    const size_t more = lead < 0x80 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
    if ((lead >= 0x80 && lead < 0xc2) || lead > 0xf4 || more >= text.size() - i) return false;
    uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
    for (size_t k = 1; k <= more; ++k) {
      if ((byte(i + k) & 0xc0) != 0x80) return false;
      code = code << 6 | (byte(i + k) & 0x3fu);
    }
    if (more == 2 && (code < 0x800 || (code >= 0xd800 && code < 0xe000) || code >= 0xfffe)) {
      return false;
    }
    if (more == 3 && (code < 0x10000 || code > 0x10ffff)) return false;
    i += more + 1;
  }
  return true;
}

// Text for the inside of an XML element, or of an attribute in double quotes. What no document may
// hold is escaped() first.
[[nodiscard]] inline std::string xml_escaped(const std::string& text) {
  std::string safe;
  for (const char character : is_xml_utf8(text) ? text : escaped(text)) {
    switch (character) {
      case '&':
        safe += "&amp;";
        break;
      case '<':
        safe += "&lt;";
        break;
      case '>':
        safe += "&gt;";
        break;
      case '"':
        safe += "&quot;";
        break;
      default:
        safe += character;
    }
  }
  return safe;
}

// How many characters of UTF-8: of the bytes of one, all but the first are 10xxxxxx.
[[nodiscard]] inline size_t columns_of(const std::string& text) {
  return static_cast<size_t>(
      std::count_if(text.begin(), text.end(), [](char c) { return (c & 0xc0) != 0x80; }));
}

// The text with spaces behind it, or before it, up to so many characters.
[[nodiscard]] inline std::string left(const std::string& text, size_t width) {
  return text + std::string(std::max(width, columns_of(text)) - columns_of(text), ' ');
}
[[nodiscard]] inline std::string right(const std::string& text, size_t width) {
  return std::string(std::max(width, columns_of(text)) - columns_of(text), ' ') + text;
}

}  // namespace qkv::lib
