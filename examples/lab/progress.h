// Progress of a training run, on stderr. On a terminal one line is rewritten, at most 10 times a
// second; elsewhere (a file, a pipe, CI) plain lines are written now and then. It uses no colour.
//
//   420/1000 [=========>            ]  loss 0.1234  accuracy 98.76%  21034 sequences/s  0:02 left
//
// Also here: what a terminal is, how wide, and what may safely be written to it.
#pragma once

#include <cstdint>
#include <functional>
#include <iosfwd>
#include <string>

#include "lib/text.h"

namespace qkv::examples {

// Is the file descriptor (1: stdout, 2: stderr) a terminal?
[[nodiscard]] bool is_terminal(int fd);

// Its width in characters; 80 if it does not say.
[[nodiscard]] int terminal_columns(int fd);

using lib::escaped;  // text from elsewhere cannot move the cursor, change colours or reorder a line

struct ProgressState {
  int64_t step = 0, steps = 0;
  double loss = 0, accuracy = 0;  // accuracy from 0 to 1
  double sequences_per_second = 0;
  double seconds_left = 0;
};

// The line, without newline. With `columns` > 0 it has a bar and exactly that many characters: what
// is too long is cut, what is too short is padded, so it covers whatever stood there before.
[[nodiscard]] std::string progress_line(const ProgressState& state, int columns);

struct ProgressOptions {
  int64_t steps = 0;
  int64_t sequences_per_step = 0;  // the batch size
  int64_t plain_every = 0;         // steps between plain lines; 0: a tenth of the steps
  bool live = false;               // rewrite one line?
  std::ostream* out = nullptr;
  std::function<int()> columns;  // asked at every drawing: the window may change
  std::function<double()> now;   // seconds
};

// For stderr: live if it is a terminal that can move its cursor (TERM is not "dumb"), CI unset.
[[nodiscard]] ProgressOptions stderr_progress(int64_t steps, int64_t sequences_per_step);

class Progress {
 public:
  explicit Progress(ProgressOptions options);
  ~Progress();  // finishes
  Progress(const Progress&) = delete;
  Progress& operator=(const Progress&) = delete;

  // `step` steps are done, 1 to steps. Cheap when it is too early to draw.
  void update(int64_t step, double loss, double accuracy);

  // Draws the last state, if it has not been drawn, and leaves the cursor on a fresh line. Call it
  // before writing anything else to the terminal. Nothing happens the second time.
  void finish();

 private:
  void draw();

  ProgressOptions options_;
  ProgressState state_;
  double start_, last_drawn_;
  int64_t drawn_step_ = 0;
  bool line_is_open_ = false;
};

}  // namespace qkv::examples
