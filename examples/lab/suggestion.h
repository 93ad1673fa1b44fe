// What to say to a word that is not known: the nearest one that is.
#pragma once

#include <string>
#include <vector>

namespace qkv::examples {

// "; did you mean 'reverse'?" for the known word nearest to this one (by edit distance), or, if
// none is near, "; known: copy, reverse".
[[nodiscard]] std::string did_you_mean(const std::string& word,
                                       const std::vector<std::string>& known);

}  // namespace qkv::examples
