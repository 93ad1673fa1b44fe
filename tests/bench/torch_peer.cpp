// The pipes to PyTorch.
#include "tests/bench/torch_peer.h"

#include <signal.h>
#include <sys/wait.h>
#include <unistd.h>

#include <stdexcept>

namespace qkv::bench {

std::unique_ptr<Torch> Torch::start() {
  signal(SIGPIPE, SIG_IGN);  // a process that has died is an error of a read or a write
  // The system's Python first: there the package manager puts PyTorch.
  for (const char* python : {"/usr/bin/python3", "python3"}) {
    std::unique_ptr<Torch> torch(new Torch);
    if (torch->launch(python)) return torch;
  }
  return nullptr;
}

Torch* Torch::shared() {
  static const std::unique_ptr<Torch> one = start();
  return one.get();
}

bool Torch::launch(const std::string& python) {
  int down[2], up[2];  // to the process, and from it
  if (pipe(down) != 0 || pipe(up) != 0) return false;
  process_ = fork();
  if (process_ == 0) {
    dup2(down[0], STDIN_FILENO), dup2(up[1], STDOUT_FILENO);
    for (const int end : {down[0], down[1], up[0], up[1]}) close(end);
    if (!std::freopen("/dev/null", "w", stderr)) _exit(127);
    execlp(python.c_str(), python.c_str(), QKV_SOURCE_DIR "/tests/bench/torch_peer.py", nullptr);
    _exit(127);
  }
  close(down[0]), close(up[1]);
  to_ = fdopen(down[1], "wb"), from_ = fdopen(up[0], "rb");
  const std::string first = read_line();
  if (!first.starts_with("ready ")) return false;
  version_ = first.substr(6);
  return true;
}

Torch::~Torch() {
  if (to_) std::fclose(to_);  // the end of its input ends the process
  if (from_) std::fclose(from_);
  if (process_ > 0) waitpid(process_, nullptr, 0);
}

std::string Torch::read_line() {
  std::string line;
  for (int c; (c = std::fgetc(from_)) != EOF;) {
    if (c == '\n') return line;
    line += static_cast<char>(c);
  }
  return {};
}

std::string Torch::ask(const std::string& request) {
  std::fprintf(to_, "%s\n", request.c_str());
  std::fflush(to_);
  std::string answer = read_line();
  if (answer.empty()) throw std::runtime_error("PyTorch gave up on: " + request);
  return answer;
}

void Torch::send_bytes(const std::string& name, const char* type, const std::vector<int64_t>& shape,
                       std::span<const std::byte> bytes) {
  std::string sizes;
  for (const int64_t n : shape) sizes += (sizes.empty() ? "" : "x") + std::to_string(n);
  std::fprintf(to_, "tensor %s %s %s\n", name.c_str(), type, sizes.c_str());
  std::fwrite(bytes.data(), 1, bytes.size(), to_);
  std::fflush(to_);
  if (read_line() != "ok") throw std::runtime_error("PyTorch did not take the tensor " + name);
}

void Torch::send(const std::string& name, const std::vector<int64_t>& shape,
                 std::span<const float> numbers) {
  send_bytes(name, "float32", shape, std::as_bytes(numbers));
}
void Torch::send(const std::string& name, const std::vector<int64_t>& shape,
                 std::span<const int64_t> numbers) {
  send_bytes(name, "int64", shape, std::as_bytes(numbers));
}

void Torch::get(const std::string& name, std::span<float> result) {
  const size_t bytes = std::stoul(ask("get " + name));
  if (bytes != result.size_bytes()) throw std::runtime_error("PyTorch: the size of " + name);
  if (std::fread(result.data(), 1, bytes, from_) != bytes) {
    throw std::runtime_error("PyTorch: the bytes of " + name);
  }
}

Contender Torch::contender(const std::string& work,
                           const std::vector<std::pair<std::string, std::span<float>>>& results) {
  make(work);
  const auto once = [this, results] {
    run();
    for (const auto& [name, numbers] : results) get(name, numbers);
  };
  return {"PyTorch", once, [this](int64_t calls) { return seconds(calls); }};
}

}  // namespace qkv::bench
