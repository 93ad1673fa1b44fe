// The op table, put together in the order of ops.h.
#include "autograd/op_table.h"

#include "autograd/op_rows.h"

namespace qkv::autograd {

const std::vector<OpCase>& op_table() {
  static const std::vector<OpCase> table = [] {
    Rows rows;
    for (const auto fill : {arithmetic_rows, function_rows, reduction_rows, shape_rows,
                            selection_rows, product_rows, softmax_rows, attention_rows}) {
      fill(rows);
    }
    return rows;
  }();
  return table;
}

}  // namespace qkv::autograd
