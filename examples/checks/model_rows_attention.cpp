// Rows of the gradient check: attention of every kind. Outputs and weights both receive gradients.
#include <memory>
#include <optional>

#include "autograd/ops.h"
#include "examples/checks/model_row.h"
#include "examples/checks/model_rows.h"
#include "nn/local_attention.h"
#include "nn/positions.h"

namespace qkv::examples {
namespace {

using nn::Mask;
using Rows = std::vector<OpCase>;

// B = 2, two queries, four keys; the last two keys of the second sequence are padding, or all four.
template <class Make>
void score_rows(Rows& rows, const std::string& name, const Make& make) {
  const Data data = data_of({{2, 2, 3}, {2, 4, 3}, {2, 4, 2}});
  const auto add = [&](std::string variant, const Mask& mask) {
    rows.push_back(model_row(name, std::move(variant), data, make,
                             [mask](const nn::Attention& module, const std::vector<Variable>& in) {
                               const auto [output, weights] =
                                   module.forward(in[0], in[1], in[2], mask);
                               return joined({output, weights});
                             }));
  };
  add("no mask", {});
  add("padding", Mask::padding({4, 2}, 4));
  add("nothing but padding", Mask::padding({4, 0}, 4));
}

void multi_head_rows(Rows& rows) {
  const auto make = maker<nn::MultiHeadAttention>(int64_t{4}, int64_t{2});
  const auto self = [&](std::string variant, const Mask& mask, bool need_weights) {
    rows.push_back(model_row(
        "multi_head_attention", std::move(variant), data_of({{2, 3, 4}}), make,
        [=](const nn::MultiHeadAttention& module, const std::vector<Variable>& in) {
          const auto [output, weights] = module.forward(in[0], in[0], in[0], mask, need_weights);
          return need_weights ? joined({output, weights}) : output;
        }));
  };
  self("self", {}, true);
  self("self, causal", Mask::causal(3), true);
  self("self, padding", Mask::padding({3, 1}, 3), true);
  self("self, causal and padding, fused", Mask::causal(3) & Mask::padding({3, 1}, 3), false);
  rows.push_back(
      model_row("multi_head_attention", "cross, padding", data_of({{2, 2, 4}, {2, 3, 4}}), make,
                [](const nn::MultiHeadAttention& module, const std::vector<Variable>& in) {
                  const auto [output, weights] =
                      module.forward(in[0], in[1], in[1], Mask::padding({2, 0}, 3));
                  return joined({output, weights});
                }));
}

// Two heads of queries on one of keys and values, positions inside attention, other weights.
void multi_head_option_rows(Rows& rows) {
  const auto self = [&](std::string variant, nn::MultiHeadOptions options, const Mask& mask,
                        bool need_weights) {
    const auto make = [options] {
      lib::Generator generator(5);
      return std::make_unique<nn::MultiHeadAttention>(4, 2, generator, options);
    };
    rows.push_back(model_row(
        "multi_head_attention", std::move(variant), data_of({{2, 3, 4}}), make,
        [=](const nn::MultiHeadAttention& module, const std::vector<Variable>& in) {
          const auto [output, weights] = module.forward(in[0], in[0], in[0], mask, need_weights);
          return need_weights ? joined({output, weights}) : output;
        }));
  };
  const nn::MultiHeadOptions rotary = {.positions = nn::Positions::rotary};
  const nn::MultiHeadOptions alibi = {.kv_heads = 1, .positions = nn::Positions::alibi};
  self("one head of keys and values", {.kv_heads = 1}, {}, true);
  self("rotary, band", rotary, Mask::band(3, 3, 2), true);
  self("alibi", alibi, {}, true);
  self("alibi, causal, fused", alibi, Mask::causal(3), false);
  self("soft cap", {.variation = nn::Variation::soft_cap}, {}, true);
  self("sink, causal", {.variation = nn::Variation::sink}, Mask::causal(3), true);
  self("kernel, padding", {.variation = nn::Variation::kernel}, Mask::padding({3, 1}, 3), true);
  self("linear, one head of keys and values, causal",
       {.kv_heads = 1, .variation = nn::Variation::linear}, Mask::causal(3), true);
}

// Queries and keys turned by their positions: no parameters, so the data is all there is.
void rotary_rows(Rows& rows) {
  const auto row = [&](std::string variant, std::optional<double> scale) {
    rows.push_back({"rotary_attention", std::move(variant),
                    [](lib::Generator&) {
                      return data_of({{2, 5, 4}, {2, 5, 4}, {2, 5, 2}});
                    },
                    [scale](const std::vector<Variable>& in) {
                      const auto [output, weights] = nn::scaled_dot_product_attention(
                          nn::rotary_embedding(in[0]), nn::rotary_embedding(in[1]), in[2],
                          Mask::causal(5), true, scale);
                      return joined({output, weights});
                    }});
  };
  row("causal", {});
  row("causal, a scale", 0.7);
}

}  // namespace

void attention_model_rows(Rows& rows) {
  const int64_t width = 3, hidden = 4;
  score_rows(rows, "dot_attention", [] { return std::make_unique<nn::DotAttention>(); });
  score_rows(rows, "scaled_dot_attention",
             [] { return std::make_unique<nn::ScaledDotAttention>(); });
  score_rows(rows, "general_attention", maker<nn::GeneralAttention>(width, width));
  score_rows(rows, "concat_attention", maker<nn::ConcatAttention>(width, width, hidden));
  score_rows(rows, "additive_attention", maker<nn::AdditiveAttention>(width, width, hidden));
  const int64_t window = 1;
  score_rows(rows, "local_attention", maker<nn::LocalAttention>(width, width, hidden, window));
  multi_head_rows(rows);
  multi_head_option_rows(rows);
  rotary_rows(rows);
}

}  // namespace qkv::examples
