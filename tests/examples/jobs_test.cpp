// Jobs: outputs in order, so many at once, and every way for one of them to fail: each named, the
// others killed.
#include "examples/studies/jobs.h"

#include <doctest/doctest.h>

#include <chrono>
#include <stdexcept>

#include "lib/file.h"
#include "lib/text.h"
#include "tests/temporary.h"

#if !defined(_WIN32)
#include <signal.h>

using namespace qkv::examples;
using Outputs = std::vector<std::string>;

namespace {

Words shell(const std::string& script) { return {"/bin/sh", "-c", script}; }

std::string failure(const std::vector<Words>& commands, int at_once = 2) {
  try {
    static_cast<void>(run_jobs(commands, {.at_once = at_once}));
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no failure";
}

double seconds_now() {
  return std::chrono::duration<double>(std::chrono::steady_clock::now().time_since_epoch()).count();
}

// A job that writes its own process id into a file, and would then take a minute.
Words long_job(const std::string& pid_file) {
  return shell("echo $$ >'" + pid_file + "'; sleep 60; echo done");
}

// Waits until a long job has begun; its process.
pid_t process_of(const std::string& pid_file) {
  for (double start = seconds_now(); seconds_now() - start < 20;) {
    try {
      const std::string text = qkv::lib::read_file(pid_file, 100);
      if (text.ends_with('\n')) return static_cast<pid_t>(std::stol(text));
    } catch (const std::runtime_error&) {
    }
  }
  return 0;
}

bool is_gone(pid_t pid) { return pid > 0 && ::kill(pid, 0) != 0; }

}  // namespace

TEST_CASE("jobs: outputs come in the order of the jobs, however many run at once") {
  const std::vector<Words> commands = {shell("sleep 0.3; echo slow"), shell("echo quick"),
                                       shell("printf ''"), shell("echo also; echo quick >&2")};
  for (const int at_once : {1, 2, 3, 8}) {
    CAPTURE(at_once);
    std::vector<size_t> ended;
    const auto outputs = run_jobs(
        commands,
        {.at_once = at_once, .stop = {}, .has_ended = [&](size_t job) { ended.push_back(job); }});
    REQUIRE(outputs.has_value());
    CHECK(*outputs == Outputs{"slow\n", "quick\n", "", "also\n"});
    REQUIRE(ended.size() == 4);
    CHECK((ended.front() == 0) == (at_once == 1));
    if (at_once > 1) CHECK(ended.back() == 0);
  }
  CHECK(run_jobs({})->empty());
}

TEST_CASE("jobs: never more at once than allowed") {
  const qkv::tests::TemporaryFolder folder;
  // mkdir is atomic: the second of two that run at the same time fails.
  const Words alone =
      shell("mkdir '" + folder / "lock" + "' && sleep 0.05 && rmdir '" + folder / "lock" + "'");
  CHECK(failure({alone, alone, alone}, 1) == "no failure");
  CHECK(failure({alone, alone, alone}, 3) != "no failure");
}

TEST_CASE("jobs: a large output arrives whole, and words arrive as they are") {
  const auto outputs = run_jobs({shell("head -c 3000000 /dev/zero | tr '\\0' x"),
                                 {"printf", "%s|", "a b", "$HOME"},
                                 shell("head -c 300000 /dev/zero >&2; echo well"),
                                 {"cat"}},
                                {.at_once = 2});
  CHECK(outputs->at(0) == std::string(3000000, 'x'));
  CHECK(outputs->at(1) == "a b|$HOME|");
  CHECK(outputs->at(2) == "well\n");
  CHECK(outputs->at(3) == "");  // stdin is empty
}

TEST_CASE("jobs: a failure names the command and the reason") {
  CHECK(failure({shell("exit 3")}) == "job '/bin/sh -c exit 3' ended with exit code 3");
  CHECK(failure({{"sh", "-c", "echo first >&2; echo 'the reason' >&2; exit 1"}})
            .ends_with("exit 1' ended with exit code 1: the reason"));
  CHECK(failure({shell("printf 'a\\033b' >&2; exit 1")}).ends_with("code 1: a\\x1bb"));
  CHECK(failure({shell("kill -9 $$")}).find("was ended by signal 9 (") != std::string::npos);
  CHECK(failure({shell("kill -SEGV $$")}).find("was ended by signal 11 (") != std::string::npos);
  const std::string missing = failure({{"/nowhere/program"}});
  CHECK_MESSAGE(missing.starts_with("job '/nowhere/program' "), missing);
}

TEST_CASE("jobs: when one fails the others are killed") {
  const qkv::tests::TemporaryFolder folder;
  const std::string file = folder / "pid";
  const double start = seconds_now();
  const std::string waits = "while [ ! -s '" + file + "' ]; do sleep 0.05; done; exit 5";
  CHECK(failure({long_job(file), shell(waits)}).ends_with("ended with exit code 5"));
  CHECK(seconds_now() - start < 30);
  CHECK(is_gone(process_of(file)));
}

TEST_CASE("jobs: stopped, all are killed and gone, and there is no result") {
  const qkv::tests::TemporaryFolder folder;
  const std::string one = folder / "one", two = folder / "two";
  const double start = seconds_now();
  const auto outputs = run_jobs({long_job(one), long_job(two), long_job(one)},
                                {.at_once = 2, .stop = [&, asked = 0]() mutable {
                                   return asked++ > 0 && process_of(one) > 0 && process_of(two) > 0;
                                 }});
  CHECK(!outputs.has_value());
  CHECK(seconds_now() - start < 30);
  CHECK(is_gone(process_of(one)));
  CHECK(is_gone(process_of(two)));
}

TEST_CASE("jobs: a process that a job leaves behind does not outlive a stop") {
  const qkv::tests::TemporaryFolder folder;
  const std::string file = folder / "ticks";
  const auto ticks = [&] {
    try {
      return qkv::lib::read_file(file, 1 << 20).size();
    } catch (const std::runtime_error&) {
      return size_t{0};
    }
  };
  const Words job = shell("(while :; do echo >>'" + file + "'; sleep 0.02; done) & wait");
  const auto outputs = run_jobs({job}, {.stop = [&] { return ticks() > 0; }});
  CHECK(!outputs.has_value());
  const size_t at_stop = ticks();
  for (const double start = seconds_now(); seconds_now() - start < 0.3;) {
  }
  CHECK(ticks() <= at_stop + 1);  // one may have been under way
}

#endif
