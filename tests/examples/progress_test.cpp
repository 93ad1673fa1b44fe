// The progress display, with a clock and a terminal of our own.
#include "examples/lab/progress.h"

#include <doctest/doctest.h>

#include <algorithm>
#include <cmath>
#include <sstream>

using namespace qkv::examples;

namespace {

struct Desk {
  std::ostringstream out;
  double time = 100;
  int columns = 100;

  ProgressOptions options(bool live, int64_t steps, int64_t plain_every = 0) {
    return {.steps = steps,
            .sequences_per_step = 8,
            .plain_every = plain_every,
            .live = live,
            .out = &out,
            .columns = [this] { return columns; },
            .now = [this] { return time; }};
  }
  [[nodiscard]] int64_t count(char c) const {
    const std::string text = out.str();
    return std::count(text.begin(), text.end(), c);
  }
};

}  // namespace

TEST_CASE("progress: a plain line shows steps, loss, accuracy, rate and time left") {
  const ProgressState state = {.step = 42,
                               .steps = 1000,
                               .loss = 0.12345,
                               .accuracy = 0.98764,
                               .sequences_per_second = 1234.4,
                               .seconds_left = 74.2};
  CHECK(progress_line(state, 0) ==
        "  42/1000  loss 0.1235  accuracy 98.76%  1234 sequences/s  1:15 left");
}

TEST_CASE("progress: a live line fills exactly the columns it is given") {
  const ProgressState state = {.step = 500, .steps = 1000};
  for (const int columns : {1, 2, 7, 40, 65, 75, 80, 99, 500}) {
    CAPTURE(columns);
    CHECK(progress_line(state, columns).size() == static_cast<size_t>(columns));
  }
  CHECK(progress_line(state, 120).find("[===============>              ]") != std::string::npos);
  const ProgressState done = {.step = 1000, .steps = 1000};
  CHECK(progress_line(done, 120).find("[==============================]") != std::string::npos);
}

TEST_CASE("progress: numbers that are not finite are shown and break nothing") {
  const ProgressState state = {.step = 1,
                               .steps = 2,
                               .loss = std::nan(""),
                               .accuracy = 1e300,
                               .sequences_per_second = INFINITY,
                               .seconds_left = INFINITY};
  const std::string line = progress_line(state, 0);
  CHECK(line.find("loss nan") != std::string::npos);
  CHECK(line.find("-:-- left") != std::string::npos);
}

TEST_CASE("progress: away from a terminal there is a line every so many steps and one at the end") {
  Desk desk;
  {
    Progress progress(desk.options(false, 25, 10));
    for (int64_t step = 1; step <= 25; ++step) {
      desk.time += 0.5;
      progress.update(step, 1.0, 0.5);
    }
    progress.finish();
    progress.finish();
  }
  CHECK(desk.count('\n') == 3);
  CHECK(desk.count('\r') == 0);
  CHECK(desk.out.str().find("10/25  loss 1.0000  accuracy 50.00%  16 sequences/s  0:08 left\n") !=
        std::string::npos);
  CHECK(desk.out.str().find("25/25") != std::string::npos);
}

TEST_CASE("progress: by default a run has ten plain lines") {
  Desk desk;
  Progress progress(desk.options(false, 1000));
  for (int64_t step = 1; step <= 1000; ++step) progress.update(step, 1.0, 0.5);
  CHECK(desk.count('\n') == 10);
}

TEST_CASE("progress: a terminal is drawn to at most ten times a second") {
  Desk desk;
  Progress progress(desk.options(true, 10000));
  for (int64_t step = 1; step <= 2000; ++step) {
    desk.time += 0.001;
    progress.update(step, 1.0, 0.5);
  }
  CHECK(desk.count('\r') >= 19);
  CHECK(desk.count('\r') <= 21);
  CHECK(desk.count('\n') == 0);
}

TEST_CASE(
    "progress: the last state is drawn and the cursor left on a fresh line, even by a throw") {
  Desk desk;
  try {
    Progress progress(desk.options(true, 100));
    progress.update(1, 1.0, 0.5);
    progress.update(2, 1.0, 0.5);
    throw 1;
  } catch (int) {
  }
  CHECK(desk.count('\r') == 2);
  CHECK(desk.out.str().find("  2/100") != std::string::npos);
  CHECK(desk.out.str().back() == '\n');
  CHECK(desk.count('\n') == 1);
}

TEST_CASE("progress: without a step nothing is written and a window may shrink to nothing") {
  Desk desk;
  { Progress progress(desk.options(true, 100)); }
  CHECK(desk.out.str().empty());
  desk.columns = 0;
  Progress progress(desk.options(true, 100));
  progress.update(1, 1.0, 0.5);
  CHECK(desk.out.str().size() == 2);
}

TEST_CASE("progress: escaped text is printable ASCII that tells every byte") {
  CHECK(escaped("plain text 7~") == "plain text 7~");
  CHECK(escaped("a\x1b[31m\n\\") == "a\\x1b[31m\\x0a\\\\");
  CHECK(escaped(std::string("\0\x7f\xc3\xa9", 4)) == "\\x00\\x7f\\xc3\\xa9");
}
