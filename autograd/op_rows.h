// For the files of the op table's rows: the inputs that rows are tried on, drawn from a generator.
// op_table.cpp puts the rows together.
#pragma once

#include "autograd/op_table.h"

namespace qkv::autograd {

using In = const std::vector<Variable>&;
using Rows = std::vector<OpCase>;
using Sample = decltype(OpCase::sample);

// Standard normal inputs of the given shapes.
[[nodiscard]] Sample normals(std::vector<Shape> shapes);

// Uniform inputs in [low, high): for functions that are not defined, or have a kink, elsewhere.
[[nodiscard]] Sample uniforms(double low, double high, std::vector<Shape> shapes);

// Distances of at least 0.1 from zero, both signs: for relu, whose kink is there.
[[nodiscard]] Sample away_from_zero(Shape shape);

// All elements at least 0.5 apart: for max, whose kinks are the ties.
[[nodiscard]] Sample well_separated(Shape shape);

// The same numbers as views: the first axis is the densest, and between neighbours is a gap.
//
//   (2, 3)   storage  a . d . b . e . c . f .      strides (2, 4)      a b c / d e f
[[nodiscard]] Sample strided(Sample sample);

[[nodiscard]] Tensor ids(std::vector<int64_t> values, const Shape& shape);
[[nodiscard]] Tensor flags(std::vector<bool> values, const Shape& shape);

// The rows, by the file of the operations.
void arithmetic_rows(Rows& rows);
void function_rows(Rows& rows);
void reduction_rows(Rows& rows);
void shape_rows(Rows& rows);
void selection_rows(Rows& rows);
void product_rows(Rows& rows);
void softmax_rows(Rows& rows);
void attention_rows(Rows& rows);
void causal_product_rows(Rows& rows);
void maximum_rows(Rows& rows);
void power_rows(Rows& rows);
void index_rows(Rows& rows);
void vector_product_rows(Rows& rows);
void log_sum_rows(Rows& rows);
void recurrent_rows(Rows& rows);

}  // namespace qkv::autograd
