// Mask: the factories and their pictures, how masks combine, and which way round true is.
#include "nn/mask.h"

#include <doctest/doctest.h>

#include "tests/compare.h"

using namespace qkv;
using namespace qkv::nn;
using qkv::tensor::Shape;
using qkv::tensor::Tensor;
using qkv::tests::refusal;

TEST_CASE("causal lets a query attend to itself and what is before it") {
  CHECK(Mask::causal(4).str() ==
        "# . . .\n"
        "# # . .\n"
        "# # # .\n"
        "# # # #\n");
  CHECK(Mask::causal(4).allowed().shape() == Shape{4, 4});
  CHECK(Mask::causal(1).str() == "#\n");
}

TEST_CASE("causal with more keys aligns the last query with the last key") {
  CHECK(Mask::causal(3, 5).str() ==
        "# # # . .\n"
        "# # # # .\n"
        "# # # # #\n");
  CHECK(Mask::causal(1, 3).str() == "# # #\n");
  CHECK(refusal([] { return Mask::causal(4, 3); }) ==
        "Mask::causal: 4 queries but only 3 keys; need queries <= keys");
}

TEST_CASE("a window shows each query the last keys up to itself") {
  CHECK(Mask::window(5, 5, 2).str() ==
        "# . . . .\n"
        "# # . . .\n"
        ". # # . .\n"
        ". . # # .\n"
        ". . . # #\n");
  CHECK(Mask::window(2, 5, 3).str() ==
        ". # # # .\n"
        ". . # # #\n");
  CHECK(Mask::window(3, 3, 1).str() == "# . .\n. # .\n. . #\n");
  CHECK(Mask::window(3, 4, 9).str() == Mask::causal(3, 4).str());
  CHECK(Mask::window(3, 3, 2).parts(3, 3).causal);
}

TEST_CASE("sinks stay in sight beside the window but not before their time") {
  CHECK(Mask::window(5, 5, 2, 1).str() ==
        "# . . . .\n"
        "# # . . .\n"
        "# # # . .\n"
        "# . # # .\n"
        "# . . # #\n");
  CHECK(Mask::window(4, 4, 1, 2).str() ==
        "# . . .\n"
        "# # . .\n"
        "# # # .\n"
        "# # . #\n");
  CHECK(Mask::window(1, 6, 2, 2).str() == "# # . . # #\n");
}

TEST_CASE("windows refuse sizes that cannot be") {
  CHECK(refusal([] { return Mask::window(3, 3, 0); }) ==
        "Mask::window: width 0, sinks 0; need width >= 1 and sinks >= 0");
  CHECK(refusal([] { return Mask::window(3, 3, 2, -1); }) ==
        "Mask::window: width 2, sinks -1; need width >= 1 and sinks >= 0");
  CHECK(refusal([] { return Mask::window(4, 3, 2); }) ==
        "Mask::causal: 4 queries but only 3 keys; need queries <= keys");
}

TEST_CASE("padding allows the real keys of each sequence") {
  const Mask mask = Mask::padding({2, 4, 0}, 4);
  CHECK(mask.allowed().shape() == Shape{3, 1, 1, 4});
  CHECK(mask.str() ==
        "[0]\n# # . .\n"
        "[1]\n# # # #\n"
        "[2]\n. . . .\n");
}

TEST_CASE("padding refuses lengths that cannot be") {
  CHECK(refusal([] {
          return Mask::padding({2, 5}, 4);
        }) == "Mask::padding: length 5 is outside [0, 4]");
  CHECK(refusal([] { return Mask::padding({-1}, 4); }) ==
        "Mask::padding: length -1 is outside [0, 4]");
}

TEST_CASE("allow takes any bool tensor with a query and a key axis") {
  CHECK(Mask::allow(Tensor::of<bool>({true, false, false, true, true, true}, {2, 3})).str() ==
        "# . .\n# # #\n");
  CHECK(refusal([] {
          return Mask::allow(tensor::ones({2, 2}));
        }) == "Mask::allow: needs a bool tensor (true = may attend), got float32");
  CHECK(refusal([] { return Mask::allow(Tensor::of<bool>({true}, {1})); }) ==
        "Mask::allow: shape (1,) has no query and key axes; need (..., Tq, Tk)");
}

TEST_CASE("both masks must allow what their combination allows") {
  const Mask both = Mask::causal(3) & Mask::padding({2, 3}, 3);
  CHECK(both.allowed().shape() == Shape{2, 1, 3, 3});
  CHECK(both.str() ==
        "[0]\n# . .\n# # .\n# # .\n"
        "[1]\n# . .\n# # .\n# # #\n");
  CHECK((Mask::padding({2, 3}, 3) & Mask::causal(3)).str() == both.str());
}

TEST_CASE("no restriction combines with anything") {
  const Mask none, causal = Mask::causal(2);
  CHECK_FALSE(none.restricts());
  CHECK(causal.restricts());
  CHECK((none & causal).str() == causal.str());
  CHECK((causal & none).str() == causal.str());
  CHECK_FALSE((none & none).restricts());
  CHECK(none.str() == "(every query may attend to every key)\n");
}

TEST_CASE("what is causal or padded stays known as such and has no cells") {
  const auto both = (Mask::causal(3) & Mask::padding({2, 3}, 3) & Mask::padding({3, 1}, 3));
  const tensor::AttentionMask parts = both.parts(3, 3);
  CHECK(parts.causal);
  CHECK(parts.key_lengths.to_vector() == std::vector<double>{2, 1});
  CHECK_FALSE(parts.allowed.defined());
  CHECK(both.shape() == Shape{2, 1, 3, 3});
  CHECK_FALSE(Mask().parts(3, 3).causal);
}

TEST_CASE("a causal mask that is broadcast is known by its cells only") {
  const tensor::AttentionMask one = Mask::causal(1).parts(4, 4);
  CHECK_FALSE(one.causal);
  CHECK(one.allowed.shape() == Shape{1, 1});
  CHECK((Mask::causal(1, 3) & Mask::causal(3)).str() == Mask::causal(3).str());
}

TEST_CASE("masks that do not fit each other are refused with both shapes") {
  const std::string text = refusal([] { return Mask::causal(3) & Mask::causal(2); });
  CHECK(text.find("(3, 3)") != std::string::npos);
  CHECK(text.find("(2, 2)") != std::string::npos);
}

TEST_CASE("a band is as wide on both sides and counts from the last key") {
  CHECK(Mask::band(4, 4, 2).str() == "# # . .\n# # # .\n. # # #\n. . # #\n");
  CHECK(Mask::band(3, 5, 2).str() == ". # # # .\n. . # # #\n. . . # #\n");
  CHECK(Mask::band(2, 2, 1).str() == "# .\n. #\n");
  CHECK(Mask::band(3, 3, 9).str() == "# # #\n# # #\n# # #\n");
  CHECK((Mask::band(3, 5, 2) & Mask::causal(3, 5)).str() == Mask::window(3, 5, 2).str());
  CHECK(refusal([] { return Mask::band(2, 2, 0); }) == "Mask::band: width is 0; need at least 1");
}
