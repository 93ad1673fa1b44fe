// Mutants of masks and indices: the mask is forgotten, or inverted, and a place that was read twice
// gets one gradient instead of two.
#include "examples/mutants/breeding.h"
#include "tensor/elementwise.h"

namespace qkv::examples {
namespace {

void mask_mutants(Mutants& all) {
  const Tensor mask = flags({true, false, true, false, false, true}, {2, 3});
  const auto chosen = all.of("where", normals({{2, 3}, {2, 3}}),
                             [mask](In in) { return where(mask, in[0], in[1]); });
  chosen("both sides get dy", [](In, Var dy, Var) -> Grads { return {dy, dy}; });
  chosen("the side not chosen gets dy", [mask](In, Var dy, Var) -> Grads {
    const Variable zero = dy * 0.0;
    return {where(mask, zero, dy), where(mask, dy, zero)};
  });

  const auto filled = all.of("masked_fill", normals({{2, 3}}),
                             [mask](In in) { return masked_fill(in[0], mask, 7); });
  filled("leaks dy where it was filled", [](In, Var dy, Var) -> Grads { return {dy}; });
  filled("inverts the mask", [mask](In, Var dy, Var) -> Grads {
    return {masked_fill(dy, tensor::logical_not(mask), 0)};
  });

  const Function thinned = [](In in) {
    lib::Generator generator(7);  // the same elements at every call
    return dropout(in[0], 0.4, generator);
  };
  const auto dropped = all.of("dropout", normals({{3, 4}}), thinned);
  dropped("forgets the mask", [](In, Var dy, Var) -> Grads { return {dy / 0.6}; });
  dropped("forgets 1 / (1 - p)",
          [thinned](In, Var dy, Var) -> Grads { return {thinned({dy}) * 0.6}; });
  dropped("draws another mask", [](In, Var dy, Var) -> Grads {
    lib::Generator generator(8);
    return {dropout(dy, 0.4, generator)};
  });
}

void gather_mutants(Mutants& all) {
  const Tensor places = ids({2, 0, 1, 1}, {2, 2});
  const auto gathered =
      all.of("gather", normals({{2, 3}}), [places](In in) { return gather(in[0], 1, places); });
  gathered("assigns where it should add", [places](In, Var dy, Var) -> Grads {
    const Variable last = ones_where({true, true, false, true}, {2, 2}, dy.dtype());
    return {scatter_add(dy * last, 1, places, 3)};
  });
  const auto scattered = all.of("scatter_add", normals({{2, 2}}),
                                [places](In in) { return scatter_add(in[0], 1, places, 3); });
  scattered("takes dy in order, not by the index",
            [](In, Var dy, Var) -> Grads { return {slice(dy, 1, 0, 2)}; });
}

void embedding_mutants(Mutants& all) {
  const Tensor words = ids({3, 0, 3, 1, 4, 3}, {2, 3});
  const auto looked_up =
      all.of("embedding", normals({{5, 4}}), [words](In in) { return embedding(in[0], words); });
  looked_up("the last of equal ids wins", [words](In, Var dy, Var) -> Grads {
    const Variable last = ones_where({false, true, false, true, true, true}, {2, 3, 1}, dy.dtype());
    return {scatter_add_rows(dy * last, words, 5)};
  });
  looked_up("averages over equal ids", [words](In, Var dy, Var) -> Grads {
    const Variable threes =
        ones_where({true, false, true, false, false, true}, {2, 3, 1}, dy.dtype());
    return {scatter_add_rows(dy - dy * threes * (2.0 / 3), words, 5)};
  });
  looked_up("takes id 0 for padding", [words](In, Var dy, Var) -> Grads {
    const Variable all_rows = scatter_add_rows(dy, words, 5);
    return {all_rows - only_first(all_rows, 0)};
  });
  const auto added = all.of("scatter_add_rows", normals({{2, 3, 4}}),
                            [words](In in) { return scatter_add_rows(in[0], words, 5); });
  added("the first of equal ids gets it all", [words](In, Var dy, Var) -> Grads {
    const Variable first =
        ones_where({true, true, false, true, true, false}, {2, 3, 1}, dy.dtype());
    return {embedding(dy, words) * first};
  });
}

void index_mutants(Mutants& all) {
  const Tensor columns = ids({2, 0, 2}, {3});
  const auto picked = all.of("index_select", normals({{2, 4}}),
                             [columns](In in) { return index_select(in[0], 1, columns); });
  picked("assigns where it should add", [columns](In, Var dy, Var) -> Grads {
    const Variable last = ones_where({false, true, true}, {3}, dy.dtype());
    return {index_add(dy * last, 1, columns, 4)};
  });
  const auto summed = all.of("index_add", normals({{2, 3}}),
                             [columns](In in) { return index_add(in[0], 1, columns, 4); });
  summed("the last of equal indices gets it all", [columns](In, Var dy, Var) -> Grads {
    const Variable last = ones_where({false, true, true}, {3}, dy.dtype());
    return {index_select(dy, 1, columns) * last};
  });
}

}  // namespace

void selection_mutants(Mutants& all) {
  all.family = "selection";
  mask_mutants(all);
  gather_mutants(all);
  embedding_mutants(all);
  index_mutants(all);
}

}  // namespace qkv::examples
