// A folder for one test, of a name nobody else has (tests run at the same time), gone at its end.
#pragma once

#include <filesystem>
#include <random>
#include <string>

namespace qkv::tests {

class TemporaryFolder {
 public:
  TemporaryFolder() {
    std::random_device random;
    folder_ = std::filesystem::temp_directory_path() /
              ("qkv_test_" + std::to_string(random()) + "_" + std::to_string(random()));
    std::filesystem::create_directory(folder_);
  }
  ~TemporaryFolder() { std::filesystem::remove_all(folder_); }
  TemporaryFolder(const TemporaryFolder&) = delete;
  TemporaryFolder& operator=(const TemporaryFolder&) = delete;

  [[nodiscard]] const std::filesystem::path& path() const { return folder_; }
  [[nodiscard]] std::string operator/(const std::string& name) const {
    return (folder_ / name).string();
  }

 private:
  std::filesystem::path folder_;
};

}  // namespace qkv::tests
