// The op table, put together; rows of one operation stand together.
#include "autograd/op_table.h"

#include "autograd/op_rows.h"

namespace qkv::autograd {

const std::vector<OpCase>& op_table() {
  static const std::vector<OpCase> table = [] {
    Rows rows;
    for (const auto fill :
         {arithmetic_rows, maximum_rows, function_rows, power_rows, reduction_rows, shape_rows,
          selection_rows, index_rows, vector_product_rows, product_rows, softmax_rows, log_sum_rows,
          attention_rows}) {
      fill(rows);
    }
    return rows;
  }();
  return table;
}

}  // namespace qkv::autograd
