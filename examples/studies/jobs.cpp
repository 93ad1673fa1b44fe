// A child is a process and two pipes. One loop waits for whatever happens first: output, an end, or
// a tenth of a second.
#include "examples/studies/jobs.h"

#include <stdexcept>

#include "lib/text.h"

#if defined(_WIN32)

namespace qkv::examples {

std::optional<std::vector<std::string>> run_jobs(const std::vector<Words>&, const JobOptions&) {
  throw std::runtime_error("jobs: only for POSIX systems, such as Linux and macOS");
}

void end_with_parent() {}

}  // namespace qkv::examples

#else

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <memory>
#include <system_error>
#include <utility>

#if defined(__linux__)
#include <sys/prctl.h>
#endif

extern char** environ;

namespace qkv::examples {
namespace {

constexpr size_t kMostOutput = size_t{64} << 20, kMostErrors = 4096;  // bytes kept

[[noreturn]] void fail_job(const Words& command, const std::string& reason) {
  std::string words;
  for (const std::string& word : command) words += (words.empty() ? "" : " ") + word;
  throw std::runtime_error(lib::str("job '", lib::escaped(words), "' ", reason));
}

// ---- pipes --------------------------------------------------------------------------------------

class FileDescriptor {
 public:
  explicit FileDescriptor(int fd = -1) : fd_(fd) {}
  FileDescriptor(FileDescriptor&& other) noexcept : fd_(std::exchange(other.fd_, -1)) {}
  FileDescriptor& operator=(FileDescriptor&& other) noexcept {
    std::swap(fd_, other.fd_);
    return *this;
  }
  ~FileDescriptor() { close(); }

  [[nodiscard]] int get() const { return fd_; }
  [[nodiscard]] bool is_open() const { return fd_ >= 0; }
  void close() {
    if (fd_ >= 0) ::close(std::exchange(fd_, -1));
  }

 private:
  int fd_;
};

struct Pipe {
  FileDescriptor read, write;
};

// Its ends stay in this process; a child gets what it is handed explicitly.
Pipe make_pipe() {
  int ends[2];
  if (::pipe(ends) != 0) throw std::system_error(errno, std::generic_category(), "jobs: pipe");
  for (const int end : ends) ::fcntl(end, F_SETFD, FD_CLOEXEC);
  return {FileDescriptor(ends[0]), FileDescriptor(ends[1])};
}

// ---- a child ------------------------------------------------------------------------------------

// Ends with this object, if it has not ended before.
class Child {
 public:
  Child(size_t number, const Words& command) : job(number), command_(command) {
    Pipe out = make_pipe(), errors = make_pipe();
    posix_spawn_file_actions_t actions;
    posix_spawn_file_actions_init(&actions);
    posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0);
    posix_spawn_file_actions_adddup2(&actions, out.write.get(), 1);
    posix_spawn_file_actions_adddup2(&actions, errors.write.get(), 2);
    posix_spawnattr_t attributes;  // a group of its own: Ctrl-C is for the parent to deal with
    posix_spawnattr_init(&attributes);
    posix_spawnattr_setflags(&attributes, POSIX_SPAWN_SETPGROUP);
    std::vector<char*> words;
    for (std::string& word : command_) words.push_back(word.data());
    words.push_back(nullptr);
    const int error = ::posix_spawnp(&pid_, words[0], &actions, &attributes, words.data(), environ);
    posix_spawnattr_destroy(&attributes);
    posix_spawn_file_actions_destroy(&actions);
    if (error != 0) {
      pid_ = -1;
      fail_job(command, "cannot be started: " + std::generic_category().message(error));
    }
    out_ = std::move(out.read), errors_ = std::move(errors.read);
  }

  ~Child() {
    if (pid_ < 0) return;
    ::kill(-pid_, SIGKILL);  // the group: with whatever it has started itself
    while (::waitpid(pid_, nullptr, 0) < 0 && errno == EINTR) {
    }
  }
  Child(const Child&) = delete;
  Child& operator=(const Child&) = delete;

