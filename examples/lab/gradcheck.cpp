// The table of gradient checks, printed. float64, every element, random cotangents.
#include "examples/lab/gradcheck.h"

#include <algorithm>
#include <cstdio>
#include <memory>
#include <ostream>

#include "autograd/ops.h"
#include "lib/text.h"
#include "nn/transformer.h"
#include "tensor/index.h"

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

struct Line {
  std::string name;
  int64_t variants = 0, elements = 0;
  double worst = 0;
  std::string failures;
};

void check_row(const OpCase& row, Line& line) {
  lib::Generator generator(1);
  const auto report =
      autograd::grad_check(row.op + ", " + row.variant, row.apply, row.sample(generator));
  line.variants += 1;
  line.elements += report.elements;
  line.worst = std::max(line.worst, report.worst_relative_error);
  if (!report.passed) line.failures += "  " + report.message + "\n";
}

void print_line(const Line& line, std::ostream& out) {
  char text[160];
  std::snprintf(text, sizeof text, "%-24s %8lld %9lld   %8.1e   %s\n", line.name.c_str(),
                static_cast<long long>(line.variants), static_cast<long long>(line.elements),
                line.worst, line.failures.empty() ? "ok" : "WRONG");
  out << text << line.failures << std::flush;
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

int run_gradcheck(const std::string& filter, std::ostream& out) {
  std::vector<const OpCase*> rows;
  for (const auto* table : {&autograd::op_table(), &model_table()}) {
    for (const OpCase& row : *table) {
      if (row.op.find(filter) != std::string::npos) rows.push_back(&row);
    }
  }
  if (rows.empty()) {
    out << "gradcheck: no operation or model has '" << filter << "' in its name\n";
    return 2;
  }
  out << "analytic gradients against (L(x + eps) - L(x - eps)) / 2 eps: float64, every element,\n"
         "random cotangents, eps 1e-6; passes if |difference| <= 1e-7 + 1e-6 |numeric|\n\n"
         "name                     variants  elements   worst error\n";
  int64_t wrong = 0, elements = 0, names = 0;
  for (size_t i = 0; i < rows.size();) {
    Line line;
    line.name = rows[i]->op;
    for (; i < rows.size() && rows[i]->op == line.name; ++i) check_row(*rows[i], line);
    print_line(line, out);
    wrong += !line.failures.empty();
    elements += line.elements;
    names += 1;
  }
  out << lib::str("\n", names - wrong, " of ", names, " right, ", elements, " elements compared\n");
  return wrong == 0 ? 0 : 1;
}

}  // namespace qkv::examples
