// The run folder: names, metrics that read back exactly, an earlier run that stays until the end.
#include "examples/lab/run_folder.h"
#include "tests/temporary.h"

#include <doctest/doctest.h>

#include <cmath>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <limits>
#include <nlohmann/json.hpp>
#include <stdexcept>

using namespace qkv::examples;
namespace fs = std::filesystem;

namespace {

void write(const std::string& path, const std::string& text) { std::ofstream(path) << text; }

std::string read(const std::string& path) {
  std::ifstream in(path, std::ios::binary);
  return {std::istreambuf_iterator<char>(in), {}};
}

// An empty folder to put runs into, gone at the end of the test.
struct Root {
  qkv::tests::TemporaryFolder folder;
  std::string path = folder.path().string();

  [[nodiscard]] std::string run(const std::string& file) const { return path + "/a/" + file; }
  [[nodiscard]] int64_t files() const {
    return std::distance(fs::directory_iterator(path + "/a"), fs::directory_iterator());
  }
  void publish_run(const std::string& content) const {
    RunFolder run_folder(path, "a");
    run_folder.log({.step = 1});
    run_folder.publish(content, [&](const std::string& file) { write(file, content); });
  }
};

std::string failure(const std::string& root) {
  try {
    const RunFolder folder(root, "a");
  } catch (const std::runtime_error& error) {
    return error.what();
  }
  return "no failure";
}

}  // namespace

TEST_CASE("run folder: names that could lead elsewhere or cannot be shown are refused") {
  for (const char* name : {"a", "reverse", "a b", "a..b", "-x", "100%"}) {
    CAPTURE(name);
    CHECK_NOTHROW(check_run_name(name));
  }
  CHECK_NOTHROW(check_run_name(std::string(100, 'x')));
  for (const char* name :
       {"", ".", "..", "../x", "a/b", "/", ".hidden", "a\\b", "a\nb", "\x1b[2J", "caf\xc3\xa9"}) {
    CAPTURE(name);
    CHECK_THROWS_AS(check_run_name(name), std::invalid_argument);
  }
  CHECK_THROWS_AS(check_run_name(std::string(101, 'x')), std::invalid_argument);
  CHECK_THROWS_AS(check_run_name(std::string("a\0b", 3)), std::invalid_argument);
  CHECK_THROWS_WITH(
      check_run_name("a/b"),
      "run folder: name=a/b is refused; a name is 1 to 100 printable ASCII characters "
      "without / and \\, and does not begin with a dot");
}

TEST_CASE("run folder: a metrics line has the fewest digits and reads back exactly") {
  const Metrics metrics = {.step = 12,
                           .loss = 0.1,
                           .accuracy = 1.0 / 3,
                           .learning_rate = 5e-4,
                           .grad_norm = std::numeric_limits<double>::denorm_min(),
                           .seconds = 2};
  const std::string line = metrics_line(metrics);
  CHECK(line ==
        "{\"step\":12,\"loss\":0.1,\"accuracy\":0.3333333333333333,"
        "\"learning_rate\":5e-04,\"grad_norm\":5e-324,\"seconds\":2}");
  const nlohmann::json json = nlohmann::json::parse(line);
  CHECK(json["accuracy"].get<double>() == 1.0 / 3);
  CHECK(json["grad_norm"].get<double>() == std::numeric_limits<double>::denorm_min());
}

TEST_CASE("run folder: numbers that are not finite are written as strings") {
  const nlohmann::json json = nlohmann::json::parse(
      metrics_line({.step = 1, .loss = NAN, .grad_norm = INFINITY, .seconds = -INFINITY}));
  CHECK(json["loss"] == "nan");
  CHECK(json["grad_norm"] == "inf");
  CHECK(json["seconds"] == "-inf");
}

TEST_CASE("run folder: a published run is three files and nothing else") {
  const Root root;
  RunFolder folder(root.path, "a");
  CHECK(folder.path() == root.path + "/a");
  folder.log({.step = 1, .loss = 2});
  CHECK(read(root.run("metrics.jsonl.partial")) == metrics_line({.step = 1, .loss = 2}) + "\n");
  folder.log({.step = 2, .loss = 1});
  folder.publish("{}\n", [](const std::string& path) { write(path, "weights"); });
  CHECK(read(root.run("config.json")) == "{}\n");
  CHECK(read(folder.model_path()) == "weights");
  CHECK(read(root.run("metrics.jsonl")) ==
        metrics_line({.step = 1, .loss = 2}) + "\n" + metrics_line({.step = 2, .loss = 1}) + "\n");
  CHECK(root.files() == 3);
}

TEST_CASE("run folder: an earlier run stays whole until the next one is published") {
  const Root root;
  root.publish_run("old");
  {
    RunFolder folder(root.path, "a");
    folder.log({.step = 1});
    folder.log({.step = 2});
    CHECK(read(root.run("config.json")) == "old");
    CHECK(read(root.run("metrics.jsonl")) == metrics_line({.step = 1}) + "\n");
    const auto disk_full = [](const std::string& path) {
      write(path, "half");
      throw std::runtime_error("disk full");
    };
    CHECK_THROWS_WITH(folder.publish("new", disk_full), "disk full");
  }
  CHECK(read(root.run("config.json")) == "old");
  CHECK(read(root.run("model.safetensors")) == "old");
  CHECK(read(root.run("metrics.jsonl")) == metrics_line({.step = 1}) + "\n");
  CHECK(root.files() == 3);
  root.publish_run("new");
  CHECK(read(root.run("config.json")) == "new");
  CHECK(read(root.run("model.safetensors")) == "new");
  CHECK(root.files() == 3);
}

TEST_CASE("run folder: a run that is given up leaves no folder, but keeps what others put there") {
  const Root root;
  { const RunFolder folder(root.path, "a"); }
  CHECK(!fs::exists(root.path + "/a"));
  fs::create_directory(root.path + "/a");
  { const RunFolder folder(root.path, "a"); }
  CHECK(fs::exists(root.path + "/a"));
  write(root.run("notes.txt"), "mine");
  root.publish_run("new");
  CHECK(read(root.run("notes.txt")) == "mine");
}

TEST_CASE("run folder: what cannot be written to is one sentence with the path and the reason") {
  const Root root;
  write(root.path + "/file", "");
  CHECK(failure(root.path + "/file") ==
        "run folder: cannot make the folder " + root.path + "/file/a: Not a directory");
  write(root.path + "/a", "");
  CHECK(failure(root.path).starts_with("run folder: cannot make the folder " + root.path + "/a: "));
  fs::remove(root.path + "/a");
  fs::create_directories(root.run("model.safetensors"));
  CHECK(failure(root.path) ==
        "run folder: cannot write " + root.run("model.safetensors") + ": it is a folder");
  fs::remove(root.run("model.safetensors"));
  fs::create_directory(root.run("metrics.jsonl.partial"));
  CHECK(failure(root.path) ==
        "run folder: cannot write " + root.run("metrics.jsonl.partial") + ": Is a directory");
}

#if defined(__linux__)
TEST_CASE("run folder: a metrics line that does not reach the file is an error at once") {
  const Root root;
  fs::create_directory(root.path + "/a");
  fs::create_symlink("/dev/full", root.run("metrics.jsonl.partial"));
  RunFolder folder(root.path, "a");
  CHECK_THROWS_WITH(folder.log({.step = 1}),
                    ("run folder: cannot write " + root.run("metrics.jsonl.partial") +
                     ": No space left on device")
                        .c_str());
}
#endif
