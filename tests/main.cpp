// The test runner: doctest's own main, except that a filter which matches no test fails. Without
// that, a mistyped --test-case would run nothing and report success.
//
//   build/qkv-tests --test-case="*matmul*"     the cases whose names contain matmul
//   build/qkv-tests --list-test-cases
#define DOCTEST_CONFIG_IMPLEMENT
#include <doctest/doctest.h>

#include <cstdio>

namespace {

// doctest reports to its listeners; this one remembers how many cases the filters let through.
unsigned cases_run = 0;

struct CaseCounter : doctest::IReporter {
  explicit CaseCounter(const doctest::ContextOptions& /*options*/) {}
  void test_case_start(const doctest::TestCaseData& /*test*/) override { ++cases_run; }

  void report_query(const doctest::QueryData& /*query*/) override {}
  void test_run_start() override {}
  void test_run_end(const doctest::TestRunStats& /*stats*/) override {}
  void test_case_reenter(const doctest::TestCaseData& /*test*/) override {}
  void test_case_end(const doctest::CurrentTestCaseStats& /*stats*/) override {}
  void test_case_exception(const doctest::TestCaseException& /*exception*/) override {}
  void subcase_start(const doctest::SubcaseSignature& /*subcase*/) override {}
  void subcase_end() override {}
  void log_assert(const doctest::AssertData& /*assertion*/) override {}
  void log_message(const doctest::MessageData& /*message*/) override {}
  void test_case_skipped(const doctest::TestCaseData& /*test*/) override {}
};

REGISTER_LISTENER("case_counter", 1, CaseCounter);

}  // namespace

int main(int argc, char** argv) {
  doctest::Context context(argc, argv);
  const int failed = context.run();
  if (context.shouldExit()) return failed;  // it was a question, such as --list-test-cases
  if (cases_run == 0) {
    std::fputs("qkv-tests: no test has a name that matches\n", stderr);
    return 1;
  }
  return failed;
}
