// How a module becomes a row of the gradient check: its parameters, and the tensors that go into
// it, are the inputs of the row. Next: model_rows.cpp.
#pragma once

#include <memory>
#include <string>

#include "autograd/op_table.h"
#include "nn/module.h"

namespace qkv::examples {

using autograd::OpCase;
using autograd::Variable;
using tensor::Dtype;
using tensor::Tensor;

// Tensors that go into a module, float64.
using Data = std::vector<Tensor>;

// Random numbers, the same at every call with the same shapes.
[[nodiscard]] Data data_of(const std::vector<tensor::Shape>& shapes);

// All elements of all tensors, one after the other: a row has one result.
[[nodiscard]] Variable joined(const std::vector<Variable>& parts);

// A module that draws its parameters, with the sizes or the configuration given.
template <class Kind, class... Sizes>
auto maker(Sizes... sizes) {
  return [=] {
    lib::Generator generator(5);
    return std::make_unique<Kind>(sizes..., generator);
  };
}

// The inputs of the row are the parameters of *make(), in the order of named_parameters(), then
// `data`; its result is run(module, data). The module is made anew for every evaluation, so its
// dropout layers draw the same elements each time.
template <class Make, class Run>
OpCase model_row(std::string name, std::string variant, const Data& data, const Make& make,
                 const Run& run) {
  return {std::move(name), std::move(variant),
          [make, data](lib::Generator&) {
            const auto module = make();
            std::vector<Tensor> values;
            for (const Variable& p : module->parameters())
              values.push_back(p.value().to(Dtype::float64));
            values.insert(values.end(), data.begin(), data.end());
            return values;
          },
          [make, run](const std::vector<Variable>& in) {
            const auto module = make();
            const auto parameters = module->named_parameters();
            for (size_t i = 0; i < parameters.size(); ++i) *parameters[i].parameter = in[i];
            const auto first = in.begin() + static_cast<std::ptrdiff_t>(parameters.size());
            return run(*module, std::vector<Variable>(first, in.end()));
          }};
}

}  // namespace qkv::examples
