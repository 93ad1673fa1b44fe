// Text for the page: made harmless whatever it holds, and C++ in three colours.
#pragma once

#include <map>
#include <set>
#include <string>
#include <vector>

namespace qkv::examples {

// A sentence: & < > and quotes are escaped, `code` between backquotes is set as code, and words in
// scripts that are written from right to left cannot reorder what stands around them.
[[nodiscard]] std::string html_sentence(const std::string& text);

// A text that stands for itself, a token or a cell of a table: escaped, isolated as a whole.
[[nodiscard]] std::string html_label(const std::string& text);

// C++: comments, strings, keywords and lines of the preprocessor are marked.
[[nodiscard]] std::string html_cpp(const std::string& source);

// A chapter's sources, cut before the first comment "// n. ..." for each n of `sections`. Piece n
// belongs to section n; piece 0 is what comes before them, of all sources.
[[nodiscard]] std::map<int, std::string> source_pieces(const std::vector<std::string>& sources,
                                                       std::set<int> sections);

}  // namespace qkv::examples
