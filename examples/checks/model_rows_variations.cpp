// Rows of the gradient check: the variations of attention, with masks of every kind. Outputs and
// weights both receive gradients. There are no parameters but the sink's: the data is all.
#include "autograd/ops.h"
#include "examples/checks/model_row.h"
#include "examples/checks/model_rows.h"
#include "nn/linear_attention.h"
#include "nn/variations.h"

namespace qkv::examples {
namespace {

using nn::AttentionOutput;
using nn::Mask;
using Rows = std::vector<OpCase>;
using In = const std::vector<Variable>&;
using Attend = std::function<AttentionOutput(In in, const Mask& mask)>;

void add(Rows& rows, const std::string& name, std::string variant,
         const std::vector<tensor::Shape>& shapes, const Mask& mask, const Attend& attend) {
  rows.push_back({name, std::move(variant), [shapes](lib::Generator&) { return data_of(shapes); },
                  [attend, mask](In in) {
                    const auto [output, weights] = attend(in, mask);
                    return weights.defined() ? joined({output, weights}) : output;
                  }});
}

// B = 2, H = 2, three queries, four keys: without a mask; causal and padded; and with a query that
// may look nowhere.
void with_every_mask(Rows& rows, const std::string& name, const Attend& attend,
                     const std::vector<tensor::Shape>& more = {}) {
  std::vector<tensor::Shape> shapes = {{2, 2, 3, 2}, {2, 2, 4, 2}, {2, 2, 4, 3}};
  shapes.insert(shapes.end(), more.begin(), more.end());
  add(rows, name, "no mask", shapes, {}, attend);
  add(rows, name, "causal, padding", shapes, Mask::causal(3, 4) & Mask::padding({4, 2}, 4), attend);
  add(rows, name, "a query without keys", shapes, Mask::window(3, 4, 2) & Mask::padding({4, 1}, 4),
      attend);
}

void grouped_rows(Rows& rows) {
  for (const bool need_weights : {true, false}) {
    const Attend attend = [=](In in, const Mask& mask) {
      return nn::grouped_query_attention(in[0], in[1], in[2], mask, need_weights);
    };
    const std::string fused = need_weights ? "" : ", fused";
    add(rows, "grouped_query_attention", "2 groups of 2" + fused,
        {{2, 4, 3, 2}, {2, 2, 3, 2}, {2, 2, 3, 2}}, Mask::causal(3), attend);
    add(rows, "grouped_query_attention", "multi-query, padding" + fused,
        {{2, 3, 3, 2}, {2, 1, 4, 2}, {2, 1, 4, 2}}, Mask::padding({4, 0}, 4), attend);
  }
}

void window_rows(Rows& rows) {
  const std::vector<tensor::Shape> shapes = {{2, 2, 4, 2}, {2, 2, 5, 2}, {2, 2, 5, 3}};
  for (const bool need_weights : {true, false}) {
    const Attend attend = [=](In in, const Mask& mask) {
      return nn::scaled_dot_product_attention(in[0], in[1], in[2], mask, need_weights);
    };
    const std::string fused = need_weights ? "" : ", fused";
    add(rows, "window_attention", "2 keys" + fused, shapes, Mask::window(4, 5, 2), attend);
    add(rows, "window_attention", "2 keys and a sink, padding" + fused, shapes,
        Mask::window(4, 5, 2, 1) & Mask::padding({5, 3}, 5), attend);
  }
}

void linear_rows(Rows& rows) {
  const std::vector<tensor::Shape> shapes = {{2, 2, 3, 2}, {2, 2, 4, 2}, {2, 2, 4, 3}};
  with_every_mask(rows, "linear_attention", [](In in, const Mask& mask) {
    return nn::linear_attention(in[0], in[1], in[2], mask);
  });
  const Attend sums = [](In in, const Mask& mask) {
    return nn::linear_attention(in[0], in[1], in[2], mask, false);
  };
  add(rows, "linear_attention", "sums", shapes, {}, sums);
  add(rows, "linear_attention", "sums, causal", shapes, Mask::causal(3, 4), sums);
  add(rows, "linear_attention", "sums, causal, padding", shapes,
      Mask::causal(3, 4) & Mask::padding({3, 0}, 4), sums);
}

}  // namespace

void variation_model_rows(Rows& rows) {
  grouped_rows(rows);
  window_rows(rows);
  with_every_mask(rows, "soft_capped_attention", [](In in, const Mask& mask) {
    return nn::soft_capped_attention(in[0], in[1], in[2], 0.8, mask);
  });
  with_every_mask(
      rows, "sink_attention",
      [](In in, const Mask& mask) { return nn::sink_attention(in[0], in[1], in[2], in[3], mask); },
      {{2}});
  with_every_mask(rows, "hard_attention", [](In in, const Mask& mask) {
    return nn::hard_attention(in[0], in[1], in[2], mask);
  });
  with_every_mask(rows, "kernel_attention", [](In in, const Mask& mask) {
    return nn::kernel_attention(in[0], in[1], in[2], 0.9, mask);
  });
  linear_rows(rows);
}

}  // namespace qkv::examples
