// How a mutant is made, and the list of all, in the order of the kill table.
#include "examples/mutants/mutants.h"

#include "autograd/engine.h"
#include "examples/mutants/breeding.h"

namespace qkv::examples {

Function mutated(Function right, WrongBackward wrong) {
  return [right = std::move(right), wrong = std::move(wrong)](In in) {
    Tensor value;
    {
      const autograd::NoGrad quiet;
      value = right(in).value();
    }
    return autograd::record("mutant", in, std::move(value),
                            [in, wrong](Var dy, Var y) -> Grads { return wrong(in, dy, y); });
  };
}

Grads right_gradients(const Function& right, In in, Var dy) {
  const autograd::SetRecording on(true);
  std::vector<Variable> leaves;
  for (Var x : in) leaves.push_back(autograd::parameter(x.value()));
  const std::vector<Variable> grads = autograd::grad({right(leaves)}, leaves, {dy});
  return {grads.begin(), grads.end()};
}

Variable only_first(Var x, int axis) {
  return slice_adjoint(slice(x, axis, 0, 1), x.shape(), axis, 0, 1);
}

Variable only_last(Var x, int axis) {
  const int64_t last = x.shape()[tensor::normalize_axis("only_last", axis, x.rank())] - 1;
  return slice_adjoint(slice(x, axis, last, last + 1), x.shape(), axis, last, 1);
}

Variable ones_where(std::vector<bool> chosen, const Shape& shape, Dtype dtype) {
  return flags(std::move(chosen), shape).to(dtype);
}

void Mutants::Row::operator()(std::string mistake, const WrongBackward& wrong) const {
  Mutant mutant = model_;
  mutant.mistake = std::move(mistake);
  mutant.wrong = spoil_(wrong);
  all_.list.push_back(std::move(mutant));
}

Mutants::Row Mutants::of(std::string operation, Sample sample, const Function& right) {
  return Row(*this,
             {.family = family,
              .operation = std::move(operation),
              .mistake = "",
              .sample = std::move(sample),
              .right = right,
              .wrong = {},
              .apart = right},
             [right](const WrongBackward& wrong) { return mutated(right, wrong); });
}

Mutants::Row Mutants::of(std::string layer, Sample sample, const Function& right,
                         const Layer& apart, const Function& piece) {
  return Row(*this,
             {.family = family,
              .operation = std::move(layer),
              .mistake = "",
              .sample = std::move(sample),
              .right = right,
              .wrong = {},
              .apart = [apart, piece](In in) { return apart(in, piece); }},
             [apart, piece](const WrongBackward& wrong) -> Function {
               return [apart, spoilt = mutated(piece, wrong)](In in) { return apart(in, spoilt); };
             });
}

const std::vector<Mutant>& mutants() {
  static const std::vector<Mutant> list = [] {
    Mutants all;
    for (const auto breed :
         {arithmetic_mutants, function_mutants, reduction_mutants, shape_mutants, selection_mutants,
          product_mutants, softmax_mutants, norm_mutants, loss_mutants, attention_mutants,
          score_attention_mutants, variation_mutants, recurrent_cell_mutants, recurrent_mutants,
          seq2seq_mutants, layer_mutants, model_mutants}) {
      breed(all);
    }
    return all.list;
  }();
  return list;
}

std::vector<Tensor> inputs_of(const Mutant& mutant) {
  lib::Generator generator(1);
  return mutant.sample(generator);
}

}  // namespace qkv::examples
