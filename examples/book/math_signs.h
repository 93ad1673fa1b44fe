// What formulas are made of: their letters and signs in Unicode, and elements of MathML. Read next:
// math.cpp, which reads formulas.
#pragma once

#include <map>
#include <string>
#include <utility>
#include <vector>

#include "lib/text.h"

namespace qkv::examples {

inline const std::map<std::string, std::string> kGreek = {
    {"alpha", "α"},   {"beta", "β"}, {"gamma", "γ"}, {"delta", "δ"},
    {"epsilon", "ε"}, {"eps", "ε"},  {"theta", "θ"}, {"lambda", "λ"},
    {"mu", "μ"},      {"pi", "π"},   {"rho", "ρ"},   {"sigma", "σ"},
    {"tau", "τ"},     {"phi", "φ"},  {"omega", "ω"}, {"Delta", "Δ"}};

// Signs between factors, the longest first where one begins another.
inline const std::vector<std::pair<std::string, std::string>> kSigns = {
    {"...", "…"},  {"<=", "≤"}, {">=", "≥"}, {"!=", "≠"}, {"<-", "←"}, {"->", "→"},
    {"=", "="},    {"+", "+"},  {"-", "−"},  {"*", "·"},  {".", "⋅"},  {"<", "&lt;"},
    {">", "&gt;"}, {"~", "∼"},  {",", ","},  {";", ";"},  {":", ":"}};

[[nodiscard]] inline bool is_letter(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
[[nodiscard]] inline bool is_upper(char c) { return c >= 'A' && c <= 'Z'; }
[[nodiscard]] inline bool is_digit(char c) { return c >= '0' && c <= '9'; }

[[nodiscard]] inline std::string tag(const std::string& name, const std::string& inside) {
  return "<" + name + ">" + inside + "</" + name + ">";
}
[[nodiscard]] inline std::string row(const std::string& inside) { return tag("mrow", inside); }

[[nodiscard]] inline std::string space(const std::string& width) {
  return "<mspace width=\"" + width + "\"/>";
}

// As an identifier, which several letters make upright: around <mtext> signs have no space of their
// own.
[[nodiscard]] inline std::string words(const std::string& text) {
  return tag(lib::columns_of(text) > 1 ? "mi" : "mtext", lib::xml_escaped(text));
}

// Brackets grow around a fraction only.
[[nodiscard]] inline std::string in_brackets(const std::string& open, const std::string& inside,
                                             const std::string& close) {
  const bool tall = inside.find("<mfrac") != std::string::npos;
  const std::string sign = tall ? "<mo>" : "<mo stretchy=\"false\">";
  return row(sign + open + "</mo>" + inside + sign + close + "</mo>");
}

[[nodiscard]] inline std::string scripted(const std::string& base, const std::string& below,
                                          const std::string& above) {
  if (below.empty() && above.empty()) return base;
  if (above.empty()) return tag("msub", row(base) + row(below));
  if (below.empty()) return tag("msup", row(base) + row(above));
  return tag("msubsup", row(base) + row(below) + row(above));
}

// Words at `place` and a letter `beyond` it are kept apart; signs bring their own space.
[[nodiscard]] inline bool needs_space(const std::string& text, size_t place, size_t beyond) {
  if (place >= text.size() || text[place] != ' ' || beyond >= text.size()) return false;
  const bool is_negative = text.compare(beyond, 1, "-") == 0 && text.compare(beyond, 2, "- ") != 0;
  return is_negative || std::string("=+-*/<>|").find(text[beyond]) == std::string::npos;
}

}  // namespace qkv::examples
