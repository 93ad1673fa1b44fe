// The graders of the exercises: what they say of right answers and of wrong ones. The exercises
// themselves are in CTest as "exercise: ...".
#include "examples/exercises/grader.h"

#include <doctest/doctest.h>

#include <iostream>
#include <sstream>

#include "tensor/tensor.h"

using namespace qkv;
using namespace qkv::examples;

namespace {

struct Grading {
  int code;
  std::string said;
};

Grading graded(void (*questions)()) {
  std::ostringstream text;
  std::streambuf* const terminal = std::cout.rdbuf(text.rdbuf());
  const int code = grade(7, "a test", questions);
  std::cout.rdbuf(terminal);
  return {code, text.str()};
}

// Not right, and it says so; what it says besides.
std::string refused(void (*questions)()) {
  const Grading grading = graded(questions);
  CHECK(grading.code == 1);
  CHECK(grading.said.ends_with("\nexercise 07: not yet\n"));
  return grading.said;
}

void holds(const std::string& text, const std::string& part) {
  CAPTURE(text);
  CAPTURE(part);
  CHECK(text.find(part) != std::string::npos);
}

const Tensor kRight = numbers({1, 2, 3, 4}, {2, 2});

Tensor cells(const Tensor& x) { return greater(x, tensor::full({2, 2}, 2.5, Dtype::float64)); }

}  // namespace

TEST_CASE("a right answer is said to be right") {
  const Grading grading = graded([] {
    tried("four numbers");
    compare("x", kRight, kRight);
    compare_row_sums("w", numbers({0.5, 0.5, 1, 0}, {2, 2}));
  });
  CHECK(grading.code == 0);
  CHECK(grading.said ==
        "exercise 07: a test\n"
        "tried    four numbers\n"
        "right    x, all of its 4 elements\n"
        "right    every row of w sums to 1\n"
        "exercise 07: right\n");
}

TEST_CASE("a wrong tensor is told by its form") {
  holds(refused([] { compare("x", Tensor(), kRight); }), "x is nothing at all");
  holds(refused([] { compare("x", numbers({1, 2, 3}), kRight); }), "x is (3,), expected (2, 2)");
  holds(refused([] { compare("x", kRight.to(Dtype::float32), kRight); }),
        "x is float32, expected float64");
}

TEST_CASE("a wrong tensor is told by what it looks like") {
  const std::string one = refused([] { compare("x", numbers({1, 2, 3, 5}, {2, 2}), kRight); });
  holds(one, "x: element (1, 1) is 5, expected 4; 1 of 4 elements are wrong");
  CHECK(one.find("looks like") == std::string::npos);
  holds(refused([] { compare("x", transpose(kRight), kRight); }), "rows and columns are exchanged");
  holds(refused([] { compare("x", mul(kRight, -1.0), kRight); }), "the sign is wrong everywhere");
  holds(refused([] { compare("x", mul(kRight, 0.0), kRight); }), "nothing but zeros");
  holds(refused([] { compare("x", mul(kRight, 3.0), kRight); }), "everything is 3 times");
  holds(refused([] { compare("x", div(kRight, mul(kRight, 0.0)), kRight); }), "4 elements are no");
  holds(refused([] { compare("x", logical_not(cells(kRight)), cells(kRight)); }), "turned round");
  holds(refused([] {
          compare("x", add(kRight, 1.0), kRight, {{"one too much", add(kRight, 1.0)}});
        }),
        "looks like one too much");
  holds(refused([] { compare_row_sums("w", kRight); }), "row 0 of w sums to 3; every row must");
}

TEST_CASE("NaN is never right, and is recognised where a mistake gives it") {
  static const Tensor nan = div(mul(kRight, 0.0), mul(kRight, 0.0));
  CHECK(graded([] { compare_row_sums("w", nan); }).code == 1);
  holds(refused([] { compare("x", nan, kRight, {{"0 by 0", nan}}); }), "looks like 0 by 0");
}

TEST_CASE("infinity is only near itself") {
  static const Tensor infinite = div(kRight, mul(kRight, 0.0));
  CHECK(graded([] { compare("x", infinite, infinite); }).code == 0);
  for (const auto ask :
       {+[] { compare("x", infinite, kRight); }, +[] { compare("x", kRight, infinite); },
        +[] { compare("x", mul(infinite, -1.0), infinite); }}) {
    CHECK(graded(ask).code == 1);
  }
}

TEST_CASE("an error of an operation is shown") {
  holds(refused([] {
          compare("x", add(kRight, numbers({1, 2, 3})), kRight);
        }),
        "it ended with an error:\n         add: ");
}

TEST_CASE("gradients are judged by their number, their shapes and their values") {
  static const auto twice = [](In in) { return in[0] * 2.0; };
  CHECK(graded([] {
          compare_gradients("2 x", twice, [](In, Var dy, Var) -> Grads { return {dy * 2.0}; },
                            {{"x", kRight}});
        }).code == 0);
  holds(refused([] {
          compare_gradients("2 x", twice, [](In, Var dy, Var) -> Grads { return {dy}; },
                            {{"x", kRight}},
                            {{"dy itself", [](In, Var dy, Var) -> Grads { return {dy}; }}});
        }),
        "looks like dy itself");
  holds(refused([] {
          compare_gradients("2 x", twice, [](In, Var dy, Var) -> Grads { return {dy * 4.0}; },
                            {{"x", kRight}});
        }),
        "constant factor 2");
  holds(refused([] {
          compare_gradients("2 x", twice, [](In, Var dy, Var) -> Grads { return {sum(dy)}; },
                            {{"x", kRight}});
        }),
        "dx is (), expected (2, 2)");
  holds(refused([] {
          compare_gradients("2 x", twice,
                            [](In, Var dy, Var) -> Grads {
                              return {dy, dy};
                            },
                            {{"x", kRight}});
        }),
        "gradients that came back: 2, expected 1");
  holds(refused([] {
          compare_gradients("2 x", twice, [](In, Var, Var) -> Grads { return {Variable()}; },
                            {{"x", kRight}});
        }),
        "dx is nothing at all");
}
