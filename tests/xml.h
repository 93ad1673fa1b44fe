// Looking at XML text: is it well formed, and how often is something in it? (graph_svg, charts.)
#pragma once

#include <string>
#include <vector>

#include "lib/text.h"

namespace qkv::tests {

inline int count(const std::string& text, const std::string& part) {
  int n = 0;
  for (size_t at = text.find(part); at != std::string::npos; at = text.find(part, at + 1)) n += 1;
  return n;
}

// The first thing that is wrong with the text as XML, "" if nothing is: tags close in order,
// attributes are quoted, & and < are escaped, and every character is one that XML allows.
inline std::string xml_fault(const std::string& text) {
  if (!lib::is_xml_utf8(text)) return "a character that XML does not know";
  std::vector<std::string> open;
  for (size_t i = 0; i < text.size(); ++i) {
    const char c = text[i];
    if (c == '&') {
      const std::string entity = text.substr(i, text.find(';', i) + 1 - i);
      const std::string known = "&amp; &lt; &gt; &quot; &#39;";
      if (known.find(entity) == std::string::npos) return "entity " + entity.substr(0, 9);
    }
    if (c == '>') return "a loose >";
    if (c != '<') continue;
    size_t end = i + 1;
    for (bool quoted = false; end < text.size() && (quoted || text[end] != '>'); ++end) {
      if (text[end] == '"') quoted = !quoted;
      if (text[end] == '<') return "< inside a tag: " + text.substr(i, end - i);
    }
    if (end == text.size()) return "an open tag at the end";
    const std::string tag = text.substr(i + 1, end - i - 1);
    const std::string name = tag.substr(0, tag.find_first_of(" /", 1));
    if (tag[0] == '/') {
      if (open.empty() || "/" + open.back() != tag) return "unexpected " + tag;
      open.pop_back();
    } else if (tag.back() != '/') {
      open.push_back(name);
    }
    i = end;
  }
  return open.empty() ? "" : "open: " + open.back();
}

}  // namespace qkv::tests
