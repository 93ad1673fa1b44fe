// What the operations of golden files are called there, and what they are here. A golden operation
// takes its inputs and attributes from the call and returns its outputs by name:
//
//   ops["silu"] = [](GoldenCall& call) -> Outputs {
//     return {{"output", silu(call.input("input"))}};
//   };
#pragma once

#include <functional>

#include "examples/checks/golden_call.h"

namespace qkv::examples {

using Outputs = Named<Variable>;
using GoldenOp = std::function<Outputs(GoldenCall&)>;
using GoldenOps = std::map<std::string, GoldenOp>;

// All of them.
[[nodiscard]] const GoldenOps& golden_ops();

// A file each: golden_ops_elementwise.cpp and so on.
void elementwise_ops(GoldenOps& ops);
void shape_ops(GoldenOps& ops);
void row_ops(GoldenOps& ops);
void attention_ops(GoldenOps& ops);
void variation_ops(GoldenOps& ops);
void recurrent_ops(GoldenOps& ops);
void seq2seq_ops(GoldenOps& ops);
void transformer_ops(GoldenOps& ops);
void model_ops(GoldenOps& ops);
void optimizer_ops(GoldenOps& ops);

}  // namespace qkv::examples
