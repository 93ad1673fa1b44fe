// The operations of golden files, put together.
#include "examples/checks/golden_ops.h"

namespace qkv::examples {

const GoldenOps& golden_ops() {
  static const GoldenOps table = [] {
    GoldenOps ops;
    for (const auto fill :
         {elementwise_ops, shape_ops, row_ops, attention_ops, variation_ops, recurrent_ops,
          seq2seq_ops, transformer_ops, model_ops, optimizer_ops}) {
      fill(ops);
    }
    return ops;
  }();
  return table;
}

}  // namespace qkv::examples
