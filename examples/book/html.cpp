#include "examples/book/html.h"

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <set>
#include <sstream>

#include "lib/text.h"

namespace qkv::examples {
namespace {

using lib::xml_escaped;

// ---- from right to left -------------------------------------------------------------------------

// The character of UTF-8 that begins at `at`, which moves behind it.
uint32_t next_character(const std::string& text, size_t& at) {
  const auto lead = static_cast<unsigned char>(text[at++]);
  const int more = lead < 0xc0 ? 0 : lead < 0xe0 ? 1 : lead < 0xf0 ? 2 : 3;
  uint32_t code = more == 0 ? lead : lead & (0x3fu >> more);
  for (int k = 0; k < more && at < text.size(); ++k) {
    code = code << 6 | (static_cast<unsigned char>(text[at++]) & 0x3fu);
  }
  return code;
}

// Hebrew, Arabic and their neighbours, and the invisible signs that turn a line around.
bool turns_the_line(uint32_t c) {
  return (c >= 0x590 && c <= 0x8ff) || (c >= 0xfb1d && c <= 0xfdff) ||
         (c >= 0xfe70 && c <= 0xfeff) || (c >= 0x10800 && c <= 0x10fff) ||
         (c >= 0x1e800 && c <= 0x1efff) || c == 0x200e || c == 0x200f ||
         (c >= 0x202a && c <= 0x202e) || (c >= 0x2066 && c <= 0x2069);
}

bool turns_the_line(const std::string& text) {
  for (size_t at = 0; at < text.size();) {
    if (turns_the_line(next_character(text, at))) return true;
  }
  return false;
}

// Escaped; a line that could reorder its surroundings is isolated from them.
std::string isolated_lines(const std::string& text) {
  if (!turns_the_line(text)) return xml_escaped(text);
  std::istringstream lines(text);
  std::string all;
  for (std::string line; std::getline(lines, line);) {
    const std::string safe = xml_escaped(line);
    all += turns_the_line(line) ? "<bdi>" + safe + "</bdi>" : safe;
    if (!lines.eof()) all += '\n';
  }
  return all;
}

// ---- C++ ----------------------------------------------------------------------------------------

const std::set<std::string> kKeywords = {
    "auto",    "bool",      "break",       "case",     "catch",     "char",     "class",
    "const",   "constexpr", "continue",    "default",  "delete",    "do",       "double",
    "else",    "enum",      "explicit",    "false",    "float",     "for",      "friend",
    "if",      "inline",    "int",         "int64_t",  "namespace", "new",      "noexcept",
    "nullptr", "operator",  "override",    "private",  "public",    "return",   "size_t",
    "sizeof",  "static",    "static_cast", "struct",   "switch",    "template", "this",
    "throw",   "true",      "try",         "typename", "uint64_t",  "unsigned", "using",
    "virtual", "void",      "while"};

bool is_word(char c) {
  return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '_';
}

// Where the string, character or raw string that begins at `at` ends.
size_t end_of_quoted(const std::string& source, size_t at) {
  if (source[at] == 'R') {
    const size_t open = source.find('(', at);
    if (open == std::string::npos) return source.size();
    const std::string close = ")" + source.substr(at + 2, open - at - 2) + "\"";
    const size_t end = source.find(close, open);
    return end == std::string::npos ? source.size() : end + close.size();
  }
  size_t end = at + 1;
  while (end < source.size() && source[end] != source[at] && source[end] != '\n') {
    end += source[end] == '\\' ? 2 : 1;
  }
  return std::min(end + 1, source.size());
}

std::string marked(const char* kind, const std::string& text) {
  return std::string("<span class=\"") + kind + "\">" + isolated_lines(text) + "</span>";
}

// ---- pieces -------------------------------------------------------------------------------------

// Cuts off the head of a function, "void scores() {", if the piece ends with one.
std::string take_head(std::string& piece) {
  const size_t gap = piece.rfind("\n\n");
  const size_t begin = gap == std::string::npos ? 0 : gap + 2;
  const std::string head = piece.substr(begin);
  const bool is_head = head.ends_with(") {\n") && head.find('{') == head.size() - 2 &&
                       head[0] != ' ' && head[0] != '#';
  if (is_head) piece.resize(begin);
  return is_head ? head : "";
}

}  // namespace

std::string html_sentence(const std::string& text) {
  std::string all, word;
  bool code = false;
  const auto flush = [&] {
    all += turns_the_line(word) ? "<bdi>" + xml_escaped(word) + "</bdi>" : xml_escaped(word);
    word.clear();
  };
  size_t quotes = 0;
  for (const char c : text) quotes += c == '`';
  for (const char c : text) {
    if (c == '`' && (code || quotes > 1)) {
      flush();
      all += code ? "</code>" : "<code>";
      code = !code;
      quotes -= 1;
    } else if (c == ' ' || c == '\n') {
      flush();
      all += c;
    } else {
      word += c;
    }
  }
  flush();
  return all + (code ? "</code>" : "");
}

std::string html_label(const std::string& text) { return "<bdi>" + xml_escaped(text) + "</bdi>"; }

std::string html_cpp(const std::string& source) {
  std::string all, plain;
  const auto mark = [&](const char* kind, size_t& at, size_t end) {
    all += isolated_lines(plain);
    plain.clear();
    all += marked(kind, source.substr(at, end - at));
    at = end;
  };
  bool line_begins = true;
  for (size_t at = 0; at < source.size();) {
    const char c = source[at];
    const size_t line_end = std::min(source.find('\n', at), source.size());
    if (c == '#' && line_begins) {
      mark("p", at, line_end);
    } else if (source.compare(at, 2, "//") == 0) {
      mark("c", at, line_end);
    } else if (c == '"' || c == '\'' || source.compare(at, 2, "R\"") == 0) {
      mark("s", at, end_of_quoted(source, at));
    } else if (is_word(c)) {
      size_t end = at;  // 1'000'000 is one word
      const bool number = c >= '0' && c <= '9';
      while (end < source.size() && (is_word(source[end]) || (number && source[end] == '\'')))
        ++end;
      if (kKeywords.contains(source.substr(at, end - at))) {
        mark("k", at, end);
      } else {
        plain += source.substr(at, end - at);
        at = end;
      }
    } else {
      plain += c;
      ++at;
    }
    line_begins = c == '\n' || (line_begins && c == ' ');
  }
  return all + isolated_lines(plain);
}

std::map<int, std::string> source_pieces(const std::vector<std::string>& sources,
                                         std::set<int> sections) {
  std::map<int, std::string> pieces = {{0, ""}};
  for (const std::string& source : sources) {
    if (!pieces[0].empty()) pieces[0] += "\n";
    std::istringstream lines(source);
    int at = 0;
    for (std::string line; std::getline(lines, line);) {
      int number = 0, end = 0;
      if (std::sscanf(line.c_str(), " // %d. %n", &number, &end) == 1 && end > 0 &&
          sections.erase(number) > 0) {
        if (line[0] == ' ') pieces[number] = take_head(pieces[at]);
        at = number;
      }
      pieces[at] += line + "\n";
    }
  }
  for (auto& [number, piece] : pieces) {
    const size_t last = piece.find_last_not_of('\n');
    piece.resize(last == std::string::npos ? 0 : last + 1);
  }
  return pieces;
}

}  // namespace qkv::examples
