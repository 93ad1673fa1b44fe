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
        {op, "single number", normals({{}}), [f = f](In in) { return f(in[0], {}, false); }});
    rows.push_back(
        {op, "empty", normals({{0, 3}}), [f = f](In in) { return f(in[0], {1}, true); }});
    rows.push_back(
        {op, "transposed view", x, [f = f](In in) { return f(transpose(in[0]), {-1}, false); }});
  }
  const auto apart = well_separated({2, 3, 4});
  rows.push_back({"max", "last axis", apart, [](In in) { return max(in[0], -1); }});
  rows.push_back({"max", "first axis kept", apart, [](In in) { return max(in[0], 0, true); }});
  rows.push_back({"max", "one element", normals({{1, 1}}), [](In in) { return max(in[0], 1); }});
  rows.push_back({"max", "empty", normals({{0, 3}}), [](In in) { return max(in[0], 1); }});
  rows.back().kinks = "where several share the maximum: the first of them gets the slope";
  rows.push_back({"expand", "two axes", normals({{3, 1}}), [](In in) {
                    return expand(in[0], {2, 3, 4});
                  }});
  rows.push_back({"expand", "single number", normals({{}}), [](In in) {
                    return expand(in[0], {2, 3});
                  }});
  rows.push_back({"expand", "to nothing", normals({{1, 3}}), [](In in) {
                    return expand(in[0], {0, 3});
                  }});
  rows.push_back({"reduce_to", "two axes", x, [](In in) { return reduce_to(in[0], {3, 1}); }});
  rows.push_back(
      {"reduce_to", "to a number", normals({{2, 1}}), [](In in) { return reduce_to(in[0], {}); }});
  rows.push_back(
      {"reduce_to", "one element", normals({{1, 1}}), [](In in) { return reduce_to(in[0], {1}); }});
  rows.push_back({"reduce_to", "from nothing", normals({{0, 3}}),
                  [](In in) { return reduce_to(in[0], {3}); }});
}

void shape_rows(Rows& rows) {
  const auto x = normals({{2, 3, 4}});
  const auto one = normals({{1, 1}}), none = normals({{0, 3}});
  const auto add = [&](const char* op, const char* variant, const Sample& sample,
                       const Function& f) {
    rows.push_back({op, variant, sample, f});
  };
  add("reshape", "with -1", x, [](In in) { return reshape(in[0], {4, -1}); });
  add("reshape", "to a number", one, [](In in) { return reshape(in[0], {}); });
  add("reshape", "empty", none, [](In in) { return reshape(in[0], {3, 0, 2}); });
  add("transpose", "outer axes", x, [](In in) { return transpose(in[0], 0, -1); });
  add("transpose", "one element", one, [](In in) { return transpose(in[0]); });
  add("transpose", "empty", none, [](In in) { return transpose(in[0]); });
  add("permute", "rotation", x, [](In in) { return permute(in[0], {2, 0, 1}); });
  add("permute", "single number", normals({{}}), [](In in) { return permute(in[0], {}); });
  add("permute", "empty", none, [](In in) { return permute(in[0], {1, 0}); });
  add("slice", "with a step", x, [](In in) { return slice(in[0], 2, 1, 4, 2); });
  add("slice", "negative bounds", x, [](In in) { return slice(in[0], 1, -2, -1); });
  add("slice", "one element", one, [](In in) { return slice(in[0], 1, 0, 1); });
  add("slice", "empty", x, [](In in) { return slice(in[0], 1, 2, 2); });
  add("slice_adjoint", "with a step", normals({{2, 3}}), [](In in) {
    return slice_adjoint(in[0], {2, 7}, 1, 1, 2);
  });
  add("slice_adjoint", "one element", one, [](In in) {
    return slice_adjoint(in[0], {1, 3}, 1, 2, 1);
  });
  add("slice_adjoint", "empty", none, [](In in) { return slice_adjoint(in[0], {0, 5}, 1, 1, 1); });
  add("concat", "three parts", normals({{2, 1}, {2, 3}, {2, 2}}),
      [](In in) { return concat(in, 1); });
  add("concat", "stack", normals({{2, 3}, {2, 3}}), [](In in) { return stack(in, 1); });
  add("concat", "one element and nothing", normals({{1, 1}, {1, 0}}),
      [](In in) { return concat(in, 1); });
  for (const auto& [variant, sample] : {std::pair("three axes", x), {"one element", one}}) {
    add("unbind", variant, sample, [](In in) { return stack(unbind(in[0], 1), 0); });
  }
  add("unbind", "the last axis, two pieces of four", x, [](In in) {
    const std::vector<Variable> pieces = unbind(in[0], -1);
    return pieces[2] * pieces[0] + pieces[2];
  });
  add("unbind", "empty", none, [](In in) { return stack(unbind(in[0], 1), 0); });
  add("piece", "the middle one", x, [](In in) { return unbind(in[0], 1)[1]; });
  add("piece", "one element", one, [](In in) { return unbind(in[0], 0)[0]; });
  add("piece", "empty", none, [](In in) { return unbind(in[0], 1)[2]; });
}

