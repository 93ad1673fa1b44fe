// The strongest links of a map, and the alignment error rate.
#include "examples/lab/alignment.h"

#include <algorithm>

#include "lib/text.h"

namespace qkv::examples {

std::vector<Link> strongest_links(const tensor::Tensor& weights, int64_t targets, int64_t sources) {
  const bool fits = weights.rank() == 2 && tensor::is_floating(weights.dtype()) && targets >= 0 &&
                    sources >= 1 && targets <= weights.shape()[0] && sources <= weights.shape()[1];
  if (!fits) {
    lib::fail("strongest_links: weights ", weights.shape().str(), ", ", targets, " targets, ",
              sources,
              " sources; need a floating matrix with that many rows and "
              "columns, and at least one column");
  }
  std::vector<Link> links;
  for (int64_t t = 0; t < targets; ++t) {
    Link strongest{.target = t, .source = 0};
    for (int64_t s = 1; s < sources; ++s) {
      if (weights.at({t, s}) > weights.at({t, strongest.source})) strongest.source = s;
    }
    links.push_back(strongest);
  }
  return links;
}

double alignment_error_rate(const std::vector<std::vector<Link>>& found,
                            const std::vector<std::vector<Link>>& gold) {
  if (found.size() != gold.size()) {
    lib::fail("alignment_error_rate: links of ", found.size(), " phrases, gold links of ",
              gold.size(), "; need equally many");
  }
  int64_t right = 0;  // |A ∩ S|
  size_t all = 0;     // |A| + |S|
  for (size_t i = 0; i < found.size(); ++i) {
    for (const Link& link : found[i]) right += std::count(gold[i].begin(), gold[i].end(), link);
    all += found[i].size() + gold[i].size();
  }
  if (all == 0) lib::fail("alignment_error_rate: no links; need at least one");
  return 1 - 2 * static_cast<double>(right) / static_cast<double>(all);
}

}  // namespace qkv::examples
