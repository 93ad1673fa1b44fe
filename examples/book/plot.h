// A table of numbers as a chart of lines, above the table itself.
#pragma once

#include <string>

#include "examples/book/blocks.h"

namespace qkv::examples {

// The chart is an image inside of the page, a data: address, so that its style stays its own.
[[nodiscard]] std::string plot_figure(const Block& plot);

}  // namespace qkv::examples
