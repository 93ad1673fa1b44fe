// The book as one page: chapters with their sources beside what they say, and with them all that
// the page needs. Nothing in it is fetched from anywhere.
#pragma once

#include <string>
#include <vector>

#include "examples/book/blocks.h"

namespace qkv::examples {

// `seeds` is the last part, HTML of seeds.h. `style` is page.css and `script` page.js; both become
// part of the page. The script finds the numbers of all maps in
// <script type="application/json" id="numbers">:
//
//   {"maps": {"map-8-1": {"queries": [...], "keys": [...], "numbers": [...],
//                         "q": [...], "k": [...], "d": 2}},      only where they give these weights
//    "sliders": {"temperature": [five scores], "width": [five scores]}}
[[nodiscard]] std::string book_html(const std::vector<Chapter>& chapters, const std::string& seeds,
                                    const std::string& style, const std::string& script);

}  // namespace qkv::examples
