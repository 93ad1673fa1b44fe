// The table of models, put together; and what its rows share.
#include "examples/checks/model_rows.h"

#include "autograd/ops.h"
#include "examples/checks/model_row.h"

namespace qkv::examples {

Data data_of(const std::vector<tensor::Shape>& shapes) {
  lib::Generator generator(11);
  Data data;
  for (const tensor::Shape& shape : shapes) {
    data.push_back(tensor::normal(shape, 0, 1, generator, Dtype::float64));
  }
  return data;
}

Variable joined(const std::vector<Variable>& parts) {
  std::vector<Variable> flat;
  for (const Variable& part : parts) flat.push_back(reshape(part, {part.numel()}));
  return concat(flat, 0);
}

const std::vector<OpCase>& model_table() {
  static const std::vector<OpCase> table = [] {
    std::vector<OpCase> rows;
    for (const auto fill : {attention_model_rows, variation_model_rows, recurrent_model_rows,
                            seq2seq_model_rows, transformer_model_rows}) {
      fill(rows);
    }
    return rows;
  }();
  return table;
}

}  // namespace qkv::examples
