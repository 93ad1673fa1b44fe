// The last part of the book, examples/seeds.md: which statement of the two documents that the book
// grew from has its place where. What it quotes from a section must stand there.
#pragma once

#include <string>
#include <vector>

#include "examples/book/blocks.h"

namespace qkv::examples {

// The part as HTML, with links to the sections. `markdown` has a title (#), headings (##),
// paragraphs of one line, and tables of five columns:
//
//   | seed | statement | chapter | what the book says | note |
//   | first | Weights sum to 1. | 5.2, 8.5 | positive numbers that add up to 1 | |
//
// Throws std::invalid_argument, naming the row, if a section does not exist, or the first one does
// not say what is quoted from it (whitespace aside), or a row has not five columns.
[[nodiscard]] std::string seeds_html(const std::string& markdown,
                                     const std::vector<Chapter>& chapters);

}  // namespace qkv::examples
