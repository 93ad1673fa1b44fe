// Rows of the op table: sums, and operations that move, repeat or choose numbers.
#include "autograd/op_rows.h"
#include "autograd/ops.h"

namespace qkv::autograd {

void reduction_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  for (const auto& [op, f] : {std::pair("sum", &sum), std::pair("mean", &mean)}) {
    rows.push_back({op, "all axes", x, [f = f](In in) { return f(in[0], {}, false); }});
    rows.push_back({op, "middle axis", x, [f = f](In in) { return f(in[0], {1}, false); }});
    rows.push_back({op, "outer axes kept", x, [f = f](In in) { return f(in[0], {0, -1}, true); }});
    rows.push_back(
        {op, "transposed view", x, [f = f](In in) { return f(transpose(in[0]), {-1}, false); }});
  }
  const auto apart = well_separated({2, 3, 4});
  rows.push_back({"max", "last axis", apart, [](In in) { return max(in[0], -1); }});
  rows.push_back({"max", "first axis kept", apart, [](In in) { return max(in[0], 0, true); }});
  rows.push_back({"expand", "two axes", normals({{3, 1}}), [](In in) {
                    return expand(in[0], {2, 3, 4});
                  }});
  rows.push_back({"reduce_to", "two axes", x, [](In in) { return reduce_to(in[0], {3, 1}); }});
}

void shape_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  rows.push_back({"reshape", "with -1", x, [](In in) { return reshape(in[0], {4, -1}); }});
  rows.push_back({"transpose", "outer axes", x, [](In in) { return transpose(in[0], 0, -1); }});
  rows.push_back({"permute", "rotation", x, [](In in) { return permute(in[0], {2, 0, 1}); }});
  rows.push_back({"slice", "with a step", x, [](In in) { return slice(in[0], 2, 1, 4, 2); }});
  rows.push_back({"slice", "negative bounds", x, [](In in) { return slice(in[0], 1, -2, -1); }});
  rows.push_back({"slice", "empty", x, [](In in) { return slice(in[0], 1, 2, 2); }});
  rows.push_back({"slice_adjoint", "with a step", normals({{2, 3}}), [](In in) {
                    return slice_adjoint(in[0], {2, 7}, 1, 1, 2);
                  }});
  rows.push_back({"concat", "three parts", normals({{2, 1}, {2, 3}, {2, 2}}),
                  [](In in) { return concat(in, 1); }});
  rows.push_back(
      {"concat", "stack", normals({{2, 3}, {2, 3}}), [](In in) { return stack(in, 1); }});
}

void selection_rows(Rows& rows) {
  const Tensor mask = flags({true, false, true, false, false, true}, {2, 3});
  rows.push_back({"where", "broadcast", normals({{2, 3}, {3}}),
                  [mask](In in) { return where(mask, in[0], in[1]); }});
  rows.push_back({"masked_fill", "matrix", normals({{2, 3}}),
                  [mask](In in) { return masked_fill(in[0], mask, 7); }});
  rows.push_back({"masked_fill", "mask broadcast", normals({{4, 2, 3}}),
                  [mask](In in) { return masked_fill(in[0], mask, 7); }});
  const Tensor index = ids({2, 0, 1, 1}, {2, 2});
  rows.push_back({"gather", "an index twice", normals({{2, 3}}),
                  [index](In in) { return gather(in[0], 1, index); }});
  rows.push_back({"scatter_add", "an index twice", normals({{2, 2}}),
                  [index](In in) { return scatter_add(in[0], 1, index, 3); }});
  const Tensor words = ids({3, 0, 3, 1, 4, 3}, {2, 3});
  rows.push_back({"embedding", "an id three times", normals({{5, 4}}),
                  [words](In in) { return embedding(in[0], words); }});
  rows.push_back({"scatter_add_rows", "an id three times", normals({{2, 3, 4}}),
                  [words](In in) { return scatter_add_rows(in[0], words, 5); }});
  rows.push_back({"dropout", "p = 0.4", normals({{4, 5}}), [](In in) {
                    lib::Generator generator(7);  // the same mask at every evaluation
                    return dropout(in[0], 0.4, generator);
                  }});
}

}  // namespace qkv::autograd
