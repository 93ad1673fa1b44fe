// For the files of mutants of modules: the right function is the module itself, its parameters
// given as inputs. Beside it stands the same module in pieces, and one of them is spoilt:
//
//   right    x -> layer.forward -> y
//   wrong    x -> linear -> piece -> linear -> y        equal in value, and but for the mistake
#pragma once

#include <string>

#include "examples/checks/model_row.h"
#include "examples/mutants/breeding.h"

namespace qkv::examples {

// forward(module, data) is the module's result, apart(module, data, piece) the same in pieces.
template <class Make, class Forward, class Apart>
Mutants::Row of_module(Mutants& all, const std::string& name, const Data& data, const Make& make,
                       const Forward& forward, const Apart& apart, const Function& piece) {
  const OpCase whole = model_row(name, "", data, make, forward);
  const Layer layer = [=](In in, const Function& open) {
    const auto run = [&](auto& module, In given) { return apart(module, given, open); };
    return model_row(name, "", data, make, run).apply(in);
  };
  return all.of(name, whole.sample, whole.apply, layer, piece);
}

// The same where all is right but the gradient of the parameter named so.
template <class Make, class Forward>
Mutants::Row of_parameter(Mutants& all, const std::string& name, const Data& data, const Make& make,
                          const Forward& forward, const std::string& parameter) {
  const auto apart = [=](auto& module, In given, const Function& piece) {
    for (const auto& named : module.named_parameters()) {
      if (named.name == parameter) *named.parameter = piece({*named.parameter});
    }
    return forward(module, given);
  };
  return of_module(all, name, data, make, forward, apart, [](In in) { return in[0]; });
}

}  // namespace qkv::examples
