// The bar, its arithmetic, and the few questions asked of the terminal.
#include "examples/lab/progress.h"

#include <algorithm>
#include <chrono>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <iostream>
#include <limits>
#include <string_view>

#include "lib/text.h"

#if defined(_WIN32)
#include <io.h>
#else
#include <sys/ioctl.h>
#include <unistd.h>
#endif

namespace qkv::examples {

#if defined(_WIN32)

bool is_terminal(int fd) { return _isatty(fd) != 0; }
int terminal_columns(int) { return 80; }

#else

bool is_terminal(int fd) { return ::isatty(fd) == 1; }

int terminal_columns(int fd) {
  winsize size = {};
  return ::ioctl(fd, TIOCGWINSZ, &size) == 0 && size.ws_col > 0 ? size.ws_col : 80;
}

#endif

namespace {

template <class... Numbers>
std::string format(const char* pattern, Numbers... numbers) {
  char text[400];  // %f of the largest double takes 309 digits
  std::snprintf(text, sizeof text, pattern, numbers...);
  return text;
}

// 75 -> "1:15", 3675 -> "1:01:15". Times that make no sense, or exceed 99 hours, -> "-:--".
std::string clock_time(double seconds) {
  if (!(seconds >= 0 && seconds < 360000)) return "-:--";
  const int s = static_cast<int>(std::ceil(seconds));
  if (s < 3600) return format("%d:%02d", s / 60, s % 60);
  return format("%d:%02d:%02d", s / 3600, s / 60 % 60, s % 60);
}

// [=====>    ]
std::string bar(double fraction, int cells) {
  const int filled = static_cast<int>(std::clamp(fraction, 0.0, 1.0) * cells);
  std::string inside(static_cast<size_t>(cells), ' ');
  std::fill_n(inside.begin(), filled, '=');
  if (filled < cells) inside[static_cast<size_t>(filled)] = '>';
  return "[" + inside + "]";
}

}  // namespace

std::string progress_line(const ProgressState& s, int columns) {
  const std::string total = lib::str(s.steps), step = lib::str(s.step);
  const std::string padding(total.size() - std::min(total.size(), step.size()), ' ');
  const std::string head = padding + step + "/" + total;
  const std::string rest = format("  loss %.4f  accuracy %.2f%%  ", s.loss, 100 * s.accuracy) +
                           format("%.0f sequences/s  ", s.sequences_per_second) +
                           clock_time(s.seconds_left) + " left";
  if (columns <= 0) return head + rest;

  const int room = columns - static_cast<int>(head.size() + rest.size()) - 3;  // a space, [ and ]
  std::string line = head;
  if (room >= 5) {
    const double fraction = static_cast<double>(s.step) / static_cast<double>(s.steps);
    line += " " + bar(fraction, std::min(room, 30));
  }
  line += rest;
  line.resize(static_cast<size_t>(columns), ' ');
  return line;
}

ProgressOptions stderr_progress(int64_t steps, int64_t sequences_per_step) {
  const auto variable = [](const char* name) -> std::string_view {
    const char* value = std::getenv(name);
    return value ? value : "";
  };
  return {.steps = steps,
          .sequences_per_step = sequences_per_step,
          .plain_every = 0,
          .live = is_terminal(2) && variable("TERM") != "dumb" && variable("CI").empty(),
          .out = &std::cerr,
          .columns = [] { return terminal_columns(2); },
          .now =
              [] {
                const auto since_boot = std::chrono::steady_clock::now().time_since_epoch();
                return std::chrono::duration<double>(since_boot).count();
              }};
}

Progress::Progress(ProgressOptions options)
    : options_(std::move(options)),
      start_(options_.now()),
      last_drawn_(-std::numeric_limits<double>::infinity()) {
  state_.steps = options_.steps;
  if (options_.plain_every <= 0) options_.plain_every = std::max<int64_t>(1, options_.steps / 10);
}

Progress::~Progress() {
  try {
    finish();
  } catch (...) {  // a progress bar that cannot be drawn is no reason to terminate
  }
}

void Progress::update(int64_t step, double loss, double accuracy) {
  state_.step = step;
  state_.loss = loss;
  state_.accuracy = accuracy;
  const bool due = options_.live ? options_.now() - last_drawn_ >= 0.1
                                 : step % options_.plain_every == 0 || step == options_.steps;
  if (due) draw();
}

// The last column stays free: writing to it makes some terminals start a new line.
void Progress::draw() {
  const double elapsed = options_.now() - start_;
  const auto done = static_cast<double>(state_.step);
  state_.sequences_per_second =
      elapsed > 0 ? done * static_cast<double>(options_.sequences_per_step) / elapsed : 0;
  state_.seconds_left = elapsed / done * (static_cast<double>(state_.steps) - done);
  if (options_.live) {
    const int columns = std::max(1, options_.columns() - 1);
    *options_.out << '\r' << progress_line(state_, columns) << std::flush;
  } else {
    *options_.out << progress_line(state_, 0) << '\n' << std::flush;
  }
  line_is_open_ = options_.live;
  last_drawn_ = options_.now();
  drawn_step_ = state_.step;
}

void Progress::finish() {
  if (state_.step != drawn_step_) draw();
  if (line_is_open_) *options_.out << '\n' << std::flush;
  line_is_open_ = false;
}

}  // namespace qkv::examples
