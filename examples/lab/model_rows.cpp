// Whole models as rows of the gradient check: small enough that every parameter can be moved.
#include "examples/lab/model_rows.h"

#include <memory>

#include "autograd/ops.h"
#include "nn/transformer.h"

namespace qkv::examples {
namespace {

using autograd::OpCase;
using autograd::Variable;
using tensor::Dtype;
using tensor::Tensor;

// A row whose inputs are the parameters of a module. The module is made anew for every evaluation,
// so its dropout layers draw the same elements each time.
template <class Make, class Run>
OpCase model_row(std::string name, std::string variant, const Make& make, const Run& run) {
  return {std::move(name), std::move(variant),
          [make](lib::Generator&) {
            const auto module = make();
            std::vector<Tensor> values;
            for (const Variable& p : module->parameters())
              values.push_back(p.value().to(Dtype::float64));
            return values;
          },
          [make, run](const std::vector<Variable>& in) {
            const auto module = make();
            const auto parameters = module->named_parameters();
            for (size_t i = 0; i < in.size(); ++i) *parameters[i].parameter = in[i];
            return run(*module);
          }};
}

OpCase attention_row(std::string variant, const nn::Mask& mask) {
  lib::Generator g(11);
  const Tensor x = tensor::normal({2, 3, 4}, 0, 1, g, Dtype::float64);
  return model_row(
      "multi_head_attention", std::move(variant),
      [] {
        lib::Generator generator(5);
        return std::make_unique<nn::MultiHeadAttention>(4, 2, generator);
      },
      [x, mask](const nn::MultiHeadAttention& module) {
        return module.forward(x, x, x, mask).output;
      });
}

OpCase encoder_row(std::string variant, const nn::TransformerConfig& config) {
  const Tensor tokens = Tensor::of(std::vector<int64_t>{2, 0, 1, 1, 2, 2}, {2, 3});
  return model_row(
      "encoder_classifier", std::move(variant),
      [config] {
        lib::Generator generator(5);
        return std::make_unique<nn::EncoderClassifier>(config, generator);
      },
      [tokens](nn::EncoderClassifier& module) {
        return cross_entropy(module.forward(tokens).output, tokens);
      });
}

}  // namespace

const std::vector<OpCase>& model_table() {
  static const std::vector<OpCase> table = [] {
    const nn::TransformerConfig tiny{.vocab = 3,
                                     .width = 4,
                                     .heads = 2,
                                     .layers = 2,
                                     .feed_forward = 5,
                                     .max_length = 3,
                                     .activation = nn::Activation::gelu};
    nn::TransformerConfig pre = tiny, dropout = tiny, relu = tiny;
    pre.norm = nn::Norm::pre;
    pre.positions = nn::Positions::learned;
    dropout.dropout = 0.3;
    relu.activation = nn::Activation::relu;
    return std::vector<OpCase>{
        attention_row("no mask", {}),
        attention_row("causal", nn::Mask::causal(3)),
        attention_row("padding", nn::Mask::padding({3, 1}, 3)),
        encoder_row("post-norm, sinusoidal, gelu", tiny),
        encoder_row("pre-norm, learned, gelu", pre),
        encoder_row("relu", relu),
        encoder_row("dropout 0.3", dropout),
    };
  }();
  return table;
}

}  // namespace qkv::examples
