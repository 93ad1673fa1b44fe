// Formulas in plain letters become MathML, which browsers set without a script or a font of ours.
//
//   y_i = exp(x_i) / sum_j exp(x_j)    a fraction; the sum has its j beneath
//   a / b / c,  2^(a / b)              a over b times c; in a superscript the line is a slash
//   dA = dO V^T,  Wq,  W1              d and A; superscripts; a subscript without "_"
//   sum_(i, j)  0.5^(8 - t)  m'        the parentheses of a sub- or superscript are not shown
//   |u|  [q; k]  sqrt(D)  <=  ->  *    as one would write them by hand; Greek letters by name
//   softmax(Z), row by row             words that are not mathematics stay words
#pragma once

#include <string>

namespace qkv::examples {

// <math>...</math>, which names the plain formula for those who do not see it. Whatever cannot be
// read as above, parentheses left open for one, is shown as it stands.
[[nodiscard]] std::string math_ml(const std::string& formula);

}  // namespace qkv::examples
