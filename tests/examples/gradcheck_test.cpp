// The gradcheck command: its exit codes, its table, and the models it covers.
#include "examples/lab/gradcheck.h"
#include "examples/lab/model_rows.h"

#include <doctest/doctest.h>

#include <sstream>

using namespace qkv;

TEST_CASE("every whole model passes the gradient check, every parameter of it") {
  for (const auto& row : examples::model_table()) {
    lib::Generator generator(1);
    const auto report = autograd::grad_check(row.op, row.apply, row.sample(generator));
    CHECK_MESSAGE(report.passed, row.variant, ": ", report.message);
    CHECK(report.elements > 50);
  }
}

TEST_CASE("gradcheck prints a line for each name and ends with 0 when all are right") {
  std::ostringstream out;
  CHECK(examples::run_gradcheck("softmax", out) == 0);
  const std::string text = out.str();
  CHECK(text.find("\nlog_softmax ") != std::string::npos);
  CHECK(text.find("\nmasked_softmax ") != std::string::npos);
  CHECK(text.find("3 of 3 right") != std::string::npos);
  CHECK(text.find("matmul") == std::string::npos);
}

TEST_CASE("gradcheck with a name that nothing has ends with 2 and says so") {
  std::ostringstream out;
  CHECK(examples::run_gradcheck("no such thing", out) == 2);
  CHECK(out.str() == "gradcheck: no operation or model has 'no such thing' in its name\n");
}
