// What a training run leaves behind:
#pragma once

#include <cstdint>
#include <cstdio>
#include <functional>
#include <memory>
#include <string>

namespace qkv::examples {

//   runs/NAME/config.json        every setting; give it back with config=runs/NAME/config.json
//   runs/NAME/metrics.jsonl      one JSON object per logged step
//   runs/NAME/model.safetensors  the trained weights
//
// While training, only metrics.jsonl.partial grows there; a run that fails leaves an earlier one.

// Throws std::invalid_argument unless the name is 1 to 100 printable ASCII characters without
// / and \, and does not begin with a dot.
void check_run_name(const std::string& name);

struct Metrics {
  int64_t step = 0;
  double loss = 0, accuracy = 0, learning_rate = 0, grad_norm = 0;
  double seconds = 0;  // since the start of the training
};

// {"step":1,"loss":2.5,...} without a newline. A number is written with the fewest digits that read
// back as the same double; JSON has no infinities, so those are the strings "inf", "-inf", "nan".
[[nodiscard]] std::string metrics_line(const Metrics& metrics);

class RunFolder {
 public:
  // Makes root/NAME, and finds out now, not after the training, whether files can be written there.
  // Throws std::invalid_argument for the name, std::runtime_error naming the path and the reason.
  // REQUIRES: no other run is writing to the same folder.
  RunFolder(const std::string& root, const std::string& name);

  // Without publish: removes what has been written, and the folder if it did not exist before.
  ~RunFolder();
  RunFolder(const RunFolder&) = delete;
  RunFolder& operator=(const RunFolder&) = delete;

  [[nodiscard]] const std::string& path() const { return path_; }  // "runs/NAME"
  [[nodiscard]] std::string model_path() const { return file("model.safetensors"); }

  // Appends a line to the metrics and flushes it. Throws std::runtime_error if that fails.
  void log(const Metrics& metrics);

  // Replaces an earlier run of this name. save_model(path) writes the weights to that path. Weights
  // and metrics are on the disk under temporary names before the earlier run is touched; then
  // config.json is removed first and written last: a folder that has one holds one whole run.
  // Throws std::runtime_error naming the path and the reason. REQUIRES: called once.
  void publish(const std::string& config_json,
               const std::function<void(const std::string& path)>& save_model);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  [[nodiscard]] std::string file(const std::string& name) const { return path_ + "/" + name; }

  std::string path_;
  bool created_ = false;
  std::unique_ptr<std::FILE, Close> metrics_;
};

}  // namespace qkv::examples
