// PyTorch, a peer in a process of its own (torch_peer.py), which is asked over two pipes for one
// burst of work at a time: while it works we wait, and the other way round.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <span>
#include <string>
#include <vector>

#include "tests/bench/harness.h"

namespace qkv::bench {

class Torch {
 public:
  // Starts the process. Null if there is no Python with PyTorch.
  [[nodiscard]] static std::unique_ptr<Torch> start();
  // One process for all rows that do not ask about memory; null as above.
  [[nodiscard]] static Torch* shared();
  ~Torch();
  Torch(const Torch&) = delete;
  Torch& operator=(const Torch&) = delete;

  void send(const std::string& name, const std::vector<int64_t>& shape,
            std::span<const float> numbers);
  void send(const std::string& name, const std::vector<int64_t>& shape,
            std::span<const int64_t> numbers);

  // Prepares a piece of work on the tensors sent, such as "elementwise function=exp".
  void make(const std::string& work) { ask("make " + work); }
  void run() { ask("run"); }
  double seconds(int64_t calls) { return std::stod(ask("time " + std::to_string(calls))); }
  void get(const std::string& name, std::span<float> result);
  int64_t peak_memory() { return std::stoll(ask("memory")); }

  // The work of make(), as a contender that leaves the results named in these arrays.
  [[nodiscard]] Contender contender(
      const std::string& work,
      const std::vector<std::pair<std::string, std::span<float>>>& results);

  [[nodiscard]] const std::string& version() const { return version_; }

 private:
  Torch() = default;
  bool launch(const std::string& python);
  std::string ask(const std::string& request);  // the answer's line
  std::string read_line();
  void send_bytes(const std::string& name, const char* type, const std::vector<int64_t>& shape,
                  std::span<const std::byte> bytes);

  std::FILE *to_ = nullptr, *from_ = nullptr;
  int process_ = -1;
  std::string version_;
};

}  // namespace qkv::bench