  void listen(std::vector<pollfd>& all) const {
    if (out_.is_open()) all.push_back({out_.get(), POLLIN, 0});
    if (errors_.is_open()) all.push_back({errors_.get(), POLLIN, 0});
  }

  // Takes what has come through a pipe, if it is one of this child's.
  void receive(int fd) {
    if (out_.is_open() && fd == out_.get()) {
      read_some(out_, output);
      if (output.size() > kMostOutput) fail_job(command_, "printed more than 64 MiB");
    } else if (errors_.is_open() && fd == errors_.get()) {
      read_some(errors_, said_);
      if (said_.size() > kMostErrors) said_.erase(0, said_.size() - kMostErrors);
    }
  }

  [[nodiscard]] bool is_silent() const { return !out_.is_open() && !errors_.is_open(); }

  // Has it ended, all of its output been read, and its exit code been 0? Throws if that is another.
  bool has_ended() {
    int status = 0;
    if (!is_silent() || ::waitpid(pid_, &status, WNOHANG) != pid_) return false;
    pid_ = -1;
    if (WIFSIGNALED(status)) {
      const int number = WTERMSIG(status);
      fail_job(command_, lib::str("was ended by signal ", number, " (", strsignal(number), ")"));
    }
    if (const int code = WEXITSTATUS(status)) {
      const std::string reason = last_line_said();
      fail_job(command_,
               lib::str("ended with exit code ", code, reason.empty() ? "" : ": ", reason));
    }
    return true;
  }

  const size_t job;
  std::string output;

 private:
  static void read_some(FileDescriptor& from, std::string& to) {
    char buffer[65536];
    const ssize_t bytes = ::read(from.get(), buffer, sizeof buffer);
    if (bytes > 0) {
      to.append(buffer, static_cast<size_t>(bytes));
    } else if (bytes == 0 || errno != EINTR) {
      from.close();
    }
  }

  [[nodiscard]] std::string last_line_said() const {
    const size_t end = said_.find_last_not_of("\n") + 1;
    const size_t newline = said_.substr(0, end).rfind('\n');
    const size_t begin = newline == std::string::npos ? 0 : newline + 1;
    return lib::escaped(said_.substr(begin, end - begin));
  }

  Words command_;
  pid_t pid_ = -1;
  FileDescriptor out_, errors_;
  std::string said_;  // the end of what came on stderr
};

using Children = std::vector<std::unique_ptr<Child>>;

// Waits for output of the children, for a tenth of a second at most, and takes it. A child that has
// closed both pipes ends at any moment: then the wait is short.
void wait_for_output(const Children& children) {
  std::vector<pollfd> pipes;
  int milliseconds = 100;
  for (const auto& child : children) {
    child->listen(pipes);
    if (child->is_silent()) milliseconds = 1;
  }
  if (::poll(pipes.data(), static_cast<nfds_t>(pipes.size()), milliseconds) <= 0) return;
  for (const pollfd& pipe : pipes) {
    if (pipe.revents == 0) continue;
    for (const auto& child : children) child->receive(pipe.fd);
  }
}

}  // namespace

std::optional<std::vector<std::string>> run_jobs(const std::vector<Words>& commands,
                                                 const JobOptions& options) {
  std::vector<std::string> outputs(commands.size());
  Children children;
  for (size_t next = 0; next < commands.size() || !children.empty();) {
    if (options.stop && options.stop()) return std::nullopt;
    while (next < commands.size() && static_cast<int>(children.size()) < options.at_once) {
      children.push_back(std::make_unique<Child>(next, commands[next]));
      next += 1;
    }
    wait_for_output(children);
    for (size_t i = children.size(); i-- > 0;) {
      if (!children[i]->has_ended()) continue;
      outputs[children[i]->job] = std::move(children[i]->output);
      if (options.has_ended) options.has_ended(children[i]->job);
      children.erase(children.begin() + static_cast<std::ptrdiff_t>(i));
    }
  }
  return outputs;
}

void end_with_parent() {
#if defined(__linux__)
  ::prctl(PR_SET_PDEATHSIG, SIGKILL);
#endif
}

}  // namespace qkv::examples

#endif
