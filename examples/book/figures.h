// Figures of the page, from the numbers of blocks: maps as SVG, matrices and tables as HTML.
#pragma once

#include <string>
#include <vector>

#include "examples/book/blocks.h"

namespace qkv::examples {

// An attention map: a square for each weight, the heavier the darker, the sum of each row beside
// it, and beneath the same numbers as a table that opens. The script of the page finds it by its
// id; with `explained`, a cell can also be opened for how its weight comes about.
[[nodiscard]] std::string map_figure(const Block& map, const std::string& id, bool explained);

// "name = formula (3, 2)" and the numbers; of more than two axes, matrix after matrix.
[[nodiscard]] std::string matrix_table(const Block& show);

// The first row are the headings.
[[nodiscard]] std::string rows_table(const Block& table);

// softmax of five scores with a slider, for one of:
//   temperature   softmax(scores / temperature)
//   width         scores grow by sqrt(d); softmax of them with and without 1/sqrt(d)
[[nodiscard]] std::string slider_figure(const std::string& kind, const std::vector<double>& scores);

}  // namespace qkv::examples
