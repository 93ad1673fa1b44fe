// From attention maps to hard links, and the alignment error rate worked by hand.
#include "examples/lab/alignment.h"

#include <doctest/doctest.h>

#include <cmath>

#include "tensor/views.h"
#include "tests/compare.h"

using namespace qkv;
using namespace qkv::examples;
using tensor::Tensor;
using tests::refusal;

TEST_CASE("alignment: each word of the answer is linked to the largest weight of its row") {
  const Tensor map = Tensor::of<float>({.1f, .2f, .7f,  //
                                        .6f, .4f, .0f,  //
                                        .3f, .3f, .4f},
                                       {3, 3});
  CHECK(strongest_links(map, 3, 3) == std::vector<Link>{{0, 2}, {1, 0}, {2, 2}});
  CHECK(strongest_links(map, 2, 2) == std::vector<Link>{{0, 1}, {1, 0}});  // without the padding
  CHECK(strongest_links(map, 3, 2) ==
        std::vector<Link>{{0, 1}, {1, 0}, {2, 0}});  // first of equals
  CHECK(strongest_links(tensor::transpose(map), 2, 3) == std::vector<Link>{{0, 1}, {1, 1}});
  CHECK(strongest_links(map, 0, 3).empty());
}

TEST_CASE("alignment: a map with fewer rows or columns, or of integers, is refused") {
  const Tensor map = Tensor::of<float>({1, 2, 3, 4, 5, 6}, {2, 3});
  CHECK(refusal([&] { static_cast<void>(strongest_links(map, 3, 3)); }) ==
        "strongest_links: weights (2, 3), 3 targets, 3 sources; need a floating matrix with that "
        "many rows and columns, and at least one column");
  CHECK(refusal([&] { static_cast<void>(strongest_links(map, 2, 4)); }) != "not refused");
  CHECK(refusal([&] { static_cast<void>(strongest_links(map, 2, 0)); }) != "not refused");
  CHECK(refusal([&] {
          static_cast<void>(strongest_links(Tensor::of<int64_t>({1}, {1, 1}), 1, 1));
        }) != "not refused");
}

// Three links of which two are right, four gold ones: 1 - 2 * 2 / (3 + 4) = 3/7.
TEST_CASE("alignment: the error rate counts links of all phrases together") {
  const std::vector<std::vector<Link>> gold = {{{0, 0}, {1, 2}, {2, 1}}, {{0, 0}}};
  CHECK(alignment_error_rate(gold, gold) == 0);
  CHECK(alignment_error_rate({{{0, 1}, {1, 1}, {2, 0}}, {{1, 0}}}, gold) == 1);
  CHECK(alignment_error_rate({{}, {}}, gold) == 1);
  const double err = alignment_error_rate({{{0, 0}, {1, 1}}, {{0, 0}}}, gold) - 3.0 / 7;
  CHECK(std::fabs(err) <= 1e-15);
  CHECK(alignment_error_rate({{{2, 1}, {1, 2}, {0, 0}}, {{0, 0}}}, gold) == 0);  // in any order
}

TEST_CASE("alignment: the error rate of nothing, or of lists that do not pair, is refused") {
  CHECK(refusal([] { static_cast<void>(alignment_error_rate({{}}, {{}})); }) ==
        "alignment_error_rate: no links; need at least one");
  CHECK(refusal([] {
          static_cast<void>(alignment_error_rate({{}, {}}, {{}}));
        }) == "alignment_error_rate: links of 2 phrases, gold links of 1; need equally many");
}
