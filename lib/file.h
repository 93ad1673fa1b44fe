// Files, read with care and written whole or not at all:
//
//   write .NAME.tmp -> fsync -> close -> rename to NAME -> fsync of the folder
//
// rename is atomic, so at every moment NAME is the complete old file or the complete new one: a
// kill, a full disk or a power cut never leaves half of it. A file's bytes travel as std::string.
#pragma once

#include <cstdint>
#include <cstdio>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace qkv::lib {

// A regular file, read from front to back. Whatever goes wrong throws std::runtime_error naming the
// path (std::system_error, which is one, if the operating system has a reason to give).
class InputFile {
 public:
  explicit InputFile(const std::string& path);  // refuses folders, pipes and devices

  [[nodiscard]] const std::string& path() const { return path_; }
  [[nodiscard]] uint64_t size() const { return size_; }

  // The next `bytes` bytes. Throws if the file ends before.
  void read(void* buffer, size_t bytes);

 private:
  struct Close {
    void operator()(std::FILE* file) const { std::fclose(file); }
  };
  std::string path_;
  uint64_t size_ = 0;
  std::unique_ptr<std::FILE, Close> file_;
};

// The whole file. Throws like InputFile, and, without reading any, if it has more than max_bytes.
[[nodiscard]] std::string read_file(const std::string& path, uint64_t max_bytes);

// Makes `path` a file of these parts, one after the other. If it is a symbolic link, the file it
// points to is replaced. On an error throws std::runtime_error naming the path and the reason; the
// temporary file is then gone and the previous file as it was. (One exception: if only the last
// step fails, the new file is in place, but may not survive a power cut.)
// REQUIRES: nobody else writes the same path at the same time.
void write_file_atomically(const std::string& path, const std::vector<std::string_view>& parts);

}  // namespace qkv::lib
