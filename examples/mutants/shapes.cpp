// Mutants of reductions and of operations that move numbers. With Σ y as the loss, dy is 1 at every
// place: then it does not matter where a gradient is put, and many of these look right.
#include "examples/mutants/breeding.h"
#include "tensor/elementwise.h"

namespace qkv::examples {

void reduction_mutants(Mutants& all) {
  all.family = "reductions";
  const auto rows = all.of("sum", normals({{3, 3}}), [](In in) { return sum(in[0], {1}); });
  rows("divides by n, as mean does", [](In, Var dy, Var) -> Grads {
    return {expand(reshape(dy / 3.0, {3, 1}), {3, 3})};
  });
  rows("repeats dy along the other axis", [](In, Var dy, Var) -> Grads {
    return {expand(dy, {3, 3})};
  });

  const auto middle = all.of("mean", normals({{2, 3, 4}}), [](In in) { return mean(in[0], {1}); });
  middle("forgets 1 / n", [](In, Var dy, Var) -> Grads {
    return {expand(reshape(dy, {2, 1, 4}), {2, 3, 4})};
  });
  middle("divides by the number of all elements", [](In, Var dy, Var) -> Grads {
    return {expand(reshape(dy / 24.0, {2, 1, 4}), {2, 3, 4})};
  });

  const auto apart = autograd::well_separated({2, 3, 4});
  const auto largest = all.of("max", apart, [](In in) { return max(in[0], -1); });
  largest("every element gets dy", [](In, Var dy, Var) -> Grads {
    return {expand(reshape(dy, {2, 3, 1}), {2, 3, 4})};
  });
  largest("the first element gets dy", [](In in, Var dy, Var) -> Grads {
    return {slice_adjoint(reshape(dy, {2, 3, 1}), in[0].shape(), 2, 0, 1)};
  });

  const auto copies = all.of("expand", normals({{3, 1}}), [](In in) {
    return expand(in[0], {3, 4});
  });
  copies("takes the gradient of one copy",
         [](In, Var dy, Var) -> Grads { return {slice(dy, 1, 0, 1)}; });
  copies("averages over the copies",
         [](In, Var dy, Var) -> Grads { return {mean(dy, {1}, true)}; });

  const auto summed =
      all.of("reduce_to", normals({{2, 3}}), [](In in) { return reduce_to(in[0], {3}); });
  summed("the first summand gets it all", [](In, Var dy, Var) -> Grads {
    return {only_first(expand(dy, {2, 3}), 0)};
  });

  const auto logs =
      all.of("logsumexp", normals({{2, 3, 4}}), [](In in) { return logsumexp(in[0], -1, true); });
  logs("exp(x) for exp(x - y)", [](In in, Var dy, Var) -> Grads { return {dy * exp(in[0])}; });
  logs("shares dy out evenly",
       [](In in, Var dy, Var) -> Grads { return {expand(dy / 4.0, in[0].shape())}; });
}

void shape_mutants(Mutants& all) {
  all.family = "shapes";
  const auto square = normals({{3, 3}});
  const auto flat = all.of("reshape", square, [](In in) { return reshape(in[0], {9}); });
  flat("reads dy by columns", [](In, Var dy, Var) -> Grads {
    return {transpose(reshape(dy, {3, 3}))};
  });

  const auto transposed = all.of("transpose", square, [](In in) { return transpose(in[0]); });
  transposed("does not transpose dy", [](In, Var dy, Var) -> Grads { return {dy}; });

  const auto rotated = all.of("permute", normals({{2, 2, 2}}), [](In in) {
    return permute(in[0], {2, 0, 1});
  });
  rotated("applies the order again, not its inverse", [](In, Var dy, Var) -> Grads {
    return {permute(dy, {2, 0, 1})};
  });

  const auto cut =
      all.of("slice", normals({{2, 6}}), [](In in) { return slice(in[0], 1, 1, 6, 2); });
  cut("puts dy one place too early", [](In, Var dy, Var) -> Grads {
    return {slice_adjoint(dy, {2, 6}, 1, 0, 2)};
  });
  cut("forgets the step", [](In, Var dy, Var) -> Grads {
    return {slice_adjoint(dy, {2, 6}, 1, 1, 1)};
  });

  const auto placed = all.of("slice_adjoint", normals({{2, 3}}), [](In in) {
    return slice_adjoint(in[0], {2, 7}, 1, 1, 2);
  });
  placed("reads dy one place too late",
         [](In, Var dy, Var) -> Grads { return {slice(dy, 1, 2, 7, 2)}; });

  const auto joined =
      all.of("concat", normals({{2, 2}, {2, 2}, {2, 2}}), [](In in) { return concat(in, 1); });
  joined("the first and the last part change places", [](In, Var dy, Var) -> Grads {
    return {slice(dy, 1, 4, 6), slice(dy, 1, 2, 4), slice(dy, 1, 0, 2)};
  });
  joined("every part gets the first slice", [](In, Var dy, Var) -> Grads {
    const Variable first = slice(dy, 1, 0, 2);
    return {first, first, first};
  });

  const auto apart = all.of("unbind", normals({{2, 3, 2}}),
                            [](In in) { return stack(unbind(in[0], 1), 0); });  // (3, 2, 2)
  apart("the pieces come back in reverse order", [](In, Var dy, Var) -> Grads {
    return {transpose(index_select(dy, 0, ids({2, 1, 0}, {3})), 0, 1)};
  });
  apart("the last piece is forgotten",
        [](In, Var dy, Var) -> Grads { return {transpose(dy - only_last(dy, 0), 0, 1)}; });
  const auto piece =
      all.of("piece", normals({{3, 2}}), [](In in) { return unbind(in[0], 0)[1]; });  // (2)
  piece("comes back as another piece", [](In, Var dy, Var) -> Grads {
    return {slice_adjoint(reshape(dy, {1, 2}), {3, 2}, 0, 2, 1)};
  });
}

}  // namespace qkv::examples
