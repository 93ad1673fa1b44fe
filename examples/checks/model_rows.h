// Whole models beside the op table: every parameter of a tiny configuration, and every number that
// goes in, is an input of the row.
#pragma once

#include <vector>

#include "autograd/op_table.h"

namespace qkv::examples {

// Attention of every kind, recurrent layers, sequence to sequence, encoders and decoders; with and
// without masks, norms before and after, dropout on and off. Rows of one model follow each other.
[[nodiscard]] const std::vector<autograd::OpCase>& model_table();

// The rows, a file each: model_rows_attention.cpp and so on.
void attention_model_rows(std::vector<autograd::OpCase>& rows);
void variation_model_rows(std::vector<autograd::OpCase>& rows);
void recurrent_model_rows(std::vector<autograd::OpCase>& rows);
void seq2seq_model_rows(std::vector<autograd::OpCase>& rows);
void transformer_model_rows(std::vector<autograd::OpCase>& rows);

}  // namespace qkv::examples
