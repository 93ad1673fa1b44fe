// The steps of an atomic write, and the same for Windows as far as its standard library goes.
#include "lib/file.h"

#include <algorithm>
#include <cerrno>
#include <filesystem>
#include <system_error>
#include <utility>

#include "lib/text.h"

#if defined(_WIN32)
#include <fstream>
#else
#include <fcntl.h>
#include <unistd.h>
#endif

namespace qkv::lib {
namespace {

namespace fs = std::filesystem;

// Reports errno: "cannot write runs/a/model.safetensors: No space left on device".
[[noreturn]] void fail_with_errno(const char* what, const std::string& path) {
  throw std::system_error(errno, std::generic_category(), str("cannot ", what, " ", path));
}

[[noreturn]] void fail_with(const char* what, const std::string& path, const std::string& reason) {
  throw std::runtime_error(str("cannot ", what, " ", path, ": ", reason));
}

// A file that vanishes with its owner unless it has been kept.
class TemporaryFile {
 public:
  explicit TemporaryFile(fs::path path) : path_(std::move(path)) {}
  ~TemporaryFile() {
    std::error_code ignored;
    if (!kept_) fs::remove(path_, ignored);
  }
  TemporaryFile(const TemporaryFile&) = delete;
  TemporaryFile& operator=(const TemporaryFile&) = delete;
  void keep() { kept_ = true; }

 private:
  fs::path path_;
  bool kept_ = false;
};

#if defined(_WIN32)

void write_and_sync(const fs::path& file, const std::string& path,
                    const std::vector<std::string_view>& parts) {
  std::ofstream out(file, std::ios::binary | std::ios::trunc);
  for (const std::string_view part : parts) {
    out.write(part.data(), static_cast<std::streamsize>(part.size()));
  }
  out.close();
  if (!out) fail_with("write", path, "the disk is full or the folder cannot be written to");
}

void sync_folder(const fs::path&, const std::string&) {}

#else

// A file descriptor that is closed on the way out of a failure; success closes it by hand.
struct Descriptor {
  int number;
  explicit Descriptor(int n) : number(n) {}
  ~Descriptor() {
    if (number >= 0) ::close(number);
  }
  Descriptor(const Descriptor&) = delete;
  Descriptor& operator=(const Descriptor&) = delete;
};

// Until the bytes are on the disk. macOS's fsync stops at the drive's own cache.
int sync_to_disk(int descriptor) {
#if defined(F_FULLFSYNC)
  if (::fcntl(descriptor, F_FULLFSYNC) == 0) return 0;  // fails on some network file systems
#endif
  return ::fsync(descriptor);
}

// write() may be interrupted by a signal, and may take fewer bytes than it is given.
void write_all(int descriptor, std::string_view bytes, const std::string& path) {
  constexpr size_t kMost = size_t{1} << 30;  // macOS refuses 2^31 and more
  while (!bytes.empty()) {
    const ssize_t written = ::write(descriptor, bytes.data(), std::min(bytes.size(), kMost));
    if (written > 0) {
      bytes.remove_prefix(static_cast<size_t>(written));
    } else if (written == 0) {
      fail_with("write", path, "the file takes no more bytes");
    } else if (errno != EINTR) {
      fail_with_errno("write", path);
    }
  }
}

// O_EXCL: the file is a fresh one, never whatever a symbolic link of that name points to.
void write_and_sync(const fs::path& file, const std::string& path,
                    const std::vector<std::string_view>& parts) {
  Descriptor out(::open(file.c_str(), O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0644));
  if (out.number < 0) fail_with_errno("write", path);
  for (const std::string_view part : parts) write_all(out.number, part, path);
  if (sync_to_disk(out.number) != 0) fail_with_errno("write", path);
  const int descriptor = std::exchange(out.number, -1);
  if (::close(descriptor) != 0 && errno != EINTR) fail_with_errno("write", path);
}

// The rename is an entry in the folder: it too must reach the disk. File systems that cannot sync a
// folder answer EINVAL; there is nothing more to be done on them.
void sync_folder(const fs::path& folder, const std::string& path) {
  const Descriptor entry(::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC));
  if (entry.number < 0) fail_with_errno("sync the folder of", path);
  if (sync_to_disk(entry.number) != 0 && errno != EINVAL) {
    fail_with_errno("sync the folder of", path);
  }
}

#endif

// Where the bytes belong: `path` itself, or what it points to. Refuses what a rename would destroy,
// like a device, and what it cannot replace, like a folder.
fs::path resolve_target(const std::string& path) {
  std::error_code error;
  fs::path target = path;
  if (fs::is_symlink(path, error)) {
    target = fs::canonical(path, error);
    if (error) fail_with("write", path, error.message());
  }
  const fs::file_status status = fs::status(target, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail_with("write", path, "it exists and is not a regular file");
  }
  if (!target.has_filename()) fail_with("write", path, "it names no file");
  return target;
}

}  // namespace

InputFile::InputFile(const std::string& path) : path_(path) {
  std::error_code error;
  const fs::file_status status = fs::status(path, error);
  if (fs::exists(status) && !fs::is_regular_file(status)) {
    fail_with("read", path, "it is not a regular file");
  }
  file_.reset(std::fopen(path.c_str(), "rb"));
  if (!file_) fail_with_errno("read", path);
  size_ = fs::file_size(path, error);
  if (error) fail_with("read", path, error.message());
}

void InputFile::read(void* buffer, size_t bytes) {
  if (bytes == 0) return;
  errno = 0;
  const size_t got = std::fread(buffer, 1, bytes, file_.get());
  if (got == bytes) return;
  if (std::ferror(file_.get()) != 0) fail_with_errno("read", path_);
  fail_with("read", path_, str("it ended ", bytes - got, " bytes early"));
}

std::string read_file(const std::string& path, uint64_t max_bytes) {
  InputFile file(path);
  if (file.size() > max_bytes) {
    fail_with("read", path,
              str("it has ", file.size(), " bytes; at most ", max_bytes, " are read"));
  }
  std::string bytes(static_cast<size_t>(file.size()), '\0');
  file.read(bytes.data(), bytes.size());
  return bytes;
}

void write_file_atomically(const std::string& path, const std::vector<std::string_view>& parts) {
  const fs::path target = resolve_target(path);
  const fs::path folder = target.has_parent_path() ? target.parent_path() : fs::path(".");
  const fs::path temporary = folder / str(".", target.filename().string(), ".tmp");

  std::error_code error;
  fs::remove(temporary, error);  // what a killed writer left behind
  TemporaryFile guard(temporary);
  write_and_sync(temporary, path, parts);
  fs::rename(temporary, target, error);
  if (error) fail_with("write", path, error.message());
  guard.keep();
  sync_folder(folder, path);
}

}  // namespace qkv::lib
