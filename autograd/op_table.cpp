// The op table, put together; rows of one operation stand together.
#include "autograd/op_table.h"

#include "autograd/op_rows.h"

namespace qkv::autograd {
namespace {

// After the rows of each operation, its first row once more, on views.
Rows with_strided_rows(const Rows& rows) {
  Rows result;
  for (size_t i = 0, first = 0; i < rows.size(); ++i) {
    result.push_back(rows[i]);
    if (i + 1 < rows.size() && rows[i + 1].op == rows[i].op) continue;
    OpCase strided_row = rows[first];
    strided_row.variant = "strided";
    strided_row.sample = strided(strided_row.sample);
    result.push_back(strided_row);
    first = i + 1;
  }
  return result;
}

GradCheckOptions options(const OpCase& row, double eps, uint64_t seed) {
  return {.eps = eps, .atol = row.tolerance.atol, .rtol = row.tolerance.rtol, .seed = seed};
}

}  // namespace

const std::vector<OpCase>& op_table() {
  static const std::vector<OpCase> table = [] {
    Rows rows;
    for (const auto fill :
         {arithmetic_rows, maximum_rows, function_rows, power_rows, reduction_rows, shape_rows,
          selection_rows, index_rows, vector_product_rows, product_rows, softmax_rows, log_sum_rows,
          attention_rows, causal_product_rows, recurrent_rows}) {
      fill(rows);
    }
    return with_strided_rows(rows);
  }();
  return table;
}

GradCheckReport check_row(const OpCase& row, uint64_t seed) {
  lib::Generator generator(seed);
  return grad_check(row.op + ", " + row.variant, row.apply, row.sample(generator),
                    options(row, 1e-6, seed));
}

GradCheckReport check_row_second_order(const OpCase& row, uint64_t seed) {
  lib::Generator generator(seed);
  return grad_grad_check(row.op + ", " + row.variant, row.apply, row.sample(generator),
                         options(row, 1e-5, seed));
}

}  // namespace qkv::autograd