void selection_rows(Rows& rows) {
  const auto add = [&](const char* op, const char* variant, const Sample& sample,
                       const Function& f) {
    rows.push_back({op, variant, sample, f});
  };
  const auto one = normals({{1, 1}}), none = normals({{0, 3}});
  const Tensor mask = flags({true, false, true, false, false, true}, {2, 3});
  const Tensor yes = flags({true}, {1}), nothing = ids({}, {0, 3});
  const auto choose = [](const Tensor& from) {
    return [from](In in) { return where(from, in[0], in[1]); };
  };
  add("where", "broadcast", normals({{2, 3}, {3}}), choose(mask));
  add("where", "single numbers", normals({{}, {}}), choose(yes));
  add("where", "empty", normals({{0, 3}, {1}}), choose(yes));
  const auto fill = [](const Tensor& at) {
    return [at](In in) { return masked_fill(in[0], at, 7); };
  };
  add("masked_fill", "matrix", normals({{2, 3}}), fill(mask));
  add("masked_fill", "mask broadcast", normals({{4, 2, 3}}), fill(mask));
  add("masked_fill", "one element, hidden", one, fill(yes));
  add("masked_fill", "empty", none, fill(yes));
  const Tensor index = ids({2, 0, 1, 1}, {2, 2}), zero = ids({0}, {1, 1});
  add("gather", "an index twice", normals({{2, 3}}),
      [index](In in) { return gather(in[0], 1, index); });
  add("gather", "one element", one, [zero](In in) { return gather(in[0], 1, zero); });
  add("gather", "empty", none, [nothing](In in) { return gather(in[0], 1, nothing); });
  add("scatter_add", "an index twice", normals({{2, 2}}),
      [index](In in) { return scatter_add(in[0], 1, index, 3); });
  add("scatter_add", "one element", one, [zero](In in) { return scatter_add(in[0], 1, zero, 2); });
  add("scatter_add", "empty", none, [nothing](In in) { return scatter_add(in[0], 1, nothing, 2); });
  const Tensor words = ids({3, 0, 3, 1, 4, 3}, {2, 3});
  add("embedding", "an id three times", normals({{5, 4}}),
      [words](In in) { return embedding(in[0], words); });
  add("embedding", "one element", one, [zero](In in) { return embedding(in[0], zero); });
  add("embedding", "no ids", normals({{5, 4}}),
      [nothing](In in) { return embedding(in[0], nothing); });
  add("scatter_add_rows", "an id three times", normals({{2, 3, 4}}),
      [words](In in) { return scatter_add_rows(in[0], words, 5); });
  add("scatter_add_rows", "one element", normals({{1, 1, 1}}),
      [zero](In in) { return scatter_add_rows(in[0], zero, 2); });
  add("scatter_add_rows", "no ids", normals({{0, 3, 4}}),
      [nothing](In in) { return scatter_add_rows(in[0], nothing, 2); });
  const auto drop = [](In in) {
    lib::Generator generator(7);  // the same mask at every evaluation
    return dropout(in[0], 0.4, generator);
  };
  add("dropout", "p = 0.4", normals({{4, 5}}), drop);
  add("dropout", "single number", normals({{}}), drop);
  add("dropout", "empty", none, drop);
}

}  // namespace qkv::autograd
