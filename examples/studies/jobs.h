// Jobs: commands that run side by side, each a process of its own, whose output is collected. They
// are processes because threads would take turns in the backward engine, and because whatever
// befalls one of them befalls it alone.
//
//   job 0  =====            at_once = 2: the next job starts when one has ended. The outputs come
//   job 1  ===              back in the order of the jobs, however they ended.
//   job 2     ======
#pragma once

#include <cstddef>
#include <functional>
#include <optional>
#include <string>
#include <vector>

#include "examples/lab/words.h"

namespace qkv::examples {

struct JobOptions {
  int at_once = 1;
  std::function<bool()> stop = {};                 // asked several times a second
  std::function<void(size_t job)> has_ended = {};  // called for each job that has ended well
};

// What each command printed on stdout. The first word of a command is the program, found as a shell
// finds it; stdin is empty. Nothing if stop() said so: all jobs are then killed, and gone.
//
// Throws std::runtime_error, naming the command and the reason, if one cannot be started, is ended
// by a signal, ends with another exit code than 0 (the reason is then the last line that it wrote
// on stderr), or prints more than 64 MiB. The others are killed.
[[nodiscard]] std::optional<std::vector<std::string>> run_jobs(const std::vector<Words>& commands,
                                                               const JobOptions& options = {});

// For a job's own main: it shall not outlive the process that waits for it. (Where the operating
// system has no way to say this, it ends when it writes its output.)
void end_with_parent();

}  // namespace qkv::examples
