// Writing a run: metrics as they come, everything else at the end.
#include "examples/lab/run_folder.h"

#include <cerrno>
#include <charconv>
#include <cmath>
#include <filesystem>
#include <system_error>

#include "examples/lab/progress.h"
#include "lib/file.h"
#include "lib/text.h"

namespace qkv::examples {
namespace {

namespace fs = std::filesystem;

constexpr const char* kMetricsPartial = "metrics.jsonl.partial";
constexpr const char* kModelPartial = "model.safetensors.partial";
constexpr uint64_t kLongestMetrics = uint64_t{1} << 32;

[[noreturn]] void fail_to(const char* what, const std::string& path, const std::string& reason) {
  throw std::runtime_error(lib::str("run folder: cannot ", what, " ", path, ": ", reason));
}

std::string errno_text() { return std::generic_category().message(errno); }

std::string number(double value) {
  if (std::isnan(value)) return "\"nan\"";
  if (std::isinf(value)) return value > 0 ? "\"inf\"" : "\"-inf\"";
  char text[32];
  return {text, std::to_chars(text, text + sizeof text, value).ptr};
}

void rename_file(const std::string& from, const std::string& to) {
  std::error_code error;
  fs::rename(from, to, error);
  if (error) fail_to("write", to, error.message());
}

}  // namespace

void check_run_name(const std::string& name) {
  const bool printable = escaped(name) == name;  // which also refuses the backslash
  if (!printable || name.empty() || name.size() > 100 || name[0] == '.' ||
      name.find('/') != std::string::npos) {
    lib::fail("run folder: name=", escaped(name.substr(0, 120)), " is refused; a name is 1 to 100 ",
              "printable ASCII characters without / and \\, and does not begin with a dot");
  }
}

std::string metrics_line(const Metrics& m) {
  return lib::str("{\"step\":", m.step, ",\"loss\":", number(m.loss),
                  ",\"accuracy\":", number(m.accuracy),
                  ",\"learning_rate\":", number(m.learning_rate),
                  ",\"grad_norm\":", number(m.grad_norm), ",\"seconds\":", number(m.seconds), "}");
}

RunFolder::RunFolder(const std::string& root, const std::string& name) {
  check_run_name(name);
  path_ = root + "/" + name;
  std::error_code error;
  created_ = fs::create_directories(path_, error);
  if (error) fail_to("make the folder", path_, error.message());
  for (const char* target : {"config.json", "metrics.jsonl", "model.safetensors"}) {
    if (fs::is_directory(file(target), error)) fail_to("write", file(target), "it is a folder");
  }
  metrics_.reset(std::fopen(file(kMetricsPartial).c_str(), "wb"));
  if (!metrics_) fail_to("write", file(kMetricsPartial), errno_text());
}

RunFolder::~RunFolder() {
  std::error_code ignored;
  metrics_.reset();
  fs::remove(file(kMetricsPartial), ignored);
  fs::remove(file(kModelPartial), ignored);
  if (created_) fs::remove(path_, ignored);  // which fails, as it should, if files are in it
}

void RunFolder::log(const Metrics& metrics) {
  const std::string line = metrics_line(metrics) + "\n";
  if (std::fwrite(line.data(), 1, line.size(), metrics_.get()) != line.size() ||
      std::fflush(metrics_.get()) != 0) {
    fail_to("write", file(kMetricsPartial), errno_text());
  }
}

void RunFolder::publish(const std::string& config_json,
                        const std::function<void(const std::string& path)>& save_model) {
  save_model(file(kModelPartial));
  metrics_.reset();
  const std::string metrics = lib::read_file(file(kMetricsPartial), kLongestMetrics);
  lib::write_file_atomically(file(kMetricsPartial), {metrics});  // the same lines, but on the disk

  std::error_code error;
  fs::remove(file("config.json"), error);
  if (error) fail_to("replace", file("config.json"), error.message());
  rename_file(file(kModelPartial), model_path());
  rename_file(file(kMetricsPartial), file("metrics.jsonl"));
  lib::write_file_atomically(file("config.json"), {config_json});
}

}  // namespace qkv::examples
