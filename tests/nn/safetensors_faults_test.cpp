// Files that are cut short, altered, or larger in words than in bytes; and saves that are killed
// or run out of space, which leave a complete file. Headers: safetensors_header_test.cpp.
#include <doctest/doctest.h>

#include <algorithm>
#include <filesystem>
#include <fstream>

#include "lib/file.h"
#include "lib/memory.h"
#include "lib/text.h"
#include "nn/safetensors.h"
#include "tests/temporary.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#endif

namespace qkv::nn {
namespace {

namespace fs = std::filesystem;
using tensor::Tensor;

struct Scratch {
  tests::TemporaryFolder folder;
  std::string path = folder / "model.safetensors";
  void write(const std::string& bytes) const {
    std::ofstream(path, std::ios::binary).write(bytes.data(), static_cast<long>(bytes.size()));
  }
};

// What load_safetensors says about these bytes, without "cannot read PATH: "; "" if it takes them.
std::string refusal(const Scratch& scratch, const std::string& bytes) {
  scratch.write(bytes);
  try {
    (void)load_safetensors(scratch.path);
  } catch (const std::runtime_error& error) {
    const std::string message = error.what(), prefix = "cannot read " + scratch.path + ": ";
    return message.starts_with(prefix) ? message.substr(prefix.size()) : "unprefixed: " + message;
  }
  return "";
}

std::string file_with(uint64_t length, const std::string& rest) {
  std::string bytes;
  for (int i = 0; i < 8; ++i) bytes += static_cast<char>(length >> (8 * i));
  return bytes + rest;
}

// The header of one tensor "w", and its data in zeros.
std::string file_of(const std::string& dtype, const std::string& shape, int claimed, size_t bytes) {
  const std::string header = lib::str("{\"w\":{\"dtype\":\"", dtype, "\",\"shape\":", shape,
                                      ",\"data_offsets\":[0,", claimed, "]}}");
  return file_with(header.size(), header + std::string(bytes, '\0'));
}

TEST_CASE("a header length that cannot be true is refused") {
  const Scratch scratch;
  const auto claims = [](uint64_t length, const std::string& rule) {
    return lib::str("its header claims ", length, " bytes", rule);
  };
  const std::string cap = "; at most 16777216 are read";
  CHECK(refusal(scratch, "") == "a safetensors file has 8 bytes or more, this one has 0");
  CHECK(refusal(scratch, std::string(7, '\0')) ==
        "a safetensors file has 8 bytes or more, this one has 7");
  CHECK(refusal(scratch, file_with(3, "{}")) ==
        claims(3, ", but only 2 follow; the file is cut short"));
  CHECK(refusal(scratch, file_with(16 << 20, "{}")) ==
        claims(16 << 20, ", but only 2 follow; the file is cut short"));
  for (const uint64_t length : {(uint64_t{16} << 20) + 1, uint64_t{1} << 63, ~uint64_t{0} - 7}) {
    CHECK(refusal(scratch, file_with(length, "{}")) == claims(length, cap));
  }
}

TEST_CASE("a bool that is neither 0 nor 1 is refused") {
  const Scratch scratch;
  std::string bytes = file_of("BOOL", "[3]", 3, 3);
  CHECK(refusal(scratch, bytes).empty());
  bytes.back() = '\xFE';
  CHECK(refusal(scratch, bytes) == "tensor \"w\": element 2 is 254; a BOOL is 0 or 1");
}

std::string saved_bytes(const Scratch& scratch) {
  save_safetensors(scratch.path,
                   {{"w", Tensor::of<float>({1, 2, 3}, {3})},
                    {"step", Tensor::of<int64_t>({7}, {})},
                    {"mask", Tensor::of<bool>({true, false}, {2, 1})}},
                   {{"k", "v"}});
  return lib::read_file(scratch.path, 1 << 20);
}

TEST_CASE("every prefix of a file is refused, and so is one byte more") {
  const Scratch scratch;
  const std::string whole = saved_bytes(scratch);
  for (size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK(!refusal(scratch, whole.substr(0, size)).empty());
  }
  CHECK(refusal(scratch, whole).empty());
  CHECK(refusal(scratch, whole + '\0') == "1 bytes after the last tensor belong to none");
}

TEST_CASE("a flipped bit in the header is refused or loads as what it then says") {
  const Scratch scratch;
  const std::string whole = saved_bytes(scratch);
  const size_t header_end = whole.size() - (12 + 8 + 2);
  int refused = 0;
  for (size_t bit = 0; bit < 8 * header_end; ++bit) {
    std::string bytes = whole;
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ (1 << (bit % 8)));
    const std::string message = refusal(scratch, bytes);  // anything else than a refusal fails here
    CHECK(!message.starts_with("unprefixed"));
    refused += !message.empty();
  }
  CHECK(refused > static_cast<int>(7 * header_end));  // names and metadata may change unnoticed
}

TEST_CASE("no memory is set aside for what a file only claims to hold") {
  const Scratch scratch;
  const int64_t before = lib::memory_stats().system_calls;
  const std::string claim = file_of("F32", "[536870911]", 2147483644, 4);
  CHECK(refusal(scratch, claim) ==
        "tensor \"w\": data_offsets [0, 2147483644] reach beyond the "
        "file's 4 bytes of data");
  CHECK(lib::memory_stats().system_calls == before);
}

#if !defined(_WIN32)

// Runs body() in a child process; its result is the exit status.
template <class Body>
int in_child(const Body& body) {
  const pid_t child = ::fork();
  if (child == 0) ::_exit(body());
  int status = -1;
  ::waitpid(child, &status, 0);
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128;
}

TEST_CASE("loading needs the memory of the tensors, not twice that") {
  const Scratch scratch;
  constexpr int64_t kNumbers = 8 << 20;
  const int saved = in_child([&] {
    save_safetensors(scratch.path, {{"w", tensor::ones({kNumbers})}});
    return 0;
  });
  CHECK(saved == 0);
  const int grown_megabytes = in_child([&] {
    rusage before = {}, after = {};
    ::getrusage(RUSAGE_SELF, &before);
    const SafetensorsFile file = load_safetensors(scratch.path);
    ::getrusage(RUSAGE_SELF, &after);
    if (file.tensors.at(0).value.at({kNumbers - 1}) != 1) return 127;
#if defined(__APPLE__)
    const long unit = 1 << 20;  // ru_maxrss counts bytes there
#else
    const long unit = 1 << 10;  // and kilobytes elsewhere
#endif
    return static_cast<int>(std::min((after.ru_maxrss - before.ru_maxrss) / unit, 126L));
  });
  CHECK(grown_megabytes <= 48);  // the tensor is 32
}

TEST_CASE("a save that runs out of space leaves the old checkpoint and no temporary file") {
  const Scratch scratch;
  save_safetensors(scratch.path, {{"w", tensor::ones({5})}});
  const std::string old = lib::read_file(scratch.path, 1 << 20);
  const Tensor large = tensor::zeros({100'000});
  const int status = in_child([&] {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {50'000, 50'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    try {
      save_safetensors(scratch.path, {{"w", large}});
    } catch (const std::runtime_error& error) {
      return std::string(error.what()) == "cannot write " + scratch.path + ": File too large" ? 0
                                                                                              : 1;
    }
    return 2;
  });
  CHECK(status == 0);
  CHECK(lib::read_file(scratch.path, 1 << 20) == old);
  CHECK(std::distance(fs::directory_iterator(scratch.folder.path()), {}) == 1);
}

// A child saves two states in turn, as fast as it can, until it is killed. Whenever that is, the
// file is one of the two, whole.
TEST_CASE("a save killed at any moment leaves a complete checkpoint") {
  const Scratch scratch;
  const std::vector<NamedTensor> states[2] = {
      {{"w", tensor::full({50'021}, 0)}},
      {{"w", tensor::full({70'001}, 1)}, {"extra", tensor::full({333}, 1)}}};
  save_safetensors(scratch.path, states[0], {{"state", "0"}});
  std::mt19937 random(1);
  for (int kill = 0; kill < 30; ++kill) {
    const pid_t child = ::fork();
    REQUIRE(child >= 0);
    if (child == 0) {
      for (size_t i = 1;; ++i) {
        save_safetensors(scratch.path, states[i % 2], {{"state", std::to_string(i % 2)}});
      }
    }
    ::usleep(static_cast<useconds_t>(random() % 5000));
    ::kill(child, SIGKILL);
    ::waitpid(child, nullptr, 0);

    const SafetensorsFile file = load_safetensors(scratch.path);
    const size_t state = file.metadata.at("state") == "1" ? 1 : 0;
    REQUIRE(file.tensors.size() == states[state].size());
    for (const NamedTensor& t : file.tensors) {
      const std::vector<double> numbers = t.value.to_vector();
      const auto count = std::ranges::count(numbers, static_cast<double>(state));
      CHECK(count == t.value.numel());
    }
    CHECK(std::distance(fs::directory_iterator(scratch.folder.path()), {}) <= 2);
  }
}

#endif

}  // namespace
}  // namespace qkv::nn
