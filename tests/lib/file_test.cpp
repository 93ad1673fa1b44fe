// Whole files or none: what write_file_atomically leaves behind when it succeeds, when it is
// refused, and when the disk takes only a part. Saves that are killed at any moment are tested in
// tests/nn/safetensors_faults_test.cpp.
#include "lib/file.h"

#include <doctest/doctest.h>

#include <cerrno>
#include <filesystem>
#include <fstream>
#include <system_error>

#include "lib/text.h"
#include "tests/temporary.h"

#if !defined(_WIN32)
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <csignal>
#endif

namespace qkv::lib {
namespace {

namespace fs = std::filesystem;

// A fresh folder, with what is in it removed at the end of the test.
struct Folder : tests::TemporaryFolder {
  size_t entries() const {
    return static_cast<size_t>(std::distance(fs::directory_iterator(path()), {}));
  }
};

void write_plainly(const std::string& path, const std::string& text) {
  std::ofstream(path, std::ios::binary) << text;
}

// The message of the std::runtime_error that body() throws, "" if it throws none.
template <class Body>
std::string message_of(const Body& body) {
  try {
    body();
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "";
}

TEST_CASE("a written file holds its parts one after the other, and replaces what was there") {
  const Folder folder;
  const std::string path = folder / "a file é.bin";
  const std::string zeros("\0\xFF\n\r\0", 5), large(3'000'017, 'x');

  write_file_atomically(path, {"head", "", zeros, large});
  CHECK(read_file(path, 4'000'000) == "head" + zeros + large);
  write_file_atomically(path, {"short"});
  CHECK(read_file(path, 5) == "short");
  write_file_atomically(path, {});
  CHECK(read_file(path, 0).empty());
  CHECK(folder.entries() == 1);
}

TEST_CASE("a relative path without a folder is written in the current one") {
  const Folder folder;
  const fs::path before = fs::current_path();
  fs::current_path(folder.path());
  write_file_atomically("plain.txt", {"here"});
  fs::current_path(before);
  CHECK(read_file(folder / "plain.txt", 100) == "here");
}

TEST_CASE("reading refuses what is missing, too large, or not a regular file") {
  const Folder folder;
  const std::string path = folder / "file";
  CHECK(message_of([&] { (void)read_file(path, 9); }) ==
        "cannot read " + path + ": " + std::generic_category().message(ENOENT));
  CHECK(message_of([&] { (void)read_file(folder.path().string(), 9); }) ==
        "cannot read " + folder.path().string() + ": it is not a regular file");
  write_plainly(path, "0123456789");
  CHECK(message_of([&] { (void)read_file(path, 9); }) ==
        "cannot read " + path + ": it has 10 bytes; at most 9 are read");
  CHECK(read_file(path, 10) == "0123456789");
}

TEST_CASE("reading beyond the end says how many bytes are missing") {
  const Folder folder;
  const std::string path = folder / "file";
  write_plainly(path, "0123456");
  InputFile file(path);
  CHECK(file.size() == 7);
  char buffer[8] = {};
  file.read(buffer, 4);
  CHECK(std::string(buffer) == "0123");
  file.read(nullptr, 0);
  CHECK(message_of([&] { file.read(buffer, 8); }) ==
        "cannot read " + path + ": it ended 5 bytes early");
}

TEST_CASE("writing refuses a missing folder, a folder, and a path without a name") {
  const Folder folder;
  const std::string orphan = folder / "missing/file", inner = folder / "inner";
  fs::create_directory(inner);
  CHECK(message_of([&] {
          write_file_atomically(orphan, {"x"});
        }).starts_with("cannot write " + orphan + ": "));
  CHECK(message_of([&] { write_file_atomically(inner, {"x"}); }) ==
        "cannot write " + inner + ": it exists and is not a regular file");
  CHECK(message_of([&] { write_file_atomically("", {"x"}); }) == "cannot write : it names no file");
  CHECK(folder.entries() == 1);
  CHECK(fs::is_empty(inner));
}

TEST_CASE("what a killed writer left behind is replaced") {
  const Folder folder;
  write_plainly(folder / ".file.tmp", "half of something much longer than what comes next");
  write_file_atomically(folder / "file", {"whole"});
  CHECK(read_file(folder / "file", 100) == "whole");
  CHECK(folder.entries() == 1);
}

#if !defined(_WIN32)

TEST_CASE("a temporary name that cannot be freed leaves everything as it was") {
  const Folder folder;
  write_plainly(folder / "file", "old");
  fs::create_directories(folder / ".file.tmp/in the way");
  CHECK(message_of([&] { write_file_atomically(folder / "file", {"new"}); }) ==
        "cannot write " + folder / "file" + ": File exists");
  CHECK(read_file(folder / "file", 100) == "old");
  CHECK(fs::is_directory(folder / ".file.tmp/in the way"));
}

TEST_CASE("a symbolic link stays a link and its target is replaced") {
  const Folder folder;
  fs::create_directory(folder / "elsewhere");
  write_plainly(folder / "elsewhere/real", "old");
  fs::create_symlink("elsewhere/real", folder / "link");
  write_file_atomically(folder / "link", {"new"});
  CHECK(fs::is_symlink(folder / "link"));
  CHECK(read_file(folder / "elsewhere/real", 100) == "new");

  fs::create_symlink("nowhere", folder / "dangling");
  CHECK(message_of([&] { write_file_atomically(folder / "dangling", {"x"}); }) ==
        "cannot write " + folder / "dangling" + ": No such file or directory");
}

TEST_CASE("a link at the temporary name is not followed") {
  const Folder folder;
  write_plainly(folder / "precious", "keep me");
  fs::create_symlink("precious", folder / ".file.tmp");
  write_file_atomically(folder / "file", {"new"});
  CHECK(read_file(folder / "precious", 100) == "keep me");
  CHECK(read_file(folder / "file", 100) == "new");
  CHECK(!fs::exists(folder / ".file.tmp"));
}

TEST_CASE("a pipe is neither read nor replaced") {
  const Folder folder;
  const std::string pipe = folder / "pipe";
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(message_of([&] { (void)read_file(pipe, 9); }) ==
        "cannot read " + pipe + ": it is not a regular file");
  CHECK(message_of([&] { write_file_atomically(pipe, {"x"}); }) ==
        "cannot write " + pipe + ": it exists and is not a regular file");
  CHECK(fs::is_fifo(pipe));
}

// A child process may write files of 10,000 bytes at most: the write that crosses the limit is cut
// short, the next one fails, as on a full disk.
TEST_CASE("a disk that fills up half-way leaves the old file and no temporary one") {
  const Folder folder;
  const std::string path = folder / "file", large(25'000, 'n');
  write_file_atomically(path, {"old"});
  const pid_t child = ::fork();
  REQUIRE(child >= 0);
  if (child == 0) {
    std::signal(SIGXFSZ, SIG_IGN);
    const rlimit limit = {10'000, 10'000};
    ::setrlimit(RLIMIT_FSIZE, &limit);
    const std::string message = message_of([&] { write_file_atomically(path, {"new", large}); });
    ::_exit(message == "cannot write " + path + ": File too large" ? 0 : 1);
  }
  int status = -1;
  REQUIRE(::waitpid(child, &status, 0) == child);
  CHECK(status == 0);
  CHECK(read_file(path, 100'000) == "old");
  CHECK(folder.entries() == 1);
}

#endif

}  // namespace
}  // namespace qkv::lib
