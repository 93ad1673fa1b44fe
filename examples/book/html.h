// Text for the page: made harmless whatever it holds, and C++ in three colours.
#pragma once

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

// A chapter's source, cut before its comments "// 1. ...", "// 2. ...": those whose numbers follow
// one another. The first piece is what comes before them all; piece n belongs to section n.
[[nodiscard]] std::vector<std::string> source_pieces(const std::string& source);

}  // namespace qkv::examples
