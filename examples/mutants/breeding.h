// For the files of mutants: how one is made. The value comes from the right function, the gradient
// from another one, which is written beside the mistake's name:
//
//   const auto tanh_row = all.of("tanh", normals({{2, 3}}), [](In in) { return tanh(in[0]); });
//   tanh_row("1 - y for 1 - y²", [](In, Var dy, Var y) -> Grads { return {dy * (1 - y)}; });
#pragma once

#include "autograd/node.h"
#include "autograd/op_rows.h"
#include "autograd/ops.h"
#include "examples/mutants/mutants.h"

namespace qkv::examples {

using autograd::concat;
using autograd::Dtype;
using autograd::flags;
using autograd::Function;
using autograd::Grads;
using autograd::ids;
using autograd::In;
using autograd::normals;
using autograd::Sample;
using autograd::Shape;
using autograd::Tensor;
using autograd::uniforms;
using autograd::Variable;
using Var = const Variable&;

// From the inputs, the gradient of the result and the result to the gradients of the inputs.
using WrongBackward = std::function<Grads(In in, Var dy, Var y)>;

// A layer with one of its pieces left open.
using Layer = std::function<Variable(In in, const Function& piece)>;

// The values of `right`, the gradients of `wrong`.
[[nodiscard]] Function mutated(Function right, WrongBackward wrong);

// The right gradients at dy: for mistakes that spoil only a part of them.
[[nodiscard]] Grads right_gradients(const Function& right, In in, Var dy);

// Zero, but for the first or the last index along an axis.
[[nodiscard]] Variable only_first(Var x, int axis);
[[nodiscard]] Variable only_last(Var x, int axis);

// A tensor of 0 and 1 from a list, of x's dtype.
[[nodiscard]] Variable ones_where(std::vector<bool> chosen, const Shape& shape, Dtype dtype);

class Mutants {
 public:
  // Those of one operation: they share their inputs and their right function.
  class Row {
   public:
    Row(Mutants& all, Mutant model, std::function<Function(const WrongBackward&)> spoil)
        : all_(all), model_(std::move(model)), spoil_(std::move(spoil)) {}
    void operator()(std::string mistake, const WrongBackward& wrong) const;

   private:
    Mutants& all_;
    Mutant model_;
    std::function<Function(const WrongBackward&)> spoil_;
  };

  [[nodiscard]] Row of(std::string operation, Sample sample, const Function& right);

  // The same for a layer one piece of which is mutated: apart(in, piece) equals right(in).
  [[nodiscard]] Row of(std::string layer, Sample sample, const Function& right, const Layer& apart,
                       const Function& piece);

  std::string family;  // of those that follow
  std::vector<Mutant> list;
};

// The families, by file.
void arithmetic_mutants(Mutants& all);
void function_mutants(Mutants& all);
void reduction_mutants(Mutants& all);
void shape_mutants(Mutants& all);
void selection_mutants(Mutants& all);
void product_mutants(Mutants& all);
void softmax_mutants(Mutants& all);
void norm_mutants(Mutants& all);
void loss_mutants(Mutants& all);
void attention_mutants(Mutants& all);
void score_attention_mutants(Mutants& all);
void variation_mutants(Mutants& all);
void recurrent_cell_mutants(Mutants& all);
void recurrent_mutants(Mutants& all);
void seq2seq_mutants(Mutants& all);
void layer_mutants(Mutants& all);
void model_mutants(Mutants& all);

}  // namespace qkv::examples
